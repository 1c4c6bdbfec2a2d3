import type { FindOptionsWhere, SelectQueryBuilder } from 'typeorm';
import { SESSION_COLUMNS, SESSION_FIELDS, type SessionField, type SessionRecord } from '../contracts/session';
import { jsonText } from './columns';
import type { KnoxSessionBase } from './knox-session.entity';

export type Where = FindOptionsWhere<KnoxSessionBase>;
export type Select = SelectQueryBuilder<KnoxSessionBase>;

/** A row as a driver gives it: the columns of a session, and no others. */
export type RawRecord = Record<keyof SessionRecord, any>;

export const COLUMNS = SESSION_COLUMNS;

const NUMBERS = COLUMNS.filter((name) => ['count', 'moment', 'span'].includes(SESSION_FIELDS[name].type));
const OBJECTS = COLUMNS.filter((name) => (SESSION_FIELDS[name] as SessionField).type === 'json');

/** Drivers differ in what they make of whole numbers, and of a host's own `userId` column. */
export function toRecord(row: RawRecord): SessionRecord {
  const record: RawRecord = { ...row };
  for (const name of NUMBERS) if (record[name] !== null) record[name] = Number(record[name]);
  for (const name of OBJECTS) if (typeof record[name] === 'string') record[name] = jsonText.from(record[name]);
  // Null where the host lets its foreign key be so: then it is nobody's session.
  if (record.userId !== null) record.userId = String(record.userId);
  record.id = String(record.id);
  return record;
}

/** The session in a row or an entity that has more than its columns. */
export function recordIn(wider: RawRecord | KnoxSessionBase): SessionRecord {
  return toRecord(Object.fromEntries(COLUMNS.map((name) => [name, wider[name]])) as RawRecord);
}

/** Every statement names its columns, by their names in the library: others may be in the table. */
export function selectColumns(select: Select): Select {
  for (const column of COLUMNS) select.addSelect(`session.${column}`, column);
  return select;
}
