import type { SessionKind, SessionRecord } from '../contracts/session';
import type { PrimaryDatabase } from '../contracts/primary-database';
import {
  type AccessKeyChange,
  type DeleteConditions,
  type FoundSession,
  type KeyBinding,
  type KeyRenewal,
  type Rotation,
  type SessionCounts,
  type SessionQuery,
  SessionRepository,
  type SlotQuery,
  type StorageTransaction,
} from '../contracts/session.repository';
import type { LeaseCache } from './lease-cache';
import type { Notice } from './notices';

type Ending = <T extends boolean | number>(notice: Notice, work: () => Promise<T>) => Promise<T>;

/**
 * The storage, behind a cache: its reads fill the memory, and what ends a session, or takes something from it, resolves when
 * no instance answers from before. Reads are always the storage's own.
 */
export class LeasedSessionRepository extends SessionRepository {
  override readonly joinsUser: boolean;
  override readonly realm: string;
  private readonly ending: Ending;
  private readonly endingNow: Ending = (notice, work) => this.cache.ending(notice, work, () => this.areGone(notice));

  /** @param ending in a transaction of the application's: after its commit */
  constructor(
    private readonly stored: SessionRepository,
    readonly cache: LeaseCache,
    ending?: Ending,
  ) {
    super();
    this.joinsUser = stored.joinsUser;
    this.realm = stored.realm;
    this.ending = ending ?? this.endingNow;
    // What a transaction reads, others may not see yet.
    if (ending) this.findById = (id) => stored.findById(id);
  }

  findById(id: string): Promise<FoundSession | null> {
    return this.cache.findSession(id, () => this.stored.findById(id));
  }

  override within(manager: object): StorageTransaction | null {
    const found = this.stored.within(manager);
    if (!found) return null;
    const afterCommit: Ending = async (notice, work) => {
      const since = this.cache.clock.now();
      const answer = await work();
      found.afterCommit(async () => {
        if (answer) return this.cache.committed({ ...notice, since });
        await this.endingNow(notice, async () => false);
      });
      return answer;
    };
    return {
      repository: new LeasedSessionRepository(found.repository, this.cache, afterCommit),
      afterCommit: (work) => found.afterCommit(work),
    };
  }

  vacate(id: string, slot: number | null, expiredBy?: number): Promise<boolean> {
    // It may be reinstated: whether it is over, its row says.
    return this.ending({ changed: [id] }, () => this.stored.vacate(id, slot, expiredBy));
  }

  renewKeys(id: string, renewal: KeyRenewal): Promise<boolean> {
    return this.ending({ changed: [id] }, () => this.stored.renewKeys(id, renewal));
  }

  bindKey(id: string, presentedDigest: string, binding: KeyBinding): Promise<boolean> {
    // Others would go on to take it for one that is not bound.
    return this.ending({ changed: [id] }, () => this.stored.bindKey(id, presentedDigest, binding));
  }

  narrow(id: string, from: string | null, to: string): Promise<boolean> {
    return this.ending({ changed: [id] }, () => this.stored.narrow(id, from, to));
  }

  deleteById(id: string, only?: DeleteConditions): Promise<boolean> {
    return this.ending({ ended: [id] }, () => this.stored.deleteById(id, only));
  }

  deleteByUser(userId: string, exceptId?: string, kinds?: readonly SessionKind[]): Promise<number> {
    const scope = {
      realm: this.realm,
      userId,
      ...(exceptId !== undefined && { except: exceptId }),
      ...(kinds && { kinds }),
    };
    return this.ending({ scope }, () => this.stored.deleteByUser(userId, exceptId, kinds));
  }

  deleteCreatedBefore(moment: number, timeout?: number): Promise<number> {
    const scope = { realm: this.realm, createdBefore: moment };
    return this.ending({ scope }, () => this.stored.deleteCreatedBefore(moment, timeout));
  }

  deleteSurplus(userId: string, ids: readonly string[], limit: number, timeout?: number): Promise<number> {
    return this.cache.announcing({ changed: ids }, () => this.stored.deleteSurplus(userId, ids, limit, timeout));
  }

  async touch(id: string, generation: number, lastUsedAt: number): Promise<void> {
    await this.stored.touch(id, generation, lastUsedAt);
    this.cache.touched(id, generation, lastUsedAt);
  }

