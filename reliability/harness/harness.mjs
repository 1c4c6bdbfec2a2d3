// Starts application processes on a database of their own, speaks HTTP with them, and keeps count.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataSource } from 'typeorm';
import { Node } from './application-node.mjs';

const require = createRequire(import.meta.url);
const { announceRevocations, announceUserChanges, jwtKnoxMigrations } = require('nestjs-jwt-knox/migrations');
const { addressOf, hashPassword, onServer, SERVERS } = require('../../.cache/host');

/**
 * Runs `proof` against `processes` application processes on a fresh database; everything is gone afterwards. `server` is
 * the URL of another database server, `database` what the processes' own data source has in place of the proof's, and
 * `launch` starts one process more, with settings of its own.
 */
export async function withApplication(
  {
    kind,
    server,
    processes = 2,
    users = 1,
    options = {},
    database: own,
    plant,
    adapter,
    routes,
    cookies,
    execArgv,
    passwordCost = 2048,
    sockets,
    cache,
    bound,
  },
  proof,
) {
  const { database, drop } = await createDatabase(kind, server);
  const children = [];
  let source;
  try {
    source = await new DataSource({ ...database, migrations: jwtKnoxMigrations, migrationsRun: true }).initialize();
    await seed(source, users, passwordCost);
    if (cache?.feed === 'postgres') await announce(source);
    const secret = randomBytes(48).toString('base64');
    const application = { ...database, ...own?.(database) };
    const forAll = {
      database: application,
      plant,
      adapter,
      routes,
      cookies,
      passwordCost,
      sockets,
      cache,
      bound,
      options: { ...(!options.keys && { secret }), ...options },
    };
    const launch = async (settings) => {
      const node = await start({ ...forAll, ...settings }, execArgv);
      children.push(node.child);
      return node;
    };
    const nodes = [];
    for (let i = 0; i < processes; i++) nodes.push(await launch());
    return await proof({ nodes, source, secret, launch });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await source?.destroy();
    await drop();
  }
}

/** An empty database of the proof's own: the options of its data source, and how to be rid of it. */
async function createDatabase(kind, server = SERVERS[kind]) {
  if (kind === 'sqlite') {
    const folder = await mkdtemp(join(tmpdir(), 'jwt-knox-proof-'));
    const database = {
      type: 'better-sqlite3',
      database: join(folder, 'proof.sqlite'),
      enableWAL: true,
      timeout: 10_000,
    };
    return { database, drop: () => rm(folder, { recursive: true, force: true }) };
  }
  const name = `jwt_knox_proof_${process.pid}_${randomBytes(5).toString('hex')}`;
  await onServer(kind, `CREATE DATABASE ${name}`, server);
  const drop = () => onServer(kind, `DROP DATABASE ${name}${kind === 'postgres' ? ' WITH (FORCE)' : ''}`, server);
  return { database: { type: kind, url: addressOf(server, name), poolSize: 10 }, drop };
}

async function seed(source, users, passwordCost) {
  await source.query(
    'CREATE TABLE app_users (id VARCHAR(40) PRIMARY KEY, username VARCHAR(40) UNIQUE, hash VARCHAR(200), active INT)',
  );
  const hash = await hashPassword('password', passwordCost);
  const rows = ['admin', ...Array.from({ length: users }, (_, i) => `user${i}`)];
  for (let i = 0; i < rows.length; i += 500) {
    const values = rows.slice(i, i + 500).map((name) => `('id-${name}', '${name}', '${hash}', 1)`);
    await source.query(`INSERT INTO app_users (id, username, hash, active) VALUES ${values.join(', ')}`);
  }
}

/** The database tells of ends, and of users who change. */
async function announce(source) {
  const runner = source.createQueryRunner();
  const ofUsers = announceUserChanges({ table: 'app_users', columns: ['username', 'active'] });
  for (const Migration of [announceRevocations(), ofUsers]) await new Migration().up(runner);
  await runner.release();
}

function start({ env, ...settings }, execArgv = []) {
  const file = fileURLToPath(new URL('host.mjs', import.meta.url));
  const child = fork(file, [JSON.stringify(settings)], {
    execArgv,
    env: { ...process.env, ...env },
    stdio: [
      'ignore',
      settings.logLevels ? 'pipe' : 'inherit',
      settings.watched || settings.captured ? 'pipe' : 'inherit',
      'ipc',
    ],
  });
  const node = new Node(undefined, child);
  return new Promise((resolve, reject) => {
    child.once('message', ({ port }) => resolve(Object.assign(node, { port })));
    // Not at 'exit': what it has logged, if that is read here, says why, and may still arrive then.
    child.once('close', (code) =>
      reject(new Error(`The application ended with ${code} before it listened. ${node.log}`.trim())),
    );
  });
}

export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}

/** Runs rounds 0…count-1, `width` at a time. */
export async function rounds(count, width, round) {
  let next = 0;
  const lane = async () => {
    while (next < count) await round(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** What follows a flag of the command. */
export const argument = (name) =>
  process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;

/** Counts by name; what must be zero makes the proof fail. */
export class Tally {
  counts = {};
  add(name, n = 1) {
    this.counts[name] = (this.counts[name] ?? 0) + n;
  }
  of(name) {
    return this.counts[name] ?? 0;
  }
}

/**
 * The frame of every proof: `run(kind, { short, plant })` answers `{ figures, faults }`. Runs it on each database, then
 * its planted faults, which must make it fail. Exits non-zero when the proof falls short or a fault goes unnoticed.
 * `quick`: how many of its databases the quick form takes.
 * `--short` for the quick form, `--on mariadb` for one database, `--fault naive-limit` for one planted fault alone.
 */
export async function main(title, { databases, run, plants, quick = 1 }) {
  const short = process.argv.includes('--short');
  const [on, fault] = ['--on', '--fault'].map(argument);
  let failed = 0;
  let passed = 0;
  const say = (ok, text) => {
    if (ok) passed++;
    else failed++;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${title}: ${text}`);
  };
  // In short: few databases, and one planted fault.
  const chosen = (all, most = 1) => (short ? all.slice(0, most) : all);
  for (const kind of fault
    ? []
    : chosen(
        databases.filter((one) => !on || one === on),
        quick,
      )) {
    const began = performance.now();
    const { figures, faults } = await run(kind, { short });
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    say(
      Object.values(faults).every((n) => n === 0),
      `${kind} ${JSON.stringify({ ...figures, ...faults })} in ${seconds} s`,
    );
  }
  for (const [plant, kind] of chosen(
    plants.filter((one) => [fault, on].every((name) => !name || one.includes(name))),
  )) {
    const { faults } = await run(kind, { short: true, plant });
    say(
      Object.values(faults).some((n) => n > 0),
      `control "${plant}" on ${kind} is noticed: ${JSON.stringify(faults)}`,
    );
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
