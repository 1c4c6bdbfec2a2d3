import { resolve } from 'node:path';
import type { TypeOrmModuleOptions } from '@nestjs/typeorm';

/** Where the data is kept when `DATABASE_URL` is not set: a file beside the application. */
const DEFAULT_FILE = resolve(import.meta.dirname, '../../data.sqlite');

/** A pool of every process: PostgreSQL and MariaDB allow about 100 connections of all processes together. */
const POOL_SIZE = 20;

/** What TypeORM needs to connect, or null when the URL cannot be read. */
export function databaseOptions(url: string | undefined): TypeOrmModuleOptions | null {
  if (url === undefined) return sqlite(DEFAULT_FILE);
  if (url === 'sqlite::memory:') return sqlite(':memory:');
  const file = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (file !== undefined) return sqlite(resolve(file));
  if (!URL.canParse(url)) return null;
  switch (new URL(url).protocol) {
    case 'postgres:':
    case 'postgresql:':
      return { type: 'postgres', url, poolSize: POOL_SIZE, connectTimeoutMS: 5_000, extra: { onConnect: attend } };
    case 'mysql:':
    case 'mariadb:':
      return { type: 'mariadb', url, poolSize: POOL_SIZE, connectTimeout: 5_000, charset: 'utf8mb4' };
    default:
      return null;
  }
}

/**
 * A server that ends a connection in the very moment when it comes up would end this process too: TypeORM listens for
 * errors a moment later. Statements on that connection fail all the same.
 */
function attend(client: NodeJS.EventEmitter): void {
  client.on('error', () => undefined);
}

/**
 * Write-ahead logging lets readers read while one process writes. A writer waits at most a second for another: the
 * driver blocks the event loop meanwhile.
 */
function sqlite(database: string): TypeOrmModuleOptions {
  return { type: 'better-sqlite3', database, enableWAL: true, timeout: 1_000 };
}
