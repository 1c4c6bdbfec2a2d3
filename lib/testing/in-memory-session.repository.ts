import type { SessionRecord } from '../contracts/session';
import {
  type FoundSession,
  type Rotation,
  type SessionFigures,
  type SessionQuery,
  SessionRepository,
} from '../contracts/session.repository';

/** Sessions in memory, for tests without a database. Keeps the same contract as the table; gone with the process. */
export class InMemorySessionRepository extends SessionRepository {
  private readonly rows = new Map<string, SessionRecord>();

  async findById(id: string): Promise<FoundSession | null> {
    const row = this.rows.get(id);
    return row ? { record: { ...row } } : null;
  }

  async findByUser(userId: string, query: SessionQuery = {}): Promise<SessionRecord[]> {
    const { aliveAt, before, limit } = query;
    return this.select((row) => row.userId === userId)
      .filter((row) => aliveAt === undefined || row.expiresAt > aliveAt)
      .filter((row) => !before || row.createdAt < before.createdAt || isEarlierTie(row, before))
      .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      .slice(0, limit)
      .map((row) => ({ ...row }));
  }

  async insert(record: SessionRecord): Promise<boolean> {
    if (this.isTaken(record)) return false;
    this.rows.set(record.id, { ...record });
    return true;
  }

  async takeOver(id: string, replacement: SessionRecord, expiredBy?: number): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || (expiredBy !== undefined && row.expiresAt > expiredBy) || this.isTaken(replacement, id)) return false;
    this.rows.delete(id);
    this.rows.set(replacement.id, { ...replacement });
    return true;
  }

  async rotate(id: string, presentedDigest: string, rotation: Rotation): Promise<boolean> {
    const row = this.rows.get(id);
    const { at, ...change } = rotation;
    if (!row || row.refreshDigest !== presentedDigest || row.expiresAt <= at) return false;
    Object.assign(row, change, { rotatedAt: at, lastUsedAt: at });
    return true;
  }

  async touch(id: string, generation: number, lastUsedAt: number): Promise<void> {
    const row = this.rows.get(id);
    if (row?.generation === generation) row.lastUsedAt = Math.max(row.lastUsedAt, lastUsedAt);
  }

  async reauthenticate(id: string, authenticatedAt: number): Promise<boolean> {
    const row = this.rows.get(id);
    if (!row || row.authenticatedAt >= authenticatedAt) return false;
    row.authenticatedAt = authenticatedAt;
    return true;
  }

  async deleteById(id: string, only: { userId?: string; generation?: number } = {}): Promise<boolean> {
    const { userId, generation } = only;
    const row = this.rows.get(id);
    if (!row || (userId ?? row.userId) !== row.userId || (generation ?? row.generation) !== row.generation)
      return false;
    return this.rows.delete(id);
  }

  async deleteByUser(userId: string, exceptId?: string): Promise<number> {
    return this.deleteAll(this.select((row) => row.userId === userId && row.id !== exceptId));
  }

  async deleteCreatedBefore(moment: number): Promise<number> {
    return this.deleteAll(this.select((row) => row.createdAt < moment));
  }

  async deleteExpired(now: number, limit: number): Promise<number> {
    return this.deleteAll(this.select((row) => row.expiresAt <= now).slice(0, limit));
  }

  async figures(now: number, userId?: string): Promise<SessionFigures> {
    const all = this.select((row) => userId === undefined || row.userId === userId);
    const active = all.filter((row) => row.expiresAt > now);
    const expired = all.filter((row) => row.expiresAt <= now);
    const users = (rows: SessionRecord[]) => countBy(rows, (row) => row.userId);
    return {
      users: { all: users(all).size, active: users(active).size, expired: users(expired).size },
      sessions: { all: all.length, active: active.length, expired: expired.length },
      maxActivePerUser: Math.max(0, ...users(active).values()),
      byUserAgent: [...countBy(active, (row) => row.userAgent)]
        .map(([userAgent, count]) => ({ userAgent, active: count }))
        .toSorted((a, b) => b.active - a.active)
        .slice(0, 10),
    };
  }

  private select(condition: (row: SessionRecord) => boolean): SessionRecord[] {
    return [...this.rows.values()].filter(condition);
  }

  private deleteAll(rows: SessionRecord[]): number {
    return rows.filter((row) => this.rows.delete(row.id)).length;
  }

  private isTaken({ userId, slot }: SessionRecord, exceptId?: string): boolean {
    return (
      slot !== null &&
      this.select((row) => row.userId === userId && row.slot === slot && row.id !== exceptId).length > 0
    );
  }
}

function isEarlierTie(row: SessionRecord, before: { createdAt: number; id?: string }): boolean {
  return before.id !== undefined && row.createdAt === before.createdAt && row.id < before.id;
}

function countBy<K>(rows: SessionRecord[], keyOf: (row: SessionRecord) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  return counts;
}
