// A million expired rows are purged while users go on: no error, no long lock, no long wait.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openLoop } from '../harness/devices.mjs';
import { main, Tally, withApplication } from '../harness/harness.mjs';

const RATE = 200;
const LOCK_LIMIT_MS = 100;
const WARM_UP_MS = 3_000;

await main('purge beside traffic', {
  databases: ['postgres'],
  plants: [['one-great-delete', 'postgres']],
  run: (kind, { short, plant }) =>
    withApplication({ kind, users: 200 }, async (application) => {
      for (let attempt = 1; ; attempt++) {
        const result = await prove(application, { short, plant });
        // A neighbour of the machine may slow one measurement down, but not three.
        if (plant || !result.faults.slow || attempt === 3) return result;
      }
    }),
});

async function prove({ nodes: [serving, purging], source }, { short, plant }) {
  const rows = short ? 100_000 : 1_000_000;
  await source.query('DELETE FROM jwt_knox_sessions');
  await seedExpired(source, rows);
  const tokens = [];
  for (let i = 0; i < 200; i++) tokens.push((await serving.login(`user${i}`)).access_token);
  const admin = (await purging.login('admin')).access_token;
  const statistics = await compareStatistics(purging, admin, source);

  await traffic(serving, tokens, delay(WARM_UP_MS));
  const calm = await traffic(serving, tokens, delay(short ? 3_000 : 10_000));
  const tally = new Tally();
  const purge = plant
    ? holdLocks(source)
    : purging.send('POST', '/auth/admin/purge-expired', { token: admin }).then((answer) => answer.body.deleted);
  let done = false;
  purge.finally(() => (done = true));
  const began = performance.now();
  const [busy, deleted] = await Promise.all([
    traffic(serving, tokens, purge),
    purge,
    watchLocks(source, tally, () => done),
  ]);
  const seconds = (performance.now() - began) / 1_000;
  await seedExpired(source, 1);
  const afterwards = await compareStatistics(purging, admin, source);
  return {
    figures: {
      rows, seconds: Math.round(seconds), deleted, requests: busy.took.length,
      p50: [calm.at(0.5), busy.at(0.5)], p99: [calm.at(0.99), busy.at(0.99)], longestLock: tally.of('longestLock'),
      statistics: Math.round(statistics.took),
    },
    faults: {
      errors: busy.errors + calm.errors,
      left: plant ? 0 : rows - deleted,
      longLocks: tally.of('longLocks'),
      // Twice the calm p99, and never less than what a busy machine shows by itself.
      slow: Number(busy.at(0.99) > Math.max(2 * calm.at(0.99), 25)),
      wrongFigures: Number(!statistics.equal || !afterwards.equal),
    },
  }; // prettier-ignore
}

async function seedExpired(source, rows) {
  const digest = randomBytes(32).toString('hex');
  await source.query(
    `INSERT INTO jwt_knox_sessions (id, "userId", "accessDigest", generation, "createdAt", "authenticatedAt", "expiresAt", "lastUsedAt")
     SELECT gen_random_uuid()::text, 'id-user' || (n % 5000), '${digest}', 0, 1, 1, 1000 + n, 1 FROM generate_series(1, ${rows}) AS n`,
  );
  // Or the database tidies up after this by itself, while the calm requests are timed.
  await source.query('VACUUM ANALYZE jwt_knox_sessions');
  await source.query('CHECKPOINT');
}

/** RATE requests a second until `during` settles. */
async function traffic(node, tokens, during) {
  const took = [];
  let errors = 0;
  await openLoop(RATE, during, async (sent) => {
    const answer = await node.send('GET', '/auth/verify', { token: tokens[sent % tokens.length] });
    took.push(answer.took);
    if (answer.status !== 204) errors++;
  });
  const sorted = took.toSorted((a, b) => a - b);
  return { took, errors, at: (share) => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10 };
}

/** Looks at the database for statements that wait for a lock. */
async function watchLocks(source, tally, isOver) {
  while (!isOver()) {
    const [{ ms }] = await source.query(
      `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - state_change) * 1000), 0) AS ms
       FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    if (Number(ms) > LOCK_LIMIT_MS) tally.add('longLocks');
    tally.counts.longestLock = Math.max(tally.of('longestLock'), Math.round(Number(ms)));
    await delay(20);
  }
}

/** The planted fault: what a purge by hand does that locks the table. */
async function holdLocks(source) {
  await source.transaction(async (manager) => {
    await manager.query('LOCK TABLE jwt_knox_sessions IN ACCESS EXCLUSIVE MODE');
    await manager.query('DELETE FROM jwt_knox_sessions WHERE "expiresAt" <= 2000000');
    await manager.query('SELECT pg_sleep(1)');
  });
  return 0;
}

/** Compares the figures of the admin route with a naive count, and times the route. */
async function compareStatistics(node, admin, source) {
  const { body, took } = await node.send('GET', '/auth/admin/statistics', { token: admin });
  const rows = await source.query('SELECT "userId", "expiresAt" FROM jwt_knox_sessions');
  const now = Date.parse(body.generated_at);
  const naive = { users: new Set(), active: new Map() };
  for (const { userId, expiresAt } of rows) {
    naive.users.add(userId);
    if (Number(expiresAt) > now) naive.active.set(userId, (naive.active.get(userId) ?? 0) + 1);
  }
  const active = [...naive.active.values()].reduce((sum, n) => sum + n, 0);
  const equal =
    body.users === naive.users.size &&
    body.sessions.all === rows.length &&
    body.sessions.active === active &&
    body.sessions.expired === rows.length - active &&
    body.max_active_per_user === Math.max(0, ...naive.active.values()) &&
    body.average_per_user.all === rows.length / naive.users.size;
  return { equal, took };
}