  reinstate(id: string, slot: number | null, expiresAt: number): Promise<boolean> {
    return this.here(id, this.stored.reinstate(id, slot, expiresAt));
  }

  rotate(id: string, presentedDigest: string, rotation: Rotation): Promise<boolean> {
    return this.here(id, this.stored.rotate(id, presentedDigest, rotation));
  }

  prolong(id: string, presentedDigest: string, to: { expiresAt: number; at: number }): Promise<boolean> {
    return this.here(id, this.stored.prolong(id, presentedDigest, to));
  }

  moveAccessKey(id: string, change: AccessKeyChange): Promise<boolean> {
    return this.here(id, this.stored.moveAccessKey(id, change));
  }

  acceptProof(id: string, proof: { madeAt: number; at: number }): Promise<boolean> {
    return this.here(id, this.stored.acceptProof(id, proof));
  }

  noteRefusal(id: string, refusal: { at: number; since: number }): Promise<boolean> {
    return this.told(id, this.stored.noteRefusal(id, refusal));
  }

  forgetRefusal(id: string, userId: string, until: number): Promise<boolean> {
    return this.told(id, this.stored.forgetRefusal(id, userId, until));
  }

  rename(id: string, userId: string, deviceName: string | null): Promise<boolean> {
    return this.here(id, this.stored.rename(id, userId, deviceName));
  }

  override spellingOf(userId: string): Promise<string> {
    return this.stored.spellingOf(userId);
  }

  override location(): readonly unknown[] {
    return this.stored.location();
  }

  override primaryDatabase(): PrimaryDatabase | null {
    return this.stored.primaryDatabase();
  }

  override setupProblems(use: { readOnly: boolean }): readonly string[] {
    return this.stored.setupProblems(use);
  }

  override inspect(): Promise<readonly string[]> {
    return this.stored.inspect();
  }

  override isUnavailable(error: unknown): boolean {
    return this.stored.isUnavailable(error);
  }

  override columnProblems(columns: object): readonly string[] {
    return this.stored.columnProblems(columns);
  }

  override findByIds(ids: readonly string[], timeout?: number): Promise<SessionRecord[]> {
    return this.stored.findByIds(ids, timeout);
  }

  findByUser(userId: string, query?: SessionQuery, timeout?: number): Promise<SessionRecord[]> {
    return this.stored.findByUser(userId, query, timeout);
  }

  insert(record: SessionRecord, columns?: Readonly<Record<string, unknown>>): Promise<boolean> {
    return this.stored.insert(record, columns);
  }

  findSlots(userId: string, query: SlotQuery, timeout?: number): Promise<SessionRecord[]> {
    return this.stored.findSlots(userId, query, timeout);
  }

  findCrowded(limit: number, aliveAt: number, most: number, timeout?: number): Promise<string[]> {
    return this.stored.findCrowded(limit, aliveAt, most, timeout);
  }

  deleteExpired(now: number, limit: number, timeout?: number): Promise<number> {
    return this.stored.deleteExpired(now, limit, timeout);
  }

  statistics(now: number, userId?: string, timeout?: number): Promise<SessionCounts> {
    return this.stored.statistics(now, userId, timeout);
  }

  readCounter(): Promise<number> {
    return this.stored.readCounter();
  }

  raiseFence(scope: string, timeout?: number): Promise<void> {
    return this.stored.raiseFence(scope, timeout);
  }

  isFenced(scopes: readonly string[], counter: number): Promise<boolean> {
    return this.stored.isFenced(scopes, counter);
  }

  /** Who asks for the end of a session that is not theirs, or of another generation, ends nothing. */
  private async areGone({ ended = [] }: Notice): Promise<boolean> {
    const found = await Promise.all(ended.map((id) => this.stored.findById(id)));
    return found.every((one) => one === null);
  }

  /** No storage announces it; others show it as soon as they hear of it. */
  private async told(id: string, work: Promise<boolean>): Promise<boolean> {
    const hasChanged = await this.here(id, work);
    if (hasChanged) await this.cache.teller.announce({ changed: [id] });
    return hasChanged;
  }

  /** Other instances learn of it by the generation in the token, or need not know. */
  private async here(id: string, work: Promise<boolean>): Promise<boolean> {
    try {
      return await work;
    } finally {
      this.cache.changedHere(id);
    }
  }
}
