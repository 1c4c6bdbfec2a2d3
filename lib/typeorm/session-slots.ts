import { type EntityMetadata, IsNull, Not } from 'typeorm';
import type { SlotQuery } from '../contracts/session.repository';
import type { RawRecord, Select, Where } from './session-row';

/** Whether a row holds one of the slots of the limit. */
const HOLDS = 'session.slot BETWEEN 1 AND :limit';

/** One statement whatever the user has: those in a slot come first, of the others only the oldest are read. */
export function readSlots(ofUser: Select, { limit, aliveAt, most, kind = 'login' }: SlotQuery): Promise<RawRecord[]> {
  return ofUser
    .andWhere(`session.kind = :kind AND (${HOLDS} OR session.expiresAt > :aliveAt)`, { kind, limit, aliveAt })
    .addSelect(`CASE WHEN ${HOLDS} THEN 0 ELSE 1 END`, 'loose')
    .orderBy('loose')
    .addOrderBy('session.createdAt', 'ASC')
    .limit(limit + most)
    .getRawMany<RawRecord>();
}

/** Users with more logins alive than the limit, as the driver gives their ids. */
export async function readCrowded(all: Select, limit: number, aliveAt: number, most: number): Promise<unknown[]> {
  const rows = await all
    .select('session.userId', 'userId')
    .andWhere(`session.kind = 'login' AND session.expiresAt > :aliveAt`, { aliveAt })
    .groupBy('session.userId')
    .having('COUNT(*) > :limit', { limit })
    .limit(most)
    .getRawMany<{ userId: unknown }>();
  return rows.map(({ userId }) => userId);
}

/** Rows of a user that the host has deleted softly, where it does so: they are gone, but hold their slots in the index. */
export function softlyDeleted({ deleteDateColumn }: EntityMetadata, realm: string, userId: string): Where | null {
  if (deleteDateColumn === undefined) return null;
  return { realm, userId, slot: Not(IsNull()), [deleteDateColumn.propertyName]: Not(IsNull()) } as Where;
}
