import type { FindOptionsWhere, SelectQueryBuilder } from 'typeorm';
import { SESSION_COLUMNS, type SessionRecord } from '../contracts/session';
import { jsonText } from './columns';
import type { JwtKnoxSessionBase } from './session.entity';

export type Where = FindOptionsWhere<JwtKnoxSessionBase>;
export type Select = SelectQueryBuilder<JwtKnoxSessionBase>;

/** A row as a driver gives it, by the names of its columns in the library. */
export type RawRecord = Record<keyof SessionRecord, any>;

/** What nearly every request looks at. */
const USUAL = [
  'id', 'realm', 'userId', 'accessDigest', 'refreshDigest', 'generation', 'rotatedAt', 'createdAt', 'authenticatedAt',
  'expiresAt', 'accessKeyAt', 'maxExpiresAt', 'lastUsedAt', 'userAgent', 'ipAddress', 'deviceName',
] as const satisfies readonly (keyof SessionRecord)[]; // prettier-ignore

/** The others, most of them null. */
const OTHERS = SESSION_COLUMNS.filter((name) => !(USUAL as readonly string[]).includes(name));

/** The order in which the storage reads and writes columns. */
export const COLUMNS: readonly (keyof SessionRecord)[] = [...USUAL, ...OTHERS];

/**
 * The session in a row's values, in the order of {@link COLUMNS}. Drivers differ in what they make of whole numbers, and of
 * a host's own `userId` column. Written out, since it runs with every request: V8 keeps an object of so many members, built
 * by a loop, in a form that is ten times as slow.
 */
// prettier-ignore
export function toRecord([
  id, realm, userId, accessDigest, refreshDigest, generation, rotatedAt, createdAt, authenticatedAt, expiresAt, accessKeyAt, maxExpiresAt, lastUsedAt, userAgent, ipAddress, deviceName, kind, previousAccessDigest, accessSalt, accessKeyIndex, previousRefreshDigest, refreshSalt, rotationKeyDigest, idleTimeout, lastUserAgent, lastIpAddress, scopes, audience, acr, amr, actorId, actorRealm, actorSessionId, claims, boundKind, boundKey, boundKeyThumbprint, boundAt, boundProofAt, boundRefusedAt, slot,
]: readonly any[]): SessionRecord {
  return {
    id: String(id),
    realm,
    // Null where the host lets its foreign key be so: then it is nobody's session.
    userId: userId === null ? userId : String(userId),
    kind,
    accessDigest,
    previousAccessDigest,
    accessSalt,
    accessKeyAt: numberOf(accessKeyAt),
    accessKeyIndex: numberOf(accessKeyIndex),
    refreshDigest,
    previousRefreshDigest,
    refreshSalt,
    rotationKeyDigest,
    generation: Number(generation),
    rotatedAt: numberOf(rotatedAt),
    createdAt: Number(createdAt),
    authenticatedAt: Number(authenticatedAt),
    expiresAt: Number(expiresAt),
    idleTimeout: numberOf(idleTimeout),
    maxExpiresAt: numberOf(maxExpiresAt),
    lastUsedAt: Number(lastUsedAt),
    userAgent,
    ipAddress,
    deviceName,
    lastUserAgent,
    lastIpAddress,
    scopes,
    audience,
    acr,
    amr,
    actorId,
    actorRealm,
    actorSessionId,
    claims: typeof claims === 'string' ? jsonText.from(claims) : claims,
    boundKind,
    boundKey,
    boundKeyThumbprint,
    boundAt: numberOf(boundAt),
    boundProofAt: numberOf(boundProofAt),
    boundRefusedAt: numberOf(boundRefusedAt),
    slot: numberOf(slot),
  };
}

function numberOf(value: number | string | null): number | null {
  return value === null ? null : Number(value);
}

/** The session in a row by names, or in an entity, which may have more than these columns. */
export function recordIn(wider: RawRecord | JwtKnoxSessionBase): SessionRecord {
  return toRecord(COLUMNS.map((name) => wider[name]));
}

/** Every statement names its columns, by their names in the library: others may be in the table. */
export function selectColumns(select: Select): Select {
  for (const column of COLUMNS) select.addSelect(`session.${column}`, column);
  return select;
}

/**
 * The same for PostgreSQL, in fewer columns: the usual ones, then all others as one JSON array. Its driver reads the
 * description of each column with each row, which costs more than the values.
 */
export function selectPacked(select: Select): Select {
  for (const column of USUAL) select.addSelect(`session.${column}`, column);
  return select.addSelect(`json_build_array(${OTHERS.map((name) => `session.${name}`).join(', ')})`, 'others');
}

/** What {@link selectPacked} reads, in order. */
export const PACKED_COLUMNS: readonly string[] = [...USUAL, 'others'];

/** The session in the values of {@link PACKED_COLUMNS}. */
export function unpackedRecord(values: readonly any[]): SessionRecord {
  const others: unknown = values[USUAL.length];
  // Text, where the host has replaced the driver's reader of JSON.
  const rest = (typeof others === 'string' ? JSON.parse(others) : others) as readonly unknown[];
  return toRecord([...values.slice(0, USUAL.length), ...rest]);
}
