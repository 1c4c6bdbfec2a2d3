import type { ColumnOptions, ValueTransformer } from 'typeorm';

/** bigint reads as text on PostgreSQL and MySQL, as number on SQLite. */
export const wholeNumber: ValueTransformer = {
  to: (value: number | null) => value,
  from: (value: number | string | null) => (value === null ? null : Number(value)),
};

/** An object in a text column: the one form that all databases keep alike. */
export const jsonText: ValueTransformer = {
  to: (value: object | null) => (value === null ? null : JSON.stringify(value)),
  from: (value: string | null) => (value === null ? null : JSON.parse(value)),
};

/**
 * For a `userId` column of your own entity that is an integer or uuid: text in the library, whatever in the row.
 * @example
 * `class UserSession extends JwtKnoxSessionBase { @Column({ transformer: stringTransformer }) userId!: string }`
 */
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

const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const INTEGER_TYPES = [
  'int', 'integer', 'int4', 'mediumint', 'smallint', 'int2', 'tinyint', 'bigint', 'int8', 'decimal', 'dec', 'numeric', 'double', 'float',
]; // prettier-ignore

/**
 * Whether a column of this type can hold a user id. What it cannot hold belongs to nobody: PostgreSQL answers it with an
 * error, and MySQL reads '5 or so' as 5.
 */
export function canHoldUserId(database: string, type: unknown, userId: string): boolean {
  if (type === 'uuid') return UUID.test(userId);
  if (type !== Number && !INTEGER_TYPES.includes(String(type))) return true;
  if (!INTEGER.test(userId)) return false;
  // Only PostgreSQL minds the range, and only there is it known: elsewhere a column may be unsigned, or of 64 bits.
  const bits = /^(?:bigint|int8)$/.test(String(type)) ? 64 : 32;
  return database !== 'postgres' || BigInt.asIntN(bits, BigInt(userId)) === BigInt(userId);
}
