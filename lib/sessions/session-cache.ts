import type { SessionRecord } from '../contracts/session';
import type { AccessClaims } from '../tokens/token-claims';

/** A user as far as memory knows them: active when they were read. */
export interface KnownUser {
  /** What `UserProvider.snapshot` returned, frozen; becomes `request.user`. */
  readonly user: unknown;
  /** `UserProvider.validSince` then, epoch ms; null for none. */
  readonly validSince: number | null;
}

/** What a process knows of its memory and its feed. */
export interface CacheState {
  /** Sessions in memory. */
  readonly sessions: number;
  /** Requests that memory answered, since the start of the process. */
  hits: number;
  /** Those that it did not: of sessions that it does not know, or while the feed is silent. */
  misses: number;
  /** Milliseconds since the feed last proved that nothing is missing; null before it did so for the first time. */
  readonly feedAge: number | null;
}

/**
 * What a process may answer from memory: the seam for `leaseCache` of `nestjs-jwt-knox/cache`. What is recalled may accept,
 * and never refuse: a refusal is judged anew from the storage.
 */
export abstract class SessionCache {
  /** Whether users are kept too: `request.user` is always a snapshot then, but on routes with `@Authoritative()`. */
  abstract readonly keepsUsers: boolean;

  /** The claims of this very text, whose signature and claims were checked here before. Whether it has expired is not. */
  abstract claimsOf(token: string): AccessClaims | undefined;

  /** Keeps the claims of a token, all of which were checked. */
  abstract keepClaims(token: string, claims: AccessClaims): void;

  /** The row of this session, of this generation or a later one, as far as memory may answer. For access tokens only. */
  abstract recall(sessionId: string, generation: number): SessionRecord | undefined;

  /** One request was answered: from what was recalled, or not. */
  abstract noteAnswer(isRecalled: boolean): void;

  abstract recallUser(userId: string): KnownUser | undefined;

  /** Looks a user up, and keeps what may be kept of them. Returns what the look-up did. */
  abstract findUser(userId: string, find: () => Promise<unknown>): Promise<unknown>;

  /** What becomes `request.user` of a user that was found. */
  abstract snapshotOf(user: unknown): unknown;

  /**
   * Resolves when no instance answers from what it read before this call; of this session, also where nobody was told of
   * its end.
   * @throws when that cannot be told
   */
  abstract settled(sessionId?: string): Promise<void>;

  /** Announces that a user changed. When it resolves, no instance answers from what it knew of them before. */
  abstract userChanged(userId: string): Promise<void>;

  /**
   * Until when every end that was acknowledged, in whatever process, has been told here (`session.announced`,
   * `session.revoked`): by `performance.now()`. `-Infinity` while nothing is heard.
   */
  abstract readonly heardUntil: number;

  /** For those who watch. */
  abstract readonly state: CacheState;

  /** Calls whenever something may have been missed, until the returned function is called. */
  abstract onInterrupted(listener: () => void): () => void;
}
