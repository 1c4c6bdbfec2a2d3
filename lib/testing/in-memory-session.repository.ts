import type { SessionKind, SessionRecord } from '../contracts/session';
import {
  type AccessKeyChange,
  type DeleteConditions,
  type FoundSession,
  type KeyBinding,
  type KeyRenewal,
  type SlotQuery,
  type Rotation,
  type SessionCounts,
  type SessionQuery,
  SessionRepository,
} from '../contracts/session.repository';
import { countBy, countsOf, holdsSlot, isEarlierTie, isInUse } from './in-memory-rows';

/**
 * Sessions in memory, for tests without a database. Keeps the same contract as the table; gone with the process.
 * @example
 * const repository = new InMemorySessionRepository();
 * JwtKnoxModule.forRoot({ secret, storage: { useFactory: () => repository } });
 */
export class InMemorySessionRepository extends SessionRepository {
  private readonly rows = new Map<string, SessionRecord>();
  private readonly columns = new Map<string, Readonly<Record<string, unknown>>>();
  private readonly fences = new Map<string, number>();
  private counter = 0;

  /** @param realm only sessions of this realm are listed, counted, purged and ended */
  constructor(override readonly realm = '') {
    super();
  }

  /** Columns of your own, of any names: there is no entity that would say which there are. */
  override columnProblems(): readonly string[] {
    return [];
  }

  /** The columns of your own that a session was given; undefined when there is no such session. */
  columnsOf(id: string): Readonly<Record<string, unknown>> | undefined {
    return this.columns.get(id);
  }

  async findById(id: string): Promise<FoundSession | null> {
    const row = this.rows.get(id);
    return row ? { record: { ...row } } : null;
  }

  async findByUser(userId: string, query: SessionQuery = {}): Promise<SessionRecord[]> {
    const { aliveAt, idleAt, before, limit, kinds } = query;
    return this.ofUser(userId)
      .filter((row) => aliveAt === undefined || row.expiresAt > aliveAt)
      .filter((row) => kinds === undefined || kinds.includes(row.kind))
      .filter((row) => idleAt === undefined || isInUse(row, idleAt))
      .filter((row) => !before || row.createdAt < before.createdAt || isEarlierTie(row, before))
      .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      .slice(0, limit)
      .map((row) => ({ ...row }));
  }

  async insert(record: SessionRecord, columns: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    if (this.isTaken(record)) return false;
    this.rows.set(record.id, { ...record });
    this.columns.set(record.id, { ...columns });
    return true;
  }

  async findSlots(userId: string, { limit, aliveAt, most, kind = 'login' }: SlotQuery): Promise<SessionRecord[]> {
    const counted = this.ofUser(userId).filter((row) => row.kind === kind);
    const loose = counted.filter((row) => !holdsSlot(row, limit) && row.expiresAt > aliveAt);
    const oldest = loose.toSorted((a, b) => a.createdAt - b.createdAt).slice(0, most);
    return [...counted.filter((row) => holdsSlot(row, limit)), ...oldest].map((row) => ({ ...row }));
  }

