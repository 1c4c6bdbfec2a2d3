import { randomBytes } from 'node:crypto';
import { type DataSourceOptions, DataSource } from 'typeorm';

/** Which databases the suites run on: `TEST_DATABASES=sqlite,postgres,mariadb`; the embedded one when not set. */
export type DatabaseKind = 'sqlite' | 'postgres' | 'mariadb';

export const databaseKinds = (process.env.TEST_DATABASES ?? 'sqlite').split(',') as DatabaseKind[];

/** A database of the test's own, empty, dropped when the test is done. */
export interface TestDatabase {
  kind: DatabaseKind;
  options: DataSourceOptions;
  drop(): Promise<void>;
}

const SERVERS = {
  postgres: process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  mariadb: process.env.TEST_MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/mysql',
};

export async function createDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  if (kind === 'sqlite') {
    return { kind, options: { type: 'better-sqlite3', database: ':memory:' }, drop: async () => undefined };
  }
  const name = `jwt_knox_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await onServer(kind, `CREATE DATABASE ${name}`);
  const url = new URL(SERVERS[kind]);
  url.pathname = `/${name}`;
  const options: DataSourceOptions =
    kind === 'postgres'
      ? { type: 'postgres', url: url.href, poolSize: 10 }
      : { type: 'mariadb', url: url.href, poolSize: 10, charset: 'utf8mb4' };
  const force = kind === 'postgres' ? ' WITH (FORCE)' : '';
  return { kind, options, drop: () => onServer(kind, `DROP DATABASE ${name}${force}`) };
}

async function onServer(kind: 'postgres' | 'mariadb', sql: string): Promise<void> {
  const server = await new DataSource({ type: kind, url: SERVERS[kind] } as DataSourceOptions).initialize();
  try {
    await server.query(sql);
  } finally {
    await server.destroy();
  }
}
