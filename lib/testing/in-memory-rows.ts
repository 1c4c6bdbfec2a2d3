import type { SessionRecord } from '../contracts/session';

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
