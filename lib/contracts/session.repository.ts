import type { AccessKeyChange, DeleteConditions, KeyBinding, KeyRenewal, Rotation } from './session-changes';
import { isConnectionFailure } from './connection-errors';
import type { PrimaryDatabase } from './primary-database';
import { Redacted } from './redacted';
import type { SessionKind, SessionRecord } from './session';

export type {
  AccessKeyChange,
  AccessKeyState,
  DeleteConditions,
  KeyBinding,
  KeyRenewal,
  Rotation,
} from './session-changes';

/** A row, with its user where the storage reads both at once. */
export interface FoundSession {
  record: SessionRecord;
  /** Your user, or null when the row has none. Left out by a storage that does not join. */
  user?: unknown;
}

/** Which sessions of a user to read, newest first. */
export interface SessionQuery {
  /** Leave out what has expired by this moment (epoch ms). */
  aliveAt?: number | undefined;
  /** Leave out sessions without a refresh token whose `lastUsedAt` + `idleTimeout` has come by this moment (epoch ms). */
  idleAt?: number | undefined;
  /** Only those created before this one, or in the same millisecond with a smaller id. */
  before?: { createdAt: number; id?: string | undefined } | undefined;
  limit?: number | undefined;
  /** Only sessions of these kinds. At least one. @default all */
  kinds?: readonly SessionKind[] | undefined;
}

/** Which rows a new login may have to go past, within a limit. */
export interface SlotQuery {
  /** The limit: slots 1 to this count. */
  limit: number;
  /** Rows without such a slot count while they live at this moment (epoch ms). */
  aliveAt: number;
  /** Most rows without such a slot to read, the oldest first. */
  most: number;
  /** Which kind of session has the limit. @default 'login' */
  kind?: SessionKind | undefined;
}

/** What is counted of the sessions in the storage at one moment. */
export interface SessionCounts {
  users: { all: number; active: number; expired: number };
  sessions: { all: number; active: number; expired: number };
  maxActivePerUser: number;
  /** The ten user agents with the most active sessions, most first. */
  byUserAgent: { userAgent: string | null; active: number }[];
}

/** A transaction of your application's, as the storage sees it. */
export interface StorageTransaction {
  /** The same storage, with every statement in the transaction. A statement that fails leaves the transaction usable. */
  readonly repository: SessionRepository;
  /**
   * Runs work when the transaction has committed, before your application goes on, which gets what it throws; not at all
   * when the transaction was rolled back.
   */
  afterCommit(work: () => Promise<void>): void;
}

/**
 * The storage contract. Every write is one conditional statement, so that concurrent writers meet on the row; every
 * read of a session is from the primary. Implementations throw their driver's errors as they are: the callers turn
 * them into 503. The suite in `nestjs-jwt-knox/testing` holds an implementation to this contract.
 *
 * A caller that was told nothing in time goes on without the answer. A storage that holds connections closes the one that
 * such a call waits on, when the time is over that it was made for (`storageTimeout` of the `SessionStorageContext`), or,
 * for calls with a last argument `timeout`, the time in ms that the call was given.
 * @example
 * JwtKnoxModule.forRoot({ secret, storage: { useFactory: () => new RedisSessionRepository() } });
 */
export abstract class SessionRepository extends Redacted {
  /** Whether {@link findById} brings the user along: no look-up of its own is made then. */
  readonly joinsUser: boolean = false;

  /**
   * Whose sessions these are, where several modules share the storage: only rows of this `realm` are listed, counted,
   * purged and ended. What an id names, and {@link insert}, may be of any. The start fails when it is not the module's.
   */
  readonly realm: string = '';

  /**
   * Where the sessions are, such as a data source and the name of a table: repositories that return the same members share
   * their rows. Two modules that do need a realm each. By default the repository itself.
   */
  location(): readonly unknown[] {
    return [this];
  }

  /**
   * The spelling in which records give a user's id back, where the storage takes several for one, as a `uuid` column takes
   * capitals; by it everybody is told whose sessions ended. By default the id as it is.
   */
  async spellingOf(userId: string): Promise<string> {
    return userId;
  }

