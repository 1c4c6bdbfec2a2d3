import { DataSource, type DataSourceOptions } from 'typeorm';

export type ServerKind = 'postgres' | 'mariadb';

/** Where the database servers of tests, proofs and benchmark are. */
export const SERVERS: Record<ServerKind, string> = {
  postgres: process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  mariadb: process.env.TEST_MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/mysql',
};

/** The address of a database on a server. */
export function addressOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs one statement on a server, outside of the databases under test. */
export async function onServer(kind: ServerKind, sql: string, server = SERVERS[kind]): Promise<void> {
  const source = await new DataSource({ type: kind, url: server } as DataSourceOptions).initialize();
  try {
    await source.query(sql);
  } finally {
    await source.destroy();
  }
}
