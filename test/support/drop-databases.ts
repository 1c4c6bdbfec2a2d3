import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { SERVERS } from '../host/database-servers';
import { databaseKinds } from './databases';

/** Before all files, in the process that starts the workers: they name their databases after the run. */
export function setup(): void {
  process.env.TEST_RUN ??= `${process.pid}_${randomBytes(4).toString('hex')}`;
}

/** After all files: a worker keeps its databases from file to file, and is ended without a word. */
export async function teardown(): Promise<void> {
  if (!databaseKinds.includes('postgres')) return;
  const server = await new DataSource({ type: 'postgres', url: SERVERS.postgres, poolSize: 1 }).initialize();
  try {
    const left: { name: string }[] = await server.query(
      'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
      [`jwt_knox_test_${process.env.TEST_RUN}_`],
    );
    for (const { name } of left) await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  } finally {
    await server.destroy();
  }
}
