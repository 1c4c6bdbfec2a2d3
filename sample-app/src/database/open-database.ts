import { announceRevocations, announceUserChanges, jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CreateUsersAndNotes1764000001000 } from './migrations/1764000001000-create-users-and-notes.js';

/** Makes the tables' first content. Runs at every start, one process at a time. */
export type Seed = (source: DataSource) => Promise<void>;

/**
 * How a process makes the others wait while it migrates and seeds. All three locks end with the connection: a process
 * that dies holds up nobody.
 */
const LOCKS: Record<string, { take: string; release: string }> = {
  postgres: { take: 'SELECT pg_advisory_lock(1764000001)', release: 'SELECT pg_advisory_unlock(1764000001)' },
  mariadb: { take: 'SELECT GET_LOCK(SHA1(DATABASE()), 60)', release: 'SELECT RELEASE_LOCK(SHA1(DATABASE()))' },
  'better-sqlite3': { take: 'BEGIN IMMEDIATE', release: 'COMMIT' },
};

/** For `postgresFeed()`: with every column that `KnoxUsers` reads of a user who is kept in memory. */
const ANNOUNCEMENTS = [
  announceRevocations(),
  announceUserChanges({ table: 'users', columns: ['username', 'isAdmin', 'isActive', 'createdAt'] }),
];

/** Connects, migrates and seeds. Several processes may do so at once, on one database. */
export async function openDatabase(options: DataSourceOptions, seed: Seed, announces: boolean): Promise<DataSource> {
  const migrations = [...jwtKnoxMigrations, CreateUsersAndNotes1764000001000, ...(announces ? ANNOUNCEMENTS : [])];
  const source = await new DataSource({ ...options, migrations } as DataSourceOptions).initialize();
  try {
    await prepare(source, seed);
    return source;
  } catch (error) {
    // Closing gives the lock back and undoes what an open transaction wrote.
    await source.destroy();
    throw error;
  }
}

async function prepare(source: DataSource, seed: Seed): Promise<void> {
  const { type } = source.options;
  const lock = LOCKS[type]!;
  const runner = source.createQueryRunner();
  try {
    await runner.query(lock.take);
    // On SQLite the lock is a transaction already, and there is one connection for everything.
    await source.runMigrations({ transaction: type === 'better-sqlite3' ? 'none' : 'each' });
    await seed(source);
    await runner.query(lock.release);
  } finally {
    await runner.release();
  }
}

/** Whether another attempt may succeed: the server is still starting, or another process holds the file. */
export function isWorthRetrying(error: { code?: unknown }): boolean {
  return error.code === 'ECONNREFUSED' || String(error.code).startsWith('SQLITE_BUSY');
}
