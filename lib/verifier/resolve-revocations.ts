import type { OptionReader } from '../options/option-reader';
import type { ClientCredentials } from './client-credentials';
import { clientOf, uriOf } from './issuer-address';
import type { IntrospectionOptions, JwksOptions, RevocationsOptions } from './verifier.options';

/** `jwks.revocations` as the library uses it. */
export interface ResolvedRevocations {
  readonly uri: string;
  readonly client: ClientCredentials;
  readonly onSilence: NonNullable<RevocationsOptions['onSilence']>;
}

/** Beside which the stream is looked for, and who may be asked in its place. */
interface Beside {
  readonly issuer: string | undefined;
  readonly introspection: IntrospectionOptions | undefined;
  readonly allowHttp: boolean;
}

/** Null where the stream is not followed. */
export function revocationsOf(
  read: OptionReader,
  given: JwksOptions['revocations'],
  { issuer, introspection, allowHttp }: Beside,
): ResolvedRevocations | null {
  if (given === undefined || given === false) return null;
  const options = read.section<RevocationsOptions>('jwks.revocations', given === true ? {} : given);
  const fallback = introspection ? 'introspect' : 'refuse';
  const silence = ['introspect', 'refuse', 'accept-until-exp'] as const;
  const onSilence = read.choice('jwks.revocations.onSilence', options.onSilence, silence, fallback);
  read.refuse(
    onSilence === 'introspect' && !introspection,
    "jwks.revocations.onSilence: 'introspect' needs introspection: { uri, client }; set that, or choose 'refuse'.",
  );
  const name = options.client === undefined ? 'introspection.client' : 'jwks.revocations.client';
  const client = options.client ?? introspection?.client;
  if (client === undefined) {
    read.problems.push(
      'jwks.revocations: needs the credentials of a client; set introspection: { uri, client }, or jwks.revocations.client.',
    );
    return null;
  }
  const address = { name: 'jwks.revocations.uri', allow: 'jwks.allowHttp', allowHttp };
  return Object.freeze({
    uri: uriOf(read, options.uri ?? standardUri(issuer, introspection?.uri), address),
    // The same one is told once, where it stands.
    client: clientOf(options.client === undefined ? null : read, name, client),
    onSilence,
  });
}

/** Beside `introspect`; else where the routes of an issuer are by default. */
function standardUri(issuer: unknown, introspect: unknown): string | undefined {
  if (typeof introspect === 'string' && URL.canParse(introspect)) return new URL('revocations', introspect).href;
  return typeof issuer === 'string' && URL.canParse(issuer) ? new URL('/auth/revocations', issuer).href : undefined;
}
