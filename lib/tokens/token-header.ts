import { TokenRejection } from '../contracts/errors';
import type { KeyringKey } from './key-loader';
import type { Keyring } from './keyring';

export type TokenType = 'access' | 'refresh';

/** What a key signs: tokens, and what a revocation stream says. */
export type SignedType = TokenType | 'revocations';

/** Media types of the header's `typ` (RFC 9068 section 2.1; the others in its manner). */
const TYP: Record<SignedType, string> = { access: 'at+jwt', refresh: 'rt+jwt', revocations: 'revocations+jwt' };

export const MAX_TOKEN_LENGTH = 4_096;

// Canonical base64url: unused bits of the last character are zero, so one token has one spelling.
const PART = '(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?';
const COMPACT = new RegExp(`^(?=[^.])${PART}\\.(?=[^.])${PART}\\.(?=.)${PART}$`);

/** Whether a text has the form of a JWS in compact serialization (RFC 7515 section 7.1), none of its parts empty. */
export function isCompact(text: string): boolean {
  return COMPACT.test(text);
}

/** The headers of the tokens that these keys sign, by their text in base64url: nothing is left to check in them. */
export function expectedHeaders(keyring: Keyring, type: TokenType): ReadonlyMap<string, KeyringKey> {
  return new Map(keyring.all.map((key) => [headerFor(key, type), key]));
}

/** The first part of a token that this key signs: its header in base64url. */
export function headerFor({ algorithm, kid }: KeyringKey, type: SignedType): string {
  return Buffer.from(JSON.stringify({ alg: algorithm, typ: TYP[type], kid })).toString('base64url');
}

/** The first part of a token of sound form and size. @throws TokenRejection */
export function headerOf(raw: string): string {
  // Handshakes and other host code may hand on whatever they were sent.
  if (typeof raw !== 'string' || raw.length > MAX_TOKEN_LENGTH || !COMPACT.test(raw))
    throw new TokenRejection('malformed');
  return raw.slice(0, raw.indexOf('.'));
}

/** The header gate, as far as it goes without the keys. @throws TokenRejection */
export function parseHeader(part: string, type: SignedType): { kid: string; algorithm: string } {
  let header: Record<string, unknown>;
  try {
    header = plainObject(JSON.parse(Buffer.from(part, 'base64url').toString()));
  } catch {
    throw new TokenRejection('header');
  }
  // Known members only: `crit`, `b64`, `zip`, `jku`, `jwk`, `x5u`… change what a token means (RFC 8725 section 3).
  if (Object.keys(header).length !== 3 || header.typ !== TYP[type]) throw new TokenRejection('header');
  if (typeof header.kid !== 'string' || typeof header.alg !== 'string') throw new TokenRejection('header');
  return { kid: header.kid, algorithm: header.alg };
}

export function plainObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TokenRejection('claims');
  return value as Record<string, unknown>;
}