  /** The database that the sessions are in, for what must speak to the very same server; null where there is none. */
  primaryDatabase(): PrimaryDatabase | null {
    return null;
  }

  /**
   * What is wrong with the set-up of this storage, each with its remedy; empty when nothing is. Asked once, at the start,
   * which fails with these problems.
   * @param _use `readOnly`: only {@link findById} will be called
   */
  setupProblems(_use: { readOnly: boolean }): readonly string[] {
    return [];
  }

  /**
   * What is wrong with the storage as it is found, each with its remedy; empty when nothing is. Asked once, after the start;
   * the problems are logged as errors.
   */
  async inspect(): Promise<readonly string[]> {
    return [];
  }

  /**
   * Whether an error says that the database is out of reach. Asked about errors of your user provider and hooks too, which
   * most often read the same database: 503 then, and otherwise 500. By default, what the network's own codes tell.
   */
  isUnavailable(error: unknown): boolean {
    return isConnectionFailure(error);
  }

  /**
   * What is wrong with columns of your own that a session is to be given, each with its remedy; empty when nothing is. By
   * default, that there are any.
   */
  columnProblems(columns: object): readonly string[] {
    const names = Object.keys(columns);
    return names.length === 0 ? [] : [`${names.join(', ')}: this storage has no columns of yours; leave them out.`];
  }

  /**
   * This storage within a transaction of your application's; null when none is under way in what was given.
   * @param _manager what stands for a transaction there, such as TypeORM's `EntityManager`
   * @throws TypeError when it is none of this storage; by default always
   */
  within(_manager: object): StorageTransaction | null {
    throw new TypeError('issue: this storage takes no part in transactions; leave manager out.');
  }

