import type { ColumnOptions } from 'typeorm';

/**
 * A moment in epoch milliseconds, set by the application. A date column would shift with the time zones of server and
 * driver; a bigint does not, but PostgreSQL and MariaDB give it as text.
 */
export function epochMs(options: ColumnOptions = {}): ColumnOptions {
  const from = (value: number | string | null) => (value === null ? null : Number(value));
  return { type: 'bigint', transformer: { to: (value: number | null) => value, from }, ...options };
}
