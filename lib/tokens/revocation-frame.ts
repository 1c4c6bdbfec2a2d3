import { TokenRejection } from '../contracts/errors';
import { isSignature, signatureOf } from './algorithms';
import type { KeyringKey } from './key-loader';
import type { Keyring } from './keyring';
import type { ToldEnd } from './revocation-set';
import { payloadOf } from './token-claims';
import { headerFor, parseHeader } from './token-header';

/** `aud` of what a stream says: no token has it. */
export const REVOCATIONS_AUDIENCE = 'urn:jwt-knox:revocations';

/** Longer than any frame of this library. Characters. */
export const MOST_FRAME_LENGTH = 262_144;

/** How many ends one frame tells at most, and in how many bytes, which base64url makes a third more. */
const ENDS_IN_FRAME = 500;
const BYTES_IN_FRAME = 160_000;

/** What one message of a revocation stream says. */
export interface RevocationFrame {
  readonly iss: string;
  readonly aud: typeof REVOCATIONS_AUDIENCE;
  readonly realm?: string;
  /** The process, and its start. */
  readonly stream_id: string;
  /** One more than that of the frame before, but in a snapshot: there it is that of the frame before. */
  readonly seq: number;
  /** When it was signed, by a clock of the process that only goes forward: milliseconds. */
  readonly now: number;
  /** By the same clock: every end that was acknowledged until then, anywhere, has been told. */
  readonly heard: number;
  /** Nothing is known of tokens that were issued before this moment; seconds. */
  readonly complete_from: number;
  readonly ends: readonly ToldEnd[];
  /** Of a snapshot: what the client sent. */
  readonly nonce?: string;
  /** Of a snapshot: how many frames of it follow. */
  readonly left?: number;
}

/** Ends as frames tell them; the ids of users may be long. */
export function inFrames(ends: Iterable<ToldEnd>): ToldEnd[][] {
  const frames: ToldEnd[][] = [];
  let bytes = Infinity;
  for (const end of ends) {
    const more = Buffer.byteLength(JSON.stringify(end));
    const isFull = bytes + more > BYTES_IN_FRAME || frames.at(-1)!.length === ENDS_IN_FRAME;
    if (isFull) frames.push([]);
    frames.at(-1)!.push(end);
    bytes = isFull ? more : bytes + more;
  }
  return frames;
}

export function signFrame(key: Keyring['signingKey'], frame: RevocationFrame): string {
  const input = `${headerFor(key, 'revocations')}.${Buffer.from(JSON.stringify(frame)).toString('base64url')}`;
  return `${input}.${signatureOf(key.algorithm, key.signing, input).toString('base64url')}`;
}

/** Which key must have signed a frame. @throws TokenRejection */
export function frameHeaderOf(raw: string): { kid: string; algorithm: string } {
  if (raw.length > MOST_FRAME_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(raw)) throw new TokenRejection('malformed');
  return parseHeader(raw.slice(0, raw.indexOf('.')), 'revocations');
}

/** What a frame says, its signature and its form checked. @throws TokenRejection */
export function openFrame({ algorithm, verifying }: Pick<KeyringKey, 'algorithm' | 'verifying'>, raw: string) {
  const end = raw.lastIndexOf('.');
  const signature = Buffer.from(raw.slice(end + 1), 'base64url');
  if (!isSignature(algorithm, verifying, raw.slice(0, end), signature)) throw new TokenRejection('signature');
  const frame = payloadOf(raw);
  if (!isFrame(frame)) throw new TokenRejection('claims');
  return frame;
}

function isFrame(value: object): value is RevocationFrame {
  const { iss, aud, realm, stream_id: stream, seq, now, heard, complete_from: from, ends, nonce, left } =
    value as Record<string, unknown>; // prettier-ignore
  return (
    [iss, stream].every((one) => typeof one === 'string') &&
    aud === REVOCATIONS_AUDIENCE &&
    [realm, nonce].every((one) => one === undefined || typeof one === 'string') &&
    [seq, now, heard, from, left ?? 0].every(isMoment) &&
    (nonce === undefined) === (left === undefined) &&
    Array.isArray(ends) &&
    ends.every(isEnd)
  );
}

function isEnd(value: unknown): value is ToldEnd {
  const { sid, user_id: userId, except, kinds, from, before } = Object(value) as Record<string, unknown>;
  return (
    [sid, userId, except].every((one) => one === undefined || typeof one === 'string') &&
    (kinds === undefined || (Array.isArray(kinds) && kinds.every((one) => typeof one === 'string'))) &&
    (from === undefined || isMoment(from)) &&
    isMoment(before)
  );
}

const isMoment = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