  async vacate(id: string, slot: number | null, expiredBy = Infinity): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.slot !== slot || row.expiresAt === 0 || row.expiresAt > expiredBy) return false;
    Object.assign(row, { slot: null, expiresAt: 0 });
    return true;
  }

  async reinstate(id: string, slot: number | null, expiresAt: number): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.slot !== null || row.expiresAt !== 0 || this.isTaken({ ...row, slot })) return false;
    Object.assign(row, { slot, expiresAt });
    return true;
  }

  async rotate(id: string, presentedDigest: string, rotation: Rotation): Promise<boolean> {
    const row = this.rows.get(id);
    const { at, replaces = row?.accessDigest, ...change } = rotation;
    if (!row || row.refreshDigest !== presentedDigest || row.accessDigest !== replaces || row.expiresAt <= at)
      return false;
    Object.assign(row, change, { rotatedAt: at, lastUsedAt: at });
    return true;
  }

  async prolong(id: string, presentedDigest: string, { expiresAt, at }: { expiresAt: number; at: number }) {
    const row = this.rows.get(id);
    if (!row || row.refreshDigest !== presentedDigest || row.expiresAt <= at) return false;
    Object.assign(row, { expiresAt, lastUsedAt: at });
    return true;
  }

  async touch(id: string, generation: number, lastUsedAt: number): Promise<void> {
    const row = this.rows.get(id);
    if (row?.generation === generation) row.lastUsedAt = Math.max(row.lastUsedAt, lastUsedAt);
  }

  async moveAccessKey(id: string, { replaces, ...change }: AccessKeyChange): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.accessDigest !== replaces || row.expiresAt <= change.accessKeyAt) return false;
    Object.assign(row, change);
    return true;
  }

  async renewKeys(id: string, { at, ...change }: KeyRenewal): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.generation !== change.generation - 1 || row.expiresAt <= at) return false;
    const gone = { previousRefreshDigest: null, refreshSalt: null, rotationKeyDigest: null, rotatedAt: null };
    Object.assign(row, change, gone, { lastUsedAt: at });
    return true;
  }

  async bindKey(id: string, presentedDigest: string, { at, ...binding }: KeyBinding): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.refreshDigest !== presentedDigest || row.boundKind !== null || row.expiresAt <= at) return false;
    Object.assign(row, binding, { rotatedAt: at, lastUsedAt: at });
    return true;
  }

  async acceptProof(id: string, { madeAt, at }: { madeAt: number; at: number }): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.boundKind === null || (row.boundProofAt ?? -1) >= madeAt || row.expiresAt <= at) return false;
    row.boundProofAt = madeAt;
    return true;
  }

  async noteRefusal(id: string, { at, since }: { at: number; since: number }): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.boundKind === null || (row.boundRefusedAt ?? -1) > since || row.expiresAt <= at) return false;
    row.boundRefusedAt = at;
    return true;
  }

  async forgetRefusal(id: string, userId: string, until: number): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.realm !== this.realm || row.userId !== userId || !((row.boundRefusedAt ?? Infinity) <= until))
      return false;
    row.boundRefusedAt = null;
    return true;
  }

  async rename(id: string, userId: string, deviceName: string | null): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.realm !== this.realm || row.userId !== userId) return false;
    row.deviceName = deviceName;
    return true;
  }

  async narrow(id: string, from: string | null, to: string): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.scopes !== from) return false;
    row.scopes = to;
    return true;
  }

  async deleteById(id: string, only: DeleteConditions = {}): Promise<boolean> {
    const { userId, generation, kinds } = only;
    const row = this.rows.get(id);
    if (
      !row ||
      row.realm !== this.realm ||
      (userId ?? row.userId) !== row.userId ||
      (generation ?? row.generation) !== row.generation ||
      kinds?.includes(row.kind) === false
    )
      return false;
    return this.remove(id);
  }

  async deleteByUser(userId: string, exceptId?: string, kinds?: readonly SessionKind[]): Promise<number> {
    const isMeant = (row: SessionRecord) => row.id !== exceptId && (kinds === undefined || kinds.includes(row.kind));
    return this.deleteAll(this.ofUser(userId).filter(isMeant));
  }

  async deleteSurplus(userId: string, ids: readonly string[], limit: number): Promise<number> {
    return this.deleteAll(this.ofUser(userId).filter((row) => ids.includes(row.id) && !holdsSlot(row, limit)));
  }

  async findCrowded(limit: number, aliveAt: number, most: number): Promise<string[]> {
    const alive = this.select((row) => row.kind === 'login' && row.expiresAt > aliveAt);
    const crowded = [...countBy(alive, (row) => row.userId)].filter(([, count]) => count > limit);
    return crowded.slice(0, most).map(([userId]) => userId);
  }

  async deleteCreatedBefore(moment: number): Promise<number> {
    return this.deleteAll(this.select((row) => row.createdAt < moment));
  }

  async deleteExpired(now: number, limit: number): Promise<number> {
    return this.deleteAll(this.select((row) => row.expiresAt <= now).slice(0, limit));
  }

  async statistics(now: number, userId?: string): Promise<SessionCounts> {
    return countsOf(
      this.select((row) => userId === undefined || row.userId === userId),
      now,
    );
  }

  async readCounter(): Promise<number> {
    return this.counter;
  }

  async raiseFence(scope: string): Promise<void> {
    this.fences.set(scope, ++this.counter);
  }

  async isFenced(scopes: readonly string[], counter: number): Promise<boolean> {
    return scopes.some((scope) => (this.fences.get(scope) ?? 0) > counter);
  }

  private select(condition: (row: SessionRecord) => boolean): SessionRecord[] {
    return [...this.rows.values()].filter((row) => row.realm === this.realm && condition(row));
  }

  private ofUser(userId: string): SessionRecord[] {
    return this.select((row) => row.userId === userId);
  }

  private deleteAll(rows: SessionRecord[]): number {
    return rows.filter((row) => this.remove(row.id)).length;
  }

  private remove(id: string): boolean {
    this.columns.delete(id);
    return this.rows.delete(id);
  }

  private isTaken({ id, realm, userId, kind, slot }: SessionRecord): boolean {
    const isSame = (row: SessionRecord) =>
      row.realm === realm && row.userId === userId && row.kind === kind && row.slot === slot && row.id !== id;
    return slot !== null && [...this.rows.values()].some(isSame);
  }
}
