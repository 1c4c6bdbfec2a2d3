import type { FindOptionsWhere } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import type { KnoxSessionBase } from './knox-session.entity';

export type Where = FindOptionsWhere<KnoxSessionBase>;

/** A row as a driver gives it. */
export type RawRecord = Record<keyof SessionRecord, any>;

/** Every statement names its columns: others may be in the table. */
export const COLUMNS: readonly (keyof SessionRecord)[] = [
  'id', 'userId', 'accessDigest', 'refreshDigest', 'previousRefreshDigest', 'refreshSalt', 'generation', 'rotatedAt',
  'createdAt', 'authenticatedAt', 'expiresAt', 'lastUsedAt', 'userAgent', 'ipAddress', 'deviceName', 'slot',
]; // prettier-ignore

/** Drivers differ in what they make of whole numbers, and of a host's own `userId` column. */
export function toRecord(row: RawRecord): SessionRecord {
  return {
    id: String(row.id),
    // Null where the host lets its foreign key be so: then it is nobody's session.
    userId: row.userId === null ? row.userId : String(row.userId),
    accessDigest: String(row.accessDigest),
    refreshDigest: row.refreshDigest,
    previousRefreshDigest: row.previousRefreshDigest,
    refreshSalt: row.refreshSalt,
    generation: Number(row.generation),
    rotatedAt: row.rotatedAt === null ? null : Number(row.rotatedAt),
    createdAt: Number(row.createdAt),
    authenticatedAt: Number(row.authenticatedAt),
    expiresAt: Number(row.expiresAt),
    lastUsedAt: Number(row.lastUsedAt),
    userAgent: row.userAgent,
    ipAddress: row.ipAddress,
    deviceName: row.deviceName,
    slot: row.slot === null ? null : Number(row.slot),
  };
}
