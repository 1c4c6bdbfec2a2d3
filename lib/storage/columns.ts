import type { ColumnOptions, ValueTransformer } from 'typeorm';

/** bigint reads as text on PostgreSQL and MySQL, as number on SQLite. */
const wholeNumber: ValueTransformer = {
  to: (value: number | null) => value,
  from: (value: number | string | null) => (value === null ? null : Number(value)),
};

/** For a `userId` column of a host's own `sessionEntity` that is an integer or uuid: text in the library, whatever in the row. */
export const stringTransformer: ValueTransformer = {
  to: (value: string | null) => value,
  from: (value: unknown) => (value === null || value === undefined ? null : String(value)),
};

/**
 * A moment in epoch milliseconds. Date columns shift with the time zone of server and driver on PostgreSQL and MySQL;
 * a number does not.
 */
export function epochMs(name: string, options: ColumnOptions = {}): ColumnOptions {
  return { name, type: 'bigint', transformer: wholeNumber, ...options };
}

const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const INTEGER_TYPES = [
  'int',
  'integer',
  'int4',
  'serial',
  'mediumint',
  'smallint',
  'int2',
  'tinyint',
  'bigint',
  'int8',
];

/**
 * Whether a column of this type can hold a user id. What it cannot hold belongs to nobody: PostgreSQL answers it with an
 * error, and MySQL reads '5 or so' as 5.
 */
export function canHoldUserId(type: unknown, userId: string): boolean {
  if (type === 'uuid') return UUID.test(userId);
  if (type !== Number && !INTEGER_TYPES.includes(String(type))) return true;
  const most = type === 'bigint' || type === 'int8' ? 9_223_372_036_854_775_807n : 2_147_483_647n;
  return INTEGER.test(userId) && userId.length < 20 && BigInt(userId) <= most && BigInt(userId) >= -most;
}
