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
