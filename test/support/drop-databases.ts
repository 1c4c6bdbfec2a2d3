import { randomBytes } from 'node:crypto';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { SERVERS, type ServerKind } from '../host/database-servers';
import { databaseKinds } from './databases';

/** Before all files, in the process that starts the workers: they name their databases after the run. */
export function setup(): void {
  process.env.TEST_RUN ??= `${process.pid}_${randomBytes(4).toString('hex')}`;
}

const LISTS = {
  postgres: 'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
  mariadb: 'SELECT schema_name AS name FROM information_schema.schemata WHERE LEFT(schema_name, CHAR_LENGTH(?)) = ?',
};

/** After all files: a worker keeps its databases from file to file, and is ended without a word. */
export async function teardown(): Promise<void> {
  for (const kind of databaseKinds) if (kind !== 'sqlite') await dropLeft(kind);
}

async function dropLeft(kind: ServerKind): Promise<void> {
  const server = await new DataSource({
    type: kind,
    url: SERVERS[kind],
    poolSize: 1,
  } as DataSourceOptions).initialize();
  try {
    const prefix = `jwt_knox_test_${process.env.TEST_RUN}_`;
    const left: { name: string }[] = await server.query(LISTS[kind], kind === 'postgres' ? [prefix] : [prefix, prefix]);
    const force = kind === 'postgres' ? ' WITH (FORCE)' : '';
    for (const { name } of left) await server.query(`DROP DATABASE IF EXISTS ${name}${force}`);
  } finally {
    await server.destroy();
  }
}
