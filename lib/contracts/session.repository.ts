import { Discreet } from './discreet';
import type { SessionRecord } from './session';

/** A row, with its user where the storage reads both at once. */
export interface FoundSession {
  record: SessionRecord;
  /** The host's user, or null when the row has none. Left out by a storage that does not join. */
  user?: unknown;
}

/** Which sessions of a user to read, newest first. */
export interface SessionQuery {
  /** Leave out what has expired by this moment (epoch ms). */
  aliveAt?: number;
  /** Only those created before this one, or in the same millisecond with a smaller id. */
  before?: { createdAt: number; id?: string };
  limit?: number;
}

/** What one rotation of the refresh token writes. */
export interface Rotation {
  refreshDigest: string;
  previousRefreshDigest: string;
  refreshSalt: string;
  generation: number;
  /** Becomes `rotatedAt` and `lastUsedAt`; the row must still be alive at it. */
  at: number;
  expiresAt: number;
}

/** Figures about the sessions in the storage at one moment. */
export interface SessionFigures {
  users: { all: number; active: number; expired: number };
  sessions: { all: number; active: number; expired: number };
  maxActivePerUser: number;
  /** The ten user agents with the most active sessions, most first. */
  byUserAgent: { userAgent: string | null; active: number }[];
}

/**
 * The storage contract. Every write is one conditional statement, so that concurrent writers meet on the row; every
 * read of a session is from the primary. Implementations throw their driver's errors as they are: the callers turn
 * them into 503. The suite in `nestjs-jwt-knox/testing` holds an implementation to this contract.
 */
export abstract class SessionRepository extends Discreet {
  /** Whether {@link findById} brings the user along: no look-up of its own is made then. */
  readonly joinsUser: boolean = false;

  /** One indexed read. */
  abstract findById(id: string): Promise<FoundSession | null>;
  abstract findByUser(userId: string, query?: SessionQuery): Promise<SessionRecord[]>;
  /** Adds a row. False, and nothing written, when the user's slot is taken. */
  abstract insert(record: SessionRecord): Promise<boolean>;
  /**
   * Overwrites a row in place with another session, in one statement. False, and nothing written, when the row is gone
   * or, with `expiredBy`, still lives at that moment (epoch ms), or when the new slot is taken.
   */
  abstract takeOver(id: string, replacement: SessionRecord, expiredBy?: number): Promise<boolean>;
  /** Rotates where `refreshDigest` is still the presented one and the row is alive. False when nothing changed. */
  abstract rotate(id: string, presentedDigest: string, rotation: Rotation): Promise<boolean>;
  /** Moves `lastUsedAt` forward, never back, and only while the row is of this generation. */
  abstract touch(id: string, generation: number, lastUsedAt: number): Promise<void>;
  /** Moves `authenticatedAt` forward, never back. False when the row is gone or already later. */
  abstract reauthenticate(id: string, authenticatedAt: number): Promise<boolean>;
  /** Deletes one session, if it is this user's and of this generation where those are given. */
  abstract deleteById(id: string, only?: { userId?: string; generation?: number }): Promise<boolean>;
  /** Deletes all sessions of a user, but for one where it is given; answers how many. */
  abstract deleteByUser(userId: string, exceptId?: string): Promise<number>;
  /** Deletes what was created before a moment (epoch ms); answers how many. */
  abstract deleteCreatedBefore(moment: number): Promise<number>;
  /** Deletes at most `limit` sessions that have expired by `now` (epoch ms); answers how many. */
  abstract deleteExpired(now: number, limit: number): Promise<number>;
  /** Counts in the storage, loading no rows; of one user where an id is given. */
  abstract figures(now: number, userId?: string): Promise<SessionFigures>;
}
