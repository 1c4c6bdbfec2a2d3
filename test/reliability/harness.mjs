// Starts application processes on a database of their own, speaks HTTP with them, and keeps count.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { DataSource } from 'typeorm';
import { createRequire } from 'node:module';

const { jwtKnoxMigrations } = createRequire(import.meta.url)('nestjs-jwt-knox/migrations');

const SERVERS = {
  postgres: process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  mariadb: process.env.TEST_MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/mysql',
};

/** Runs `proof` against `processes` application processes on a fresh database; everything is gone afterwards. */
export async function withApplication({ kind, processes = 2, users = 1, options = {}, plant, adapter }, proof) {
  const name = `jwt_knox_proof_${process.pid}_${randomBytes(5).toString('hex')}`;
  const server = await new DataSource({ type: kind, url: SERVERS[kind] }).initialize();
  await server.query(`CREATE DATABASE ${name}`);
  const url = new URL(SERVERS[kind]);
  url.pathname = `/${name}`;
  const database = { type: kind, url: url.href, poolSize: 10 };
  const source = await new DataSource({ ...database, migrations: jwtKnoxMigrations, migrationsRun: true }).initialize();
  const children = [];
  try {
    await seed(source, users);
    const secret = randomBytes(48).toString('base64');
    const settings = { database, plant, adapter, options: { secret, ...options } };
    for (let i = 0; i < processes; i++) children.push(await start(settings));
    return await proof({ nodes: children.map((child) => child.node), source, secret });
  } finally {
    for (const { child } of children) child.kill('SIGKILL');
    await source.destroy();
    await server.query(`DROP DATABASE ${name}${kind === 'postgres' ? ' WITH (FORCE)' : ''}`);
    await server.destroy();
  }
}

async function seed(source, users) {
  const { scryptSync } = await import('node:crypto');
  await source.query(
    'CREATE TABLE app_users (id VARCHAR(40) PRIMARY KEY, username VARCHAR(40) UNIQUE, hash VARCHAR(200), active INT, since BIGINT)',
  );
  const salt = Buffer.alloc(16, 7);
  const hash = `${salt.toString('hex')}:${scryptSync('password', salt, 32, { N: 2048 }).toString('hex')}`;
  const rows = ['admin', ...Array.from({ length: users }, (_, i) => `user${i}`)];
  for (let i = 0; i < rows.length; i += 500) {
    const values = rows.slice(i, i + 500).map((name) => `('id-${name}', '${name}', '${hash}', 1, 0)`);
    await source.query(`INSERT INTO app_users (id, username, hash, active, since) VALUES ${values.join(', ')}`);
  }
}

function start(settings) {
  const file = fileURLToPath(new URL('app.mjs', import.meta.url));
  const child = fork(file, [JSON.stringify(settings)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.once('message', ({ port }) => resolve({ child, node: new Node(port, child.pid) }));
    child.once('exit', (code) => reject(new Error(`The application ended with ${code} before it listened.`)));
  });
}

/** One application process, over HTTP with connections kept. */
export class Node {
  constructor(port, pid) {
    this.port = port;
    this.pid = pid;
    this.agent = new Agent({ keepAlive: true, maxSockets: 64 });
  }

  send(method, path, { token, json } = {}) {
    const payload = json === undefined ? undefined : JSON.stringify(json);
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(payload && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    };
    return new Promise((resolve, reject) => {
      const sent = performance.now();
      const sentAt = Date.now();
      const outgoing = request(
        { host: '127.0.0.1', port: this.port, method, path, headers, agent: this.agent },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk) => (text += chunk));
          response.on('end', () => {
            const body = text === '' ? null : JSON.parse(text);
            resolve({ status: response.statusCode, body, sentAt, took: performance.now() - sent });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  async login(username, password = 'password') {
    const answer = await this.send('POST', '/auth/login', { json: { username, password } });
    if (answer.status !== 200) throw new Error(`Login answered ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  refresh(token) {
    return this.send('POST', '/auth/refresh', { json: { refresh_token: token } });
  }

  async isAlive(token) {
    const { status } = await this.send('GET', '/auth/verify', { token });
    if (status !== 204 && status !== 401) throw new Error(`verify answered ${status}`);
    return status === 204;
  }
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
 */
export async function main(title, { databases, run, plants }) {
  const short = process.argv.includes('--short');
  let failed = 0;
  let passed = 0;
  const say = (ok, text) => {
    if (ok) passed++;
    else failed++;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${title}: ${text}`);
  };
  for (const kind of databases) {
    const began = performance.now();
    const { figures, faults } = await run(kind, { short });
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    say(
      Object.values(faults).every((n) => n === 0),
      `${kind} ${JSON.stringify({ ...figures, ...faults })} in ${seconds} s`,
    );
  }
  for (const [plant, kind] of plants) {
    const { faults } = await run(kind, { short: true, plant });
    say(
      Object.values(faults).some((n) => n > 0),
      `control "${plant}" on ${kind} is noticed: ${JSON.stringify(faults)}`,
    );
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
