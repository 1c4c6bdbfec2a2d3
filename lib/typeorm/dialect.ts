/** Whose SQL a data source speaks. */
export type Dialect = 'postgres' | 'mysql' | 'sqlite';

const DIALECTS: Record<Dialect, readonly string[]> = {
  postgres: ['postgres', 'aurora-postgres', 'cockroachdb'],
  mysql: ['mysql', 'mariadb', 'aurora-mysql'],
  sqlite: ['sqlite', 'better-sqlite3', 'sqljs', 'expo', 'capacitor', 'cordova', 'nativescript', 'react-native'],
};

/** By the `type` of a TypeORM data source; null for a database whose SQL is none of these. */
export function dialectOf({ type }: { type: string }): Dialect | null {
  return (Object.keys(DIALECTS) as Dialect[]).find((dialect) => DIALECTS[dialect].includes(type)) ?? null;
}

/** Types of MySQL whose columns compare by a collation. */
export const COLLATED_TYPES: readonly string[] = ['varchar', 'char', 'text', 'tinytext', 'mediumtext', 'longtext'];

/**
 * MariaDB and MySQL compare text without case, accents and trailing spaces by default: there, text gets a character set
 * that holds every character, and a binary collation that does not pad, which the two call by different names.
 * @param version as TypeORM reads it: MySQL's numbers have not come to 10, where MariaDB's began long ago
 */
export function exactText({ type }: { type: string }, version: string | undefined) {
  const isMariaDb = type === 'mariadb' || Number.parseInt(version ?? '', 10) >= 10;
  return { charset: 'utf8mb4', collation: isMariaDb ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin' };
}
