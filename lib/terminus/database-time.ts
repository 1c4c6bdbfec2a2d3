import type { PrimaryDatabase } from '../contracts/primary-database';

/** Epoch milliseconds. Not by way of local time, which repeats an hour when summer ends, in the session's time zone. */
const OF_MYSQL = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000 AS now";
const OF_POSTGRES = 'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now';

/** What is asked, by the database's type as TypeORM names it. Embedded databases have the clock of their process. */
const STATEMENTS: Readonly<Record<string, string>> = {
  postgres: OF_POSTGRES,
  'aurora-postgres': OF_POSTGRES,
  cockroachdb: OF_POSTGRES,
  mysql: OF_MYSQL,
  mariadb: OF_MYSQL,
  'aurora-mysql': OF_MYSQL,
};

/** Epoch milliseconds by the database's own clock; null where it has none. */
export async function databaseTime(database: PrimaryDatabase): Promise<number | null> {
  const statement = STATEMENTS[database.type];
  if (statement === undefined) return null;
  const [row] = await database.query(statement);
  return Number(row!.now);
}
