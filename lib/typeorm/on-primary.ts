import type { DataSource, QueryRunner } from 'typeorm';

/** Lends work a connection to the primary: with replication, TypeORM reads from a replica by itself. */
export async function onPrimary<T>(source: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = source.createQueryRunner('master');
  try {
    return await work(runner);
  } finally {
    await runner.release();
  }
}
