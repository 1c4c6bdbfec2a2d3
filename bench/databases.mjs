// A database of its own for each scenario, seeded by single statements, and gone afterwards.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { announceRevocations, announceUserChanges, jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { JwtKnoxFence } from 'nestjs-jwt-knox/typeorm';
import { DataSource } from 'typeorm';
import { JoinedSession, User } from './entities.mjs';

const { addressOf, onServer, SERVERS } = createRequire(import.meta.url)('../.cache/host');
const DAY_MS = 86_400_000;

/** Connections a server process may hold; more than the clients that speak to it at a time never help. */
export const POOL_SIZE = 8;

const undropped = new Set();

/** Drops what is left when a run is cut short. */
export async function dropDatabases() {
  for (const drop of undropped) await drop();
}

/** A data source on the server's own database. */
export function connectTo(kind) {
  return new DataSource({ type: kind, url: SERVERS[kind], poolSize: 1 }).initialize();
}

/** What TypeORM needs to connect as a scenario does; idle connections stay, as the pauses are the bench's own. */
function optionsOf(kind, name) {
  if (kind === 'sqlite') return { type: 'better-sqlite3', database: name, enableWAL: true };
  const extra = kind === 'postgres' ? { idleTimeoutMillis: 0 } : { idleTimeout: 3_600_000 };
  return { type: kind, url: addressOf(SERVERS[kind], name), poolSize: POOL_SIZE, extra };
}

/**
 * Creates and seeds a database.
 * @param contents `tables`: 'own' (the library's table, and users), 'joined' (sessions that refer to users) or 'none';
 *   `announced`: whether PostgreSQL announces what ends and changes; `rows` sessions of users who have `sessionsPerUser` each
 */
export async function createDatabase({ kind, tables = 'own', announced = false, rows = 10_000, sessionsPerUser = 1 }) {
  const { name, created, remove } = kind === 'sqlite' ? newFile() : newOnServer(kind);
  const options = optionsOf(kind, name);
  let dropped;
  // Whoever asks second waits for the first one's work, since the process may end after it.
  const drop = () => {
    dropped ??= created.then(remove, remove).finally(() => undropped.delete(drop));
    return dropped;
  };
  undropped.add(drop);
  try {
    await created;
    if (tables !== 'none') await seed(options, { tables, announced }, rows, sessionsPerUser);
  } catch (error) {
    await drop();
    throw error;
  }
  return { kind, name, options, drop };
}

function newFile() {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-knox-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { name: join(folder, 'bench.sqlite'), created: Promise.resolve(), remove };
}

function newOnServer(kind) {
  const name = `jwt_knox_bench_${process.pid}_${randomBytes(5).toString('hex')}`;
  const force = kind === 'postgres' ? ' WITH (FORCE)' : '';
  const remove = () => onServer(kind, `DROP DATABASE IF EXISTS ${name}${force}`);
  return { name, created: onServer(kind, `CREATE DATABASE ${name}`), remove };
}

const ANNOUNCEMENTS = [
  announceRevocations(),
  announceUserChanges({ table: 'bench_users', columns: ['isActive', 'validSince'] }),
];

async function seed(options, { tables, announced }, rows, sessionsPerUser) {
  const joined = tables === 'joined';
  const migrations = [...jwtKnoxMigrations, ...(announced ? ANNOUNCEMENTS : [])];
  const schema = joined ? { entities: [User, JoinedSession, JwtKnoxFence] } : { entities: [User], migrations };
  const source = new DataSource({ ...options, ...schema, synchronize: true });
  await source.initialize();
  try {
    // After the table of users is there, which announces its changes.
    await source.runMigrations();
    await seedUsers(source, Math.ceil(rows / sessionsPerUser));
    await seedSessions(
      source,
      joined ? 'bench_sessions' : 'jwt_knox_sessions',
      rows,
      Math.ceil(rows / sessionsPerUser),
    );
    for (const sql of tidying(source, joined)) await source.query(sql);
  } finally {
    await source.destroy();
  }
}

async function seedUsers(source, users) {
  const names = ['id', 'username', 'password', 'isActive'].map((name) => source.driver.escape(name));
  await source.query(
    `INSERT INTO bench_users (${names.join(', ')}) SELECT concat('u', g), concat('user', g), 'password', ` +
      `${source.options.type === 'postgres' ? 'true' : '1'} FROM ${numbers(source, users)}`,
  );
}

async function seedSessions(source, table, rows, users) {
  await insertSessions(source, table, rows, { userId: `concat('u', 1 + g % ${users})` });
}

/** Inserts sessions to which there are no tokens, by one statement. */
export async function insertSessions(source, table, rows, { userId }) {
  const at = Date.now();
  const digest = digestOf(source);
  const columns = {
    id: uuidOf(source),
    userId,
    accessDigest: digest,
    refreshDigest: digest,
    generation: '0',
    createdAt: `${at}`,
    authenticatedAt: `${at}`,
    expiresAt: `${at + DAY_MS}`,
    lastUsedAt: `${at}`,
    userAgent: "'bench/1.0'",
    ipAddress: "'127.0.0.1'",
  };
  const names = Object.keys(columns).map((name) => source.driver.escape(name));
  const values = Object.values(columns).join(', ');
  await source.query(`INSERT INTO ${table} (${names.join(', ')}) SELECT ${values} FROM ${numbers(source, rows)}`);
}

function numbers(source, count) {
  const { type } = source.options;
  if (type === 'postgres') return `generate_series(1, ${count}) AS numbers(g)`;
  if (type === 'mariadb') return `(SELECT seq AS g FROM seq_1_to_${count}) AS numbers`;
  const counting = `SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < ${count}`;
  return `(WITH RECURSIVE n(g) AS (${counting}) SELECT g FROM n) AS numbers`;
}

function uuidOf(source) {
  const { type } = source.options;
  if (type === 'postgres') return 'gen_random_uuid()::text';
  if (type === 'mariadb') return 'uuid()';
  const bytes = [4, 2, 2, 2, 6].map((count) => `lower(hex(randomblob(${count})))`);
  return bytes.join(" || '-' || ");
}

function digestOf(source) {
  const { type } = source.options;
  if (type === 'postgres') return "encode(sha256(random()::text::bytea), 'hex')";
  return type === 'mariadb' ? 'sha2(rand(), 256)' : 'lower(hex(randomblob(32)))';
}

function tidying(source, joined) {
  const tables = ['bench_users', joined ? 'bench_sessions' : 'jwt_knox_sessions'];
  const { type } = source.options;
  if (type === 'postgres') return tables.map((table) => `VACUUM ANALYZE ${table}`);
  return type === 'mariadb' ? tables.map((table) => `ANALYZE TABLE ${table}`) : ['ANALYZE'];
}
