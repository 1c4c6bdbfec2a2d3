import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataSourceOptions, DataSource } from 'typeorm';
import { addressOf, onServer, type ServerKind, SERVERS } from '../host/database-servers';

/** Which databases the suites run on: `TEST_DATABASES=sqlite,postgres,mariadb`; the embedded one when not set. */
export type DatabaseKind = 'sqlite' | 'postgres' | 'mariadb';

export const databaseKinds = (process.env.TEST_DATABASES ?? 'sqlite').split(',') as DatabaseKind[];

/**
 * A pooler in front of the PostgreSQL server, which `npm run test:pooler` starts. What applications under test do goes
 * through it; what tests do to a database themselves does not: see {@link TestDatabase.direct}.
 */
export const POOLER = process.env.TEST_POOLER_URL;

/** A database of the test's own, empty, dropped when the test is done. */
export interface TestDatabase {
  kind: DatabaseKind;
  /** As an application is given it. */
  options: DataSourceOptions;
  /** The same without what may be in between: for what lasts longer than a transaction, such as a lock or a setting. */
  direct: DataSourceOptions;
  drop(): Promise<void>;
}

export async function createDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  if (kind === 'sqlite') {
    const options = { type: 'better-sqlite3', database: ':memory:' } as const;
    return { kind, options, direct: options, drop: async () => undefined };
  }
  if (kind === 'mariadb') {
    const name = newName();
    await onServer(kind, `CREATE DATABASE ${name}`);
    const url = addressOf(SERVERS[kind], name);
    const options = { type: 'mariadb', url, poolSize: 10, charset: 'utf8mb4' } as const;
    return { kind, options, direct: options, drop: () => onServer(kind, `DROP DATABASE ${name}`) };
  }
  const database = emptied.pop() ?? (await createPostgres());
  const direct = { type: 'postgres', url: database.url, poolSize: 10 } as const;
  return {
    kind,
    options: { ...direct, url: addressOf(POOLER ?? SERVERS.postgres, database.name) },
    direct,
    // What a test has cut off, or dropped itself, is not used again.
    drop: () =>
      empty(database).then(
        () => void emptied.push(database),
        () => dropPostgres(database),
      ),
  };
}

/** The address of the server itself, past a pooler. */
export const directUrlOf = ({ direct }: TestDatabase): string => (direct as { url: string }).url;

/** One that several applications can open: the embedded database in memory belongs to its connection. */
export async function createSharedDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  if (kind !== 'sqlite') return createDatabase(kind);
  const folder = await mkdtemp(join(tmpdir(), 'jwt-knox-'));
  const options = { type: 'better-sqlite3', database: join(folder, 'test.sqlite'), enableWAL: true } as const;
  return { kind, options, direct: options, drop: () => rm(folder, { recursive: true }) };
}

/** Ends the connections to a database that are not the given one. */
export const disconnectOthers: Record<ServerKind, (inside: DataSource) => Promise<unknown>> = {
  postgres: (inside) =>
    inside.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    ),
  async mariadb(inside) {
    const others: { id: number }[] = await inside.query(
      'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
    );
    // Most of them are just going by themselves.
    for (const { id } of others) await inside.query(`KILL ${id}`).catch(() => undefined);
  },
};

const newName = () => `jwt_knox_test_${process.env.TEST_RUN ?? process.pid}_${randomBytes(6).toString('hex')}`;

/** PostgreSQL takes a tenth of a second to make and drop a database: the tests of a worker share theirs, emptied. */
interface PostgresDatabase {
  name: string;
  url: string;
  inside: DataSource;
}

const emptied: PostgresDatabase[] = [];

async function createPostgres(): Promise<PostgresDatabase> {
  const name = newName();
  await onServer('postgres', `CREATE DATABASE ${name}`);
  const url = addressOf(SERVERS.postgres, name);
  const inside = await new DataSource({ type: 'postgres', url, poolSize: 1 }).initialize();
  return { name, url, inside };
}

async function dropPostgres(database: PostgresDatabase): Promise<void> {
  await database.inside.destroy();
  await onServer('postgres', `DROP DATABASE IF EXISTS ${database.name} WITH (FORCE)`);
}

async function empty({ name, inside }: PostgresDatabase): Promise<void> {
  await inside.query(`ALTER DATABASE ${name} RESET ALL`);
  await disconnectOthers.postgres(inside);
  const schemas: { name: string }[] = await inside.query(
    `SELECT nspname AS name FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'`,
  );
  for (const schema of schemas) await inside.query(`DROP SCHEMA "${schema.name}" CASCADE`);
  await inside.query('CREATE SCHEMA public');
}
