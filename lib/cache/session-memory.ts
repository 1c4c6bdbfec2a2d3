import type { RevocationScope } from '../contracts/events';
import type { SessionRecord } from '../contracts/session';
import type { FoundSession } from '../contracts/session.repository';
import type { KnownUser } from '../sessions/session-cache';
import type { CacheCounts } from './diagnostics';
import { Fills } from './fills';
import { LastTold } from './last-told';
import { loadLruCache, type LruMap } from './load-lru-cache';
import { idsIn, type Notice } from './notices';

interface Kept<Value> {
  readonly value: Value;
  /** `performance.now()` when its read began. */
  readonly since: number;
}

/** How much is kept, and how long, in ms. */
export interface MemoryLimits {
  readonly maxEntries: number;
  readonly maxAge: number;
  /** How long a user who changed is not kept again, in ms: a replica may still answer with what was before. */
  readonly userRest: number;
}

/** What was read of sessions and users, as long as nothing was told of them. Whether it may be used, the lease says. */
export class SessionMemory {
  private readonly sessions: LruMap<Kept<SessionRecord>>;
  private readonly users: LruMap<Kept<KnownUser>>;
  private readonly sessionFills = new Fills();
  private readonly userFills = new Fills();
  /** When sessions of a user ended that nobody listed: what was read before is not used any more. */
  private readonly endsOfUsers: LastTold;
  private readonly changesOfUsers: LastTold;

  constructor(
    private readonly limits: MemoryLimits,
    private readonly counts: CacheCounts,
  ) {
    const LruCache = loadLruCache();
    this.sessions = new LruCache({ max: limits.maxEntries });
    this.users = new LruCache({ max: limits.maxEntries });
    this.endsOfUsers = new LastTold(limits.maxEntries, limits.maxAge);
    this.changesOfUsers = new LastTold(limits.maxEntries, limits.userRest);
  }

  get size(): number {
    return this.sessions.size;
  }

  session(id: string): SessionRecord | undefined {
    const kept = this.sessions.get(id);
    return kept && this.isOfNow(kept) ? this.young(kept) : undefined;
  }

  user(id: string): KnownUser | undefined {
    return this.young(this.users.get(id));
  }

  /** Reads a session, and keeps it if nothing was told of it meanwhile. */
  async readSession(id: string, read: () => Promise<FoundSession | null>): Promise<FoundSession | null> {
    const since = performance.now();
    const fill = this.sessionFills.begin(id);
    let isSound = false;
    let found: FoundSession | null = null;
    try {
      found = await read();
    } finally {
      isSound = this.sessionFills.end(fill);
    }
    const record = found?.record;
    // A row that is gone never comes back.
    if (!record) this.sessions.delete(id);
    if (!record || record.id !== id || !isKeepable(record)) return found;
    const known = this.sessions.peek(id)?.value.generation ?? -1;
    const kept = { value: { ...record }, since };
    if (isSound && known <= record.generation && this.isOfNow(kept)) {
      this.sessions.set(id, kept);
      this.counts.fills++;
    } else this.counts.spoiled++;
    return found;
  }

  /** The same for a user. @param known what to keep of them; undefined for nothing */
  async readUser(
    id: string,
    read: () => Promise<unknown>,
    known: (user: unknown) => KnownUser | undefined,
  ): Promise<unknown> {
    const since = performance.now();
    const fill = this.userFills.begin(id);
    let isSound = false;
    let user: unknown;
    try {
      user = await read();
    } finally {
      isSound = this.userFills.end(fill);
    }
    const hasRested = since - this.changesOfUsers.of(id) >= this.limits.userRest;
    const value = isSound && hasRested ? known(user) : undefined;
    if (value) this.users.set(id, { value, since });
    return user;
  }

  /** The use of a session was noted: its next note is due later. */
  touched(id: string, generation: number, lastUsedAt: number): void {
    const record = this.sessions.peek(id)?.value;
    if (record?.generation === generation) record.lastUsedAt = Math.max(record.lastUsedAt, lastUsedAt);
  }

  /** What somebody was told of. */
  forget(notice: Notice): void {
    const { scope, doubted, user } = notice;
    for (const id of idsIn(notice)) this.forgetSession(id);
    for (const one of [scope, doubted]) if (one) this.forgetScope(one);
    if (user !== undefined) this.forgetUser(user);
  }

  forgetSession(id: string): void {
    this.sessions.delete(id);
    this.sessionFills.spoil(id);
  }

  forgetUser(id: string): void {
    this.users.delete(id);
    this.userFills.spoil(id);
    if (this.limits.userRest > 0) this.changesOfUsers.note(id);
  }

  forgetScope(scope: RevocationScope): void {
    if ('sessionId' in scope) return this.forgetSession(scope.sessionId);
    if ('userId' in scope) return this.endsOfUsers.note(scope.userId);
    this.sessionFills.spoilAll();
    this.sessions.clear();
  }

  forgetAll(): void {
    this.sessionFills.spoilAll();
    this.userFills.spoilAll();
    this.sessions.clear();
    this.users.clear();
    this.changesOfUsers.noteAll();
  }

  /** It was read after the last end of its user's that nobody listed. The same moment is not after. */
  private isOfNow({ value, since }: Kept<SessionRecord>): boolean {
    return since > this.endsOfUsers.of(value.userId);
  }

  private young<Value>(kept: Kept<Value> | undefined): Value | undefined {
    return kept && performance.now() - kept.since < this.limits.maxAge ? kept.value : undefined;
  }
}

/** Of somebody who acts as a user, the actor's own session must be alive: that is for the storage to say. */
function isKeepable({ kind, actorId, actorSessionId }: SessionRecord): boolean {
  return kind !== 'impersonation' && actorId === null && actorSessionId === null;
}
