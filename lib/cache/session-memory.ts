import type { RevocationScope } from '../contracts/events';
import type { SessionRecord } from '../contracts/session';
import type { FoundSession } from '../contracts/session.repository';
import type { KnownUser } from '../sessions/session-cache';
import type { CacheCounts } from './diagnostics';
import { Fills } from './fills';
import { loadLruCache, type LruMap } from './load-lru-cache';

interface Kept<Value> {
  readonly value: Value;
  /** `performance.now()` when its read began. */
  readonly since: number;
}

/** How much is kept, and how long, in ms. */
export interface MemoryLimits {
  readonly maxEntries: number;
  readonly maxAge: number;
}

/** What was read of sessions and users, as long as nothing was told of them. Whether it may be used, the lease says. */
export class SessionMemory {
  private readonly sessions: LruMap<Kept<SessionRecord>>;
  private readonly users: LruMap<Kept<KnownUser>>;
  private readonly sessionFills = new Fills();
  private readonly userFills = new Fills();

  constructor(
    private readonly limits: MemoryLimits,
    private readonly counts: CacheCounts,
  ) {
    const LruCache = loadLruCache();
    this.sessions = new LruCache({ max: limits.maxEntries });
    this.users = new LruCache({ max: limits.maxEntries });
  }

  get size(): number {
    return this.sessions.size;
  }

  session(id: string): SessionRecord | undefined {
    return this.young(this.sessions.get(id));
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
    if (!record || record.id !== id || !isKeepable(record)) return found;
    const known = this.sessions.peek(id)?.value.generation ?? -1;
    if (isSound && known <= record.generation) {
      this.sessions.set(id, { value: { ...record }, since });
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
    const value = isSound ? known(user) : undefined;
    if (value) this.users.set(id, { value, since });
    return user;
  }

  /** The use of a session was noted: its next note is due later. */
  touched(id: string, generation: number, lastUsedAt: number): void {
    const record = this.sessions.peek(id)?.value;
    if (record?.generation === generation) record.lastUsedAt = Math.max(record.lastUsedAt, lastUsedAt);
  }

  forgetSession(id: string): void {
    this.sessions.delete(id);
    this.sessionFills.spoil(id);
  }

  forgetUser(id: string): void {
    this.users.delete(id);
    this.userFills.spoil(id);
  }

  forgetScope(scope: RevocationScope): void {
    if ('sessionId' in scope) return this.forgetSession(scope.sessionId);
    // Whose the rows are that are being read, nobody knows yet.
    this.sessionFills.spoilAll();
    if (!('userId' in scope)) return this.sessions.clear();
    for (const [id, { value }] of this.sessions.entries()) {
      if (value.userId === scope.userId && value.realm === scope.realm) this.sessions.delete(id);
    }
  }

  forgetAll(): void {
    this.sessionFills.spoilAll();
    this.userFills.spoilAll();
    this.sessions.clear();
    this.users.clear();
  }

  private young<Value>(kept: Kept<Value> | undefined): Value | undefined {
    return kept && performance.now() - kept.since < this.limits.maxAge ? kept.value : undefined;
  }
}

/** Of somebody who acts as a user, the actor's own session must be alive: that is for the storage to say. */
function isKeepable({ kind, actorId, actorSessionId }: SessionRecord): boolean {
  return kind !== 'impersonation' && actorId === null && actorSessionId === null;
}
