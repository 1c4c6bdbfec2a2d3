import { createRequire } from 'node:module';
import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import type { JwtKnoxFeature } from 'nestjs-jwt-knox';
import { leaseCache, localFeed, postgresFeed, redisFeed } from 'nestjs-jwt-knox/cache';
import type { EnvReader } from './env-reader.js';

/** How sessions, and users, are answered from memory. */
export interface SessionCacheConfig {
  feature: JwtKnoxFeature;
  /** Whether PostgreSQL announces what ends and changes: by triggers, which a migration makes. */
  byTriggers: boolean;
}

const FEEDS = ['postgres', 'redis', 'local'] as const;
type Feed = (typeof FEEDS)[number];

/** Undefined: every request reads the storage. */
export function sessionCacheOf(read: EnvReader, { type }: TypeOrmModuleOptions): SessionCacheConfig | undefined {
  const mode = read.choice('CACHE', ['off', 'lease', 'announce']);
  const given = read.optionalChoice('FEED', FEEDS);
  const url = read.text('REDIS_URL');
  if (mode === 'off') {
    if (given !== undefined)
      read.problem('FEED: has no effect with CACHE=off; set CACHE=lease or CACHE=announce.', undefined);
    if (url !== undefined) read.problem('REDIS_URL: has no effect with CACHE=off; leave it out.', undefined);
    return undefined;
  }
  const feed = feedOf(read, type, given);
  if (feed === undefined) return undefined;
  if (url !== undefined && feed !== 'redis') read.problem('REDIS_URL: has no effect without FEED=redis.', undefined);
  // Users are kept where the database itself announces their changes.
  const byTriggers = feed === 'postgres';
  const made = { postgres: postgresFeed, local: localFeed, redis: () => redisAt(url) }[feed]();
  const feature = leaseCache({ feed: made, ...(mode === 'lease' ? { users: byTriggers } : { keep: false }) });
  return { feature, byTriggers };
}

/** The database decides, unless it is said. MariaDB announces nothing, and may have several processes. */
function feedOf(read: EnvReader, type: TypeOrmModuleOptions['type'], given: Feed | undefined): Feed | undefined {
  if (type === undefined) return undefined;
  if (given === 'postgres' && type !== 'postgres') {
    const instead = type === 'better-sqlite3' ? 'FEED=local, or a DATABASE_URL of PostgreSQL' : 'FEED=redis';
    return read.problem(`FEED: postgres needs sessions in PostgreSQL; set ${instead}.`, undefined);
  }
  if (given === 'local' && type !== 'better-sqlite3') {
    const instead = type === 'postgres' ? 'FEED=postgres' : 'FEED=redis';
    return read.problem(`FEED: local is for one process on SQLite; set ${instead}.`, undefined);
  }
  if (given !== undefined) return given;
  return type === 'better-sqlite3' ? 'local' : type === 'postgres' ? 'postgres' : 'redis';
}

function redisAt(url = 'redis://127.0.0.1:6379') {
  // Only where it is asked for: it is a quarter of all that a start would load.
  const { createClient } = createRequire(import.meta.url)('redis') as typeof import('redis');
  return redisFeed({ createClient, url });
}