  /** One indexed read. */
  abstract findById(id: string): Promise<FoundSession | null>;
  /** Several sessions, at most 200, in no particular order, without those that are gone. By default, one after the other. */
  async findByIds(ids: readonly string[], _timeout?: number): Promise<SessionRecord[]> {
    const found: SessionRecord[] = [];
    for (const id of ids) {
      const one = await this.findById(id);
      if (one) found.push(one.record);
    }
    return found;
  }
  abstract findByUser(userId: string, query?: SessionQuery, timeout?: number): Promise<SessionRecord[]>;
  /**
   * Adds a row, in one statement. False, and nothing written, when the user's slot is taken.
   * @param columns values of your own columns, which {@link columnProblems} found nothing wrong with
   */
  abstract insert(record: SessionRecord, columns?: Readonly<Record<string, unknown>>): Promise<boolean>;
  /**
   * The sessions of a kind that a user has and that hold one of the slots 1 to `limit`, expired ones too, and the oldest living ones that hold
   * none: at most `most` of these. In no particular order.
   */
  abstract findSlots(userId: string, query: SlotQuery, timeout?: number): Promise<SessionRecord[]>;
  /**
   * Ends a session in its slot (null: without one), so that the slot is free: sets `expiresAt` to 0, which every clock has
   * passed, and `slot` to null. With `expiredBy`, only if it has expired by that moment. False when nothing changed.
   */
  abstract vacate(id: string, slot: number | null, expiredBy?: number): Promise<boolean>;
  /** Undoes {@link vacate}. False when the row is gone, or another session has taken the slot. */
  abstract reinstate(id: string, slot: number | null, expiresAt: number): Promise<boolean>;
  /**
   * Rotates where `refreshDigest` is still the presented one, `accessDigest` the one to be replaced (where the rotation
   * changes the access key), and the row is alive. False when nothing changed.
   */
  abstract rotate(id: string, presentedDigest: string, rotation: Rotation): Promise<boolean>;
  /**
   * Moves `expiresAt` where `refreshDigest` is still the presented one and the row is alive at `at` (epoch ms), which
   * becomes `lastUsedAt`. Nothing else changes. False when nothing changed.
   */
  abstract prolong(id: string, presentedDigest: string, to: { expiresAt: number; at: number }): Promise<boolean>;
  /** Moves `lastUsedAt` forward, never back, and only while the row is of this generation. */
  abstract touch(id: string, generation: number, lastUsedAt: number): Promise<void>;
  /** Changes the access key where it is still the one to be replaced, and the row is alive at the change's moment. */
  abstract moveAccessKey(id: string, change: AccessKeyChange): Promise<boolean>;
  /** Gives a session new keys where it is alive and of the generation before the new one. False when nothing changed. */
  abstract renewKeys(id: string, renewal: KeyRenewal): Promise<boolean>;
  /**
   * Binds a session to a key of its device, and rotates, where it is bound to none yet, `refreshDigest` is still the
   * presented one, and the row is alive. False when nothing changed.
   */
  abstract bindKey(id: string, presentedDigest: string, binding: KeyBinding): Promise<boolean>;
  /**
   * Notes a proof that the key of a bound session gave to a challenge, in `boundProofAt`: only where the challenge was made
   * after that of the last proof, so that each counts once, and the row is alive. False when nothing changed.
   * @param proof `madeAt`: when the challenge was made; `at`: the moment. Both epoch ms
   */
  abstract acceptProof(id: string, proof: { madeAt: number; at: number }): Promise<boolean>;
  /**
   * Notes in `boundRefusedAt` that somebody without the key of a bound session was refused: only where none was noted after
   * `since`, so that nobody makes the storage write often, and the row is alive. False when nothing changed.
   * @param refusal both epoch ms
   */
  abstract noteRefusal(id: string, refusal: { at: number; since: number }): Promise<boolean>;
  /** Takes that note away, of this user's session only, unless a later one than `until` was made. False when nothing changed. */
  abstract forgetRefusal(id: string, userId: string, until: number): Promise<boolean>;
  /** Changes the name of a device, of this user's session only (null: no name). False when there is no such session. */
  abstract rename(id: string, userId: string, deviceName: string | null): Promise<boolean>;
  /** Deletes one session, under the conditions given; false when there is none such. */
  abstract deleteById(id: string, only?: DeleteConditions): Promise<boolean>;
  /** Changes what a session may do, where that is still `from` (null: everything). False when nothing changed. */
  abstract narrow(id: string, from: string | null, to: string): Promise<boolean>;
  /** Deletes all sessions of a user, but for one, and of some kinds only, where these are given; answers how many. */
  abstract deleteByUser(userId: string, exceptId?: string, kinds?: readonly SessionKind[]): Promise<number>;
  /** Deletes these sessions of a user as far as they hold none of the slots 1 to `limit`; answers how many. */
  abstract deleteSurplus(userId: string, ids: readonly string[], limit: number, timeout?: number): Promise<number>;
  /** Users with more logins alive at `aliveAt` than `limit`, at most `most` of them. */
  abstract findCrowded(limit: number, aliveAt: number, most: number, timeout?: number): Promise<string[]>;
  /** Deletes what was created before a moment (epoch ms); answers how many. */
  abstract deleteCreatedBefore(moment: number, timeout?: number): Promise<number>;
  /** Deletes at most `limit` sessions that have expired by `now` (epoch ms); answers how many. */
  abstract deleteExpired(now: number, limit: number, timeout?: number): Promise<number>;
  /** Counts in the storage, loading no rows; of one user where an id is given. */
  abstract statistics(now: number, userId?: string, timeout?: number): Promise<SessionCounts>;

  /** The counter of all fences; 0 where none was ever raised. Read it from the primary, outside any transaction. */
  abstract readCounter(): Promise<number>;
  /**
   * Raises a fence: the counter goes up by one, then the fence of this scope becomes the greater of itself and the
   * counter. Each statement is committed before the next, and all before this resolves.
   * @param scope `*` for all users, else 64 lowercase hex digits, for one or for all of a realm
   */
  abstract raiseFence(scope: string, timeout?: number): Promise<void>;
  /** Whether one of these scopes has a fence greater than `counter`. From the primary, outside any transaction. */
  abstract isFenced(scopes: readonly string[], counter: number): Promise<boolean>;
}
