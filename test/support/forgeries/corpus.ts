import type { RejectionReason } from '../../../lib';
import { forge, rightful } from '../forge';

/** What a forger starts from. */
export interface Booty {
  /** A good access token of a live session. */
  access: string;
  /** The refresh token of the same session. */
  refresh: string;
  /** A server of the attacker's, for headers that name one. */
  server: string;
}

/** A bad token, and the check that must refuse it before the storage is asked. */
export interface Forgery {
  title: string;
  make(booty: Booty): string;
  reason: RejectionReason;
}

/** Filled by the files beside this one. */
export const forgeries: Forgery[] = [];

export function add(reason: RejectionReason, title: string, make: (booty: Booty) => string): void {
  forgeries.push({ reason, title, make });
}

/** A header that the holder of the signing key himself could not get through with. */
export function addHeader(
  reason: RejectionReason,
  title: string,
  header: Record<string, unknown> | string | Buffer,
): void {
  const isText = typeof header === 'string' || Buffer.isBuffer(header);
  const changes = isText ? { headerText: header } : { header };
  add(reason, title, ({ access }) => forge(access, rightful.rsa, changes));
}

export function addPayload(
  reason: RejectionReason,
  title: string,
  payload: Record<string, unknown> | string | Buffer,
): void {
  const isText = typeof payload === 'string' || Buffer.isBuffer(payload);
  const changes = isText ? { payloadText: payload } : { payload };
  add(reason, title, ({ access }) => forge(access, rightful.rsa, changes));
}

/** Texts that are no object of header or payload. */
export const oddTexts: [string, string | Buffer][] = [
  ['null', 'null'], ['true', 'true'], ['a number', '1'], ['a string', '"RS256"'], ['an empty array', '[]'], ['an array', '["RS256","rsa","at+jwt"]'],
  ['an empty object', '{}'], ['half an object', '{"alg":"RS256"'], ['blank', ' '], ['not JSON', 'alg=RS256'], ['invalid UTF-8', Buffer.from('ff', 'hex')],
  ['nested a thousand deep', `${'['.repeat(1_000)}${']'.repeat(1_000)}`],
]; // prettier-ignore
