import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

/** Lends work a connection to the primary: with replication, TypeORM reads from a replica by itself. */
export async function onPrimary<T>(source: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = source.createQueryRunner('master');
  try {
    return await work(runner);
  } finally {
    await runner.release();
  }
}

/** The same, or within a transaction of the host's its own connection. */
export async function onConnectionOf<T>(
  { connection, queryRunner }: EntityManager,
  work: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  return queryRunner ? work(queryRunner) : onPrimary(connection, work);
}
