import { TEXT_LIMITS } from '../contracts/device';
import { TokenRejection } from '../contracts/errors';
import { plainObject } from './token-header';
import { isEncodedTokenKey, TokenKey } from './token-key';

/** Claims a host may not set: they are the library's, or carry a meaning that other parties act upon. */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  'iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'gen', 'typ', 'token_key', 'session_key',
  'client_id', 'scope', 'cnf', 'act', 'auth_time', 'acr', 'amr', 'realm',
]); // prettier-ignore

/** Year 9999: later times are nonsense, and beyond what other libraries read. Seconds. */
const MAX_NUMERIC_DATE = 253_402_300_799;
const MAX_GENERATION = 2_147_483_647;

const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** The members of a payload, as they were sent. */
export type Payload = Readonly<Record<string, unknown>>;

/** What both kinds of token say, checked. `expiresAt` is in epoch milliseconds. */
export interface TokenClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly generation: number;
  readonly expiresAt: number;
  readonly tokenKey: TokenKey;
}

export interface AccessClaims extends TokenClaims {
  /** Everything that `aud` names, ours or not. */
  readonly audience: readonly string[];
  /** The claim `scope`; undefined where there is none. Never authorise by it where the row is at hand. */
  readonly scope: string | undefined;
  /** The claim `auth_time` in epoch milliseconds; 0 where there is none. */
  readonly authenticatedAt: number;
  /** The claim `act`: who acts as the user; null where nobody does. */
  readonly actor: { readonly userId: string; readonly realm: string } | null;
  /** The claim `cnf`: thumbprint of the key that whoever shows the token must have; null for none. */
  readonly boundTo: string | null;
  /** Everything the library did not put there itself. */
  readonly custom: Readonly<Record<string, unknown>>;
}

export interface RefreshClaims extends TokenClaims {
  readonly sessionKey: TokenKey;
}

/** Whether a string can be a user id in a token, a row and a database driver. */
export function isUserId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_LIMITS.userId && !UNPRINTABLE.test(value);
}

/** Whether a string has the form of a session id. */
export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && SESSION_ID.test(value);
}

/** The members that both kinds of token have, checked, times included (RFC 7519 section 4.1). @throws TokenRejection */
export function readClaims(members: Payload, now: number, clockTolerance: number): TokenClaims {
  const { sub, sid, jti, iat, exp, nbf, gen, token_key: tokenKey } = members;
  const horizon = now + clockTolerance;
  const sound =
    isUserId(sub) && isSessionId(sid) && typeof jti === 'string' && jti !== '' && jti.length <= 128 &&
    isBounded(iat, MAX_NUMERIC_DATE) && isBounded(exp, MAX_NUMERIC_DATE) && isBounded(gen, MAX_GENERATION) &&
    (nbf === undefined || (isBounded(nbf, MAX_NUMERIC_DATE) && nbf * 1_000 <= horizon)) &&
    isEncodedTokenKey(tokenKey); // prettier-ignore
  if (!sound) throw new TokenRejection('claims');
  if (exp * 1_000 + clockTolerance <= now) throw new TokenRejection('expired');
  return {
    userId: sub,
    sessionId: sid,
    generation: gen,
    expiresAt: exp * 1_000,
    tokenKey: TokenKey.decode(tokenKey),
  };
}

/** The payload of a token, unchecked. @throws TokenRejection when it is no JSON object */
export function payloadOf(raw: string): Payload {
  let payload: unknown;
  try {
    payload = JSON.parse(Buffer.from(raw.split('.', 2)[1] ?? '', 'base64url').toString());
  } catch {
    throw new TokenRejection('claims');
  }
  return plainObject(payload);
}

function isBounded(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

/** When the credentials were proven, in epoch milliseconds; 0 where the token does not say. */
export function authTimeIn({ auth_time: time }: Payload): number {
  return isBounded(time, MAX_NUMERIC_DATE) ? time * 1_000 : 0;
}

/** Who acts as the user (RFC 8693 section 4.1); null where nobody does. @throws TokenRejection for what cannot be read */
export function actorIn({ act }: Payload): AccessClaims['actor'] {
  if (act === undefined) return null;
  const { sub, realm = '' } = Object(act) as { sub?: unknown; realm?: unknown };
  if (!isUserId(sub) || typeof realm !== 'string') throw new TokenRejection('claims');
  return { userId: sub, realm };
}

/** RFC 7638, SHA-256 in base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Whether a text has the form of the thumbprint of a key. */
export function isThumbprint(value: unknown): value is string {
  return typeof value === 'string' && THUMBPRINT.test(value);
}

/**
 * The key that whoever shows the token must have (RFC 9449 section 6.1); null for none.
 * @throws TokenRejection for another confirmation than by DPoP: what cannot be checked must not be taken for less
 */
export function thumbprintIn({ cnf }: Payload): string | null {
  if (cnf === undefined) return null;
  const { jkt, ...others } = Object(cnf) as Record<string, unknown>;
  if (!isThumbprint(jkt) || Object.keys(others).length > 0) throw new TokenRejection('claims');
  return jkt;
}

/** Everything that `aud` names. */
export function audienceIn({ aud }: Payload): string[] {
  const carried: unknown[] = Array.isArray(aud) ? aud : [aud];
  return carried.filter((one) => typeof one === 'string');
}

const NO_CLAIMS: Readonly<Record<string, unknown>> = Object.freeze({});

/** Everything that the library did not put there itself. */
export function customClaimsOf(members: Payload): Readonly<Record<string, unknown>> {
  const names = Object.keys(members).filter((name) => !RESERVED_CLAIMS.has(name));
  if (names.length === 0) return NO_CLAIMS;
  return Object.freeze(Object.fromEntries(names.map((name) => [name, members[name]])));
}
