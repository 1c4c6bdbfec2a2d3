/** How one column of a session is kept: the one list that row, entity, storage and public view follow. */
export interface SessionField {
  /** `moment`: epoch milliseconds. `span`: milliseconds. `json`: an object. */
  readonly type: 'text' | 'count' | 'moment' | 'span' | 'json';
  /** Longest text, in code points. */
  readonly length?: number;
  readonly nullable?: true;
  /** What a column holds that is not given; only those that are never null have one. */
  readonly preset?: string | number;
  /** Never leaves the library: it is a digest, a salt or bookkeeping. */
  readonly internal?: true;
}

const DIGEST = { type: 'text', length: 64, internal: true } as const;
const NULL = { nullable: true } as const;
const MOMENT = { type: 'moment' } as const;

/** Every column of a session, in the order of the table. */
export const SESSION_FIELDS = {
  id: { type: 'text', length: 36 },
  realm: { type: 'text', length: 64, preset: '' },
  userId: { type: 'text', length: 255 },
  kind: { type: 'text', length: 16, preset: 'login' },
  accessDigest: DIGEST,
  previousAccessDigest: { ...DIGEST, ...NULL },
  accessSalt: { ...DIGEST, ...NULL },
  accessKeyAt: { ...MOMENT, ...NULL, internal: true },
  accessKeyIndex: { type: 'count', ...NULL, internal: true },
  refreshDigest: { ...DIGEST, ...NULL },
  previousRefreshDigest: { ...DIGEST, ...NULL },
  refreshSalt: { ...DIGEST, ...NULL },
  rotationKeyDigest: { ...DIGEST, ...NULL },
  generation: { type: 'count' },
  rotatedAt: { ...MOMENT, ...NULL },
  createdAt: MOMENT,
  authenticatedAt: MOMENT,
  expiresAt: MOMENT,
  idleTimeout: { type: 'span', ...NULL },
  maxExpiresAt: { ...MOMENT, ...NULL },
  lastUsedAt: MOMENT,
  userAgent: { type: 'text', length: 512, ...NULL },
  ipAddress: { type: 'text', length: 64, ...NULL },
  deviceName: { type: 'text', length: 128, ...NULL },
  lastUserAgent: { type: 'text', length: 512, ...NULL },
  lastIpAddress: { type: 'text', length: 64, ...NULL },
  scopes: { type: 'text', length: 1_024, ...NULL },
  audience: { type: 'text', length: 512, ...NULL },
  acr: { type: 'text', length: 255, ...NULL },
  amr: { type: 'text', length: 255, ...NULL },
  actorId: { type: 'text', length: 255, ...NULL },
  actorRealm: { type: 'text', length: 64, ...NULL },
  actorSessionId: { type: 'text', length: 36, ...NULL },
  claims: { type: 'json', ...NULL, internal: true },
  boundKind: { type: 'text', length: 16, ...NULL },
  boundKey: { type: 'text', length: 1_024, ...NULL, internal: true },
  boundKeyThumbprint: { type: 'text', length: 64, ...NULL },
  boundAt: { ...MOMENT, ...NULL },
  boundProofAt: { ...MOMENT, ...NULL, internal: true },
  boundRefusedAt: { ...MOMENT, ...NULL },
  slot: { type: 'count', ...NULL, internal: true },
} as const satisfies { readonly [Name in keyof SessionRecord]: SessionField };

/** The names of all columns, in the order of the table. */
export const SESSION_COLUMNS = Object.keys(SESSION_FIELDS) as readonly (keyof SessionRecord)[];

/** What a session is for: a person's login, a program's token, or staff who act as a user. */
export type SessionKind = 'login' | 'program' | 'impersonation';

/**
 * One login on one device: a row of `jwt_knox_sessions`, as the storage sees it.
 * All times are epoch milliseconds, set from the application's {@link Clock}. Digests are SHA-256 in lowercase hex.
 */
