import type { SessionRecord } from '../contracts/session';
import type { SessionCounts } from '../contracts/session.repository';

/** Whether a row holds one of the slots of the limit. */
export function holdsSlot({ slot }: SessionRecord, limit: number): boolean {
  return slot !== null && slot >= 1 && slot <= limit;
}

export function isInUse({ refreshDigest, idleTimeout, lastUsedAt }: SessionRecord, idleAt: number): boolean {
  return refreshDigest !== null || idleTimeout === null || lastUsedAt + idleTimeout > idleAt;
}

export function isEarlierTie(row: SessionRecord, before: { createdAt: number; id?: string }): boolean {
  return before.id !== undefined && row.createdAt === before.createdAt && row.id < before.id;
}

export function countBy<K>(rows: SessionRecord[], keyOf: (row: SessionRecord) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  return counts;
}

export function countsOf(all: SessionRecord[], now: number): SessionCounts {
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
