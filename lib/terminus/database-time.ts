import type { PrimaryDatabase } from '../contracts/primary-database';

/** What is asked, by the database's type as TypeORM names it. Embedded databases have the clock of their process. */
const STATEMENTS: Readonly<Record<string, string>> = {
  postgres: 'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now',
  'aurora-postgres': 'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now',
  cockroachdb: 'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now',
  mysql: 'SELECT UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS now',
  mariadb: 'SELECT UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS now',
  'aurora-mysql': 'SELECT UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS now',
};

/** Epoch milliseconds by the database's own clock; null where it has none. */
export async function databaseTime(database: PrimaryDatabase): Promise<number | null> {
  const statement = STATEMENTS[database.type];
  if (statement === undefined) return null;
  const [row] = await database.query(statement);
  return Number(row!.now);
}
