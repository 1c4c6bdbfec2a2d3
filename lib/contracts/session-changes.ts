import type { SessionKind } from './session';

/** What a row notes of its access keys. */
export interface AccessKeyState {
  accessDigest: string;
  /** The digest that was present so far; null when no token with its key can be alive. */
  previousAccessDigest: string | null;
  accessSalt: string;
  /** Since when the key counts, epoch ms; the row must still be alive at it. */
  accessKeyAt: number;
  accessKeyIndex: number;
}

/** The access key after the present one. */
export interface AccessKeyChange extends AccessKeyState {
  /** Digest of the access key that is replaced: nothing changes unless the row still has it. */
  replaces: string;
}

/**
 * What one rotation of the refresh token writes; the access key's part, all of it or nothing, where that changes with it.
 * Times are epoch milliseconds.
 */
export interface Rotation extends Partial<AccessKeyChange> {
  refreshDigest: string;
  previousRefreshDigest: string;
  refreshSalt: string;
  /** Digest of the request's `Idempotency-Key`; null when it had none. */
  rotationKeyDigest: string | null;
  generation: number;
  /** Becomes `rotatedAt` and `lastUsedAt`; the row must still be alive at it. */
  at: number;
  expiresAt: number;
  lastUserAgent: string | null;
  lastIpAddress: string | null;
}

/**
 * A session becomes bound to a key of its device, in the same statement as a rotation: what was copied before is worth
 * nothing. Times are epoch milliseconds.
 */
export interface KeyBinding extends Omit<Rotation, keyof AccessKeyChange> {
  boundKind: string;
  /** The public key, a JWK without other members, as JSON. */
  boundKey: string;
  /** RFC 7638. */
  boundKeyThumbprint: string;
  boundAt: number;
  /** As if a proof had been accepted: from then on a refresh needs one. Null: from the first one on. */
  boundProofAt: number | null;
}

/**
 * New keys of a session, after credentials were proven again: whatever was issued before is worth nothing. What the row
 * knows of the last rotation (`previousRefreshDigest`, `refreshSalt`, `rotationKeyDigest`, `rotatedAt`) becomes null.
 * Times are epoch milliseconds.
 */
export interface KeyRenewal extends AccessKeyState {
  /** Null in single-token mode. */
  refreshDigest: string | null;
  previousAccessDigest: null;
  /** The generation after the one that was read. */
  generation: number;
  /** When the credentials were proven. */
  authenticatedAt: number;
  /** The row must still be alive at it; becomes `lastUsedAt`. */
  at: number;
  expiresAt: number;
}

/** Which session may be deleted: every condition that is given has to hold. */
export interface DeleteConditions {
  userId?: string | undefined;
  generation?: number | undefined;
  /** Only a session of one of these kinds. */
  kinds?: readonly SessionKind[] | undefined;
}