export interface SessionRecord {
  /** Public id (`sid`), a UUID: safe to show. Never changed. */
  id: string;
  /** Which of several modules on one table the session belongs to; '' when there is one. */
  realm: string;
  userId: string;
  kind: SessionKind;
  /** Digest of the access token's token key. */
  accessDigest: string;
  /** Digest of the access key before the present one: both count. */
  previousAccessDigest: string | null;
  /** 32 random bytes (lowercase hex) from which, with the session key, the access key was derived; null: a key of 0.1. */
  accessSalt: string | null;
  /** Since when the present access key counts; null for a key of 0.1. */
  accessKeyAt: number | null;
  /** How often the access key changed since credentials were proven; null for a key of 0.1. */
  accessKeyIndex: number | null;
  /** Digest of the current refresh token's token key; null in single-token mode. */
  refreshDigest: string | null;
  /** Digest of the refresh token key before the last rotation. */
  previousRefreshDigest: string | null;
  /** 32 random bytes (lowercase hex) with which the last rotation derived the current refresh key. */
  refreshSalt: string | null;
  /** Digest of the `Idempotency-Key` of the request that rotated last; null when it had none. */
  rotationKeyDigest: string | null;
  /** How often the refresh token was rotated. */
  generation: number;
  /** The last rotation; null at login. */
  rotatedAt: number | null;
  createdAt: number;
  /** When credentials were last proven (OpenID Connect's `auth_time`). */
  authenticatedAt: number;
  /** The session is over once this has come; 0 when another login took its place. */
  expiresAt: number;
  /** How long this session may stay unused, in milliseconds; null: what the options say. */
  idleTimeout: number | null;
  /** No refresh moves `expiresAt` beyond this; null: what the options say. */
  maxExpiresAt: number | null;
  lastUsedAt: number;
  userAgent: string | null;
  ipAddress: string | null;
  deviceName: string | null;
  /** The user-agent of the last refresh that rotated; null before. */
  lastUserAgent: string | null;
  /** The address of the last refresh that rotated; null before. */
  lastIpAddress: string | null;
  /** What the session may do, space-separated; null: everything that its user may do. */
  scopes: string | null;
  /** Which audiences the access tokens carry, space-separated; null: all that the options name. */
  audience: string | null;
  /** Authentication context class (OpenID Connect Core section 2). */
  acr: string | null;
  /** Authentication methods (RFC 8176), space-separated. */
  amr: string | null;
  /** Who acts as the user, where somebody does. */
  actorId: string | null;
  actorRealm: string | null;
  actorSessionId: string | null;
  /** Custom claims given when the session was issued. */
  claims: Record<string, unknown> | null;
  /** By what the session is bound to its device. */
  boundKind: string | null;
  /** The device's public key, a JWK. */
  boundKey: string | null;
  /** RFC 7638. */
  boundKeyThumbprint: string | null;
  boundAt: number | null;
  boundProofAt: number | null;
  /** When somebody who has a token of the session, and not its key, was refused last; null: never, or the user has seen it. */
  boundRefusedAt: number | null;
  /** 1…N under a session limit, otherwise null. */
  slot: number | null;
}

type Internal = {
  [Name in keyof SessionRecord]: (typeof SESSION_FIELDS)[Name] extends { readonly internal: true } ? Name : never;
}[keyof SessionRecord];

/** A session as your application sees it: everything about the login but its digests. Times are epoch milliseconds. */
export type Session = Readonly<Omit<SessionRecord, Internal>>;

/** Who acts as another user: their id, realm ('' for none) and the session in which they do it. */
export interface Actor {
  readonly userId: string;
  readonly realm: string;
  readonly sessionId: string;
}

/** What a session must be given: the columns that are never null and have no preset. */
export type SessionEssentials = Pick<
  SessionRecord,
  'id' | 'userId' | 'accessDigest' | 'createdAt' | 'authenticatedAt' | 'expiresAt' | 'lastUsedAt'
>;

/**
 * Returns a row with all its columns: null, or what the table presets, where nothing is given.
 * @example
 * const record = sessionRecord({ id, userId, accessDigest, createdAt, authenticatedAt, expiresAt, lastUsedAt });
 */
export function sessionRecord(given: SessionEssentials & Partial<SessionRecord>): SessionRecord {
  const blank = SESSION_COLUMNS.map((name) => [name, (SESSION_FIELDS[name] as SessionField).preset ?? null]);
  return { ...Object.fromEntries(blank), generation: 0, ...given };
}

/**
 * A session as far as its access token tells of it: what a verifier knows that does not read the row. `scopes` is '' where
 * the token names none, and `authenticatedAt` 0 where it does not say when credentials were proven.
 */
export type TokenSession = Pick<
  Session,
  | 'id'
  | 'userId'
  | 'generation'
  | 'expiresAt'
  | 'scopes'
  | 'authenticatedAt'
  | 'actorId'
  | 'actorRealm'
  | 'boundKind'
  | 'boundKeyThumbprint'
>;

/**
 * The part of a row that may leave the library: no digest, no salt. Written out, since it runs with every request and a
 * loop costs ten times as much; the type says when a column is missing.
 */
export function sessionOf(row: SessionRecord): Session {
  return Object.freeze({
    id: row.id,
    realm: row.realm,
    userId: row.userId,
    kind: row.kind,
    generation: row.generation,
    rotatedAt: row.rotatedAt,
    createdAt: row.createdAt,
    authenticatedAt: row.authenticatedAt,
    expiresAt: row.expiresAt,
    idleTimeout: row.idleTimeout,
    maxExpiresAt: row.maxExpiresAt,
    lastUsedAt: row.lastUsedAt,
    userAgent: row.userAgent,
    ipAddress: row.ipAddress,
    deviceName: row.deviceName,
    lastUserAgent: row.lastUserAgent,
    lastIpAddress: row.lastIpAddress,
    scopes: row.scopes,
    audience: row.audience,
    acr: row.acr,
    amr: row.amr,
    actorId: row.actorId,
    actorRealm: row.actorRealm,
    actorSessionId: row.actorSessionId,
    boundKind: row.boundKind,
    boundKeyThumbprint: row.boundKeyThumbprint,
    boundAt: row.boundAt,
    boundRefusedAt: row.boundRefusedAt,
  });
}
