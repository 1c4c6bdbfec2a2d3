/**
 * One login on one device: a row of `jwt_knox_sessions`, as the storage sees it.
 * All times are epoch milliseconds, set from the application's {@link Clock}. Digests are SHA-256 in lowercase hex.
 */
export interface SessionRecord {
  /** Public id (`sid`), a UUID: safe to show. */
  id: string;
  userId: string;
  /** Digest of the access token's token key. */
  accessDigest: string;
  /** Digest of the current refresh token's token key; null in single-token mode. */
  refreshDigest: string | null;
  /** Digest of the refresh token key before the last rotation. */
  previousRefreshDigest: string | null;
  /** 32 random bytes (lowercase hex) with which the last rotation derived the current refresh key. */
  refreshSalt: string | null;
  /** How often the refresh token was rotated. */
  generation: number;
  /** The last rotation; null at login. */
  rotatedAt: number | null;
  createdAt: number;
  /** When credentials were last proven (OpenID Connect's `auth_time`). */
  authenticatedAt: number;
  expiresAt: number;
  lastUsedAt: number;
  userAgent: string | null;
  ipAddress: string | null;
  deviceName: string | null;
  /** 1…N under a session limit, otherwise null. */
  slot: number | null;
}

/** A session as hosts see it: everything about the login but its digests. Times are epoch milliseconds. */
export type Session = Readonly<
  Omit<SessionRecord, 'accessDigest' | 'refreshDigest' | 'previousRefreshDigest' | 'refreshSalt' | 'slot'>
>;

/** A session as far as its access token tells of it: what a verifier knows that does not read the row. */
export type TokenSession = Pick<Session, 'id' | 'userId' | 'generation' | 'expiresAt'>;

/** Who presents a token: what is known of the request that carries it. */
export interface Presenter {
  userAgent?: string | null;
  /** As the framework trusts it (`request.ip`), never read from a header by the library. */
  ip?: string | null;
}

/** The device of a login. */
export interface Device extends Presenter {
  /** A name the user gave the device, e.g. "Work laptop". */
  deviceName?: string | null;
}

/** A presenter as events show it: cleaned like the columns. */
export function describePresenter(presenter: Presenter): Presenter {
  return {
    userAgent: describe(presenter.userAgent, TEXT_LIMITS.userAgent),
    ip: describe(presenter.ip, TEXT_LIMITS.ipAddress),
  };
}

/** The part of a row that may leave the library: no digest, no salt. */
export function sessionOf(record: SessionRecord): Session {
  return Object.freeze({
    id: record.id,
    userId: record.userId,
    generation: record.generation,
    rotatedAt: record.rotatedAt,
    createdAt: record.createdAt,
    authenticatedAt: record.authenticatedAt,
    expiresAt: record.expiresAt,
    lastUsedAt: record.lastUsedAt,
    userAgent: record.userAgent,
    ipAddress: record.ipAddress,
    deviceName: record.deviceName,
  });
}

/** Longest text, in code points, that each descriptive column holds. */
export const TEXT_LIMITS = { userId: 255, userAgent: 512, ipAddress: 64, deviceName: 128 } as const;

// Control characters, lone surrogates, line separators and the bidi controls that can reorder what a person reads.
const UNSHOWABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Cleans a client's own description of itself and cuts it, by code point, to what its column holds. */
export function describe(text: string | null | undefined, limit: number): string | null {
  if (typeof text !== 'string') return null;
  // Sliced first, so that the cost of cleaning is bounded whatever was sent.
  const clean = text
    .slice(0, limit * 4)
    .replace(UNSHOWABLE, '')
    .trimStart();
  const points = (clean.length > limit ? Array.from(clean).slice(0, limit).join('') : clean).trimEnd();
  return points === '' ? null : points;
}
