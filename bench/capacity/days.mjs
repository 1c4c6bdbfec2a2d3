// Days in the life of a table on PostgreSQL: sessions are used, refreshed, begun and ended, each in a transaction of its
// own, with room in the pages from the start and without. Log and sizes only: nobody waits for these statements.
// On a server of its own: a day takes half a minute here, and while others write for so long, no page is tidied up.
import { jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { DataSource } from 'typeorm';
import { withPrivateServer } from '../../reliability/faults/private-server.mjs';
import { meterOf } from './meters.mjs';
import { fillInPlace, footprint } from './tables.mjs';

const ROWS = 60_000;
const DAYS = 3;
const FACTORS = [100, 90, 85];
const DAY_MS = 86_400_000;
/** One session of so many is used on a day, and one of so many is new, as another one ends. */
const ACTIVE = 5;
const CHANGING = 30;

/** What one active session does on a day; without refreshes, as in single-token mode. */
const LIVES = [
  { name: '20 uses, 5 refreshes', touches: 20, refreshes: 5 },
  { name: '2 uses, no refresh', touches: 2, refreshes: 0 },
];

/** The statements of a use, a refresh, a login and a logout, as the library sends them, for the row `op.id` at `t`. */
const STATEMENTS = {
  touch: 'UPDATE jwt_knox_sessions SET "lastUsedAt" = t WHERE id = op.id AND "lastUsedAt" < t',
  refresh: `UPDATE jwt_knox_sessions SET "previousAccessDigest" = "accessDigest", "accessDigest" = digest,
      "accessKeyAt" = t, "accessKeyIndex" = "accessKeyIndex" + 1, "previousRefreshDigest" = "refreshDigest",
      "refreshDigest" = digest, "refreshSalt" = digest, "rotationKeyDigest" = digest, generation = generation + 1,
      "rotatedAt" = t, "expiresAt" = t + ${DAY_MS}, "lastUsedAt" = t, "lastUserAgent" = "userAgent",
      "lastIpAddress" = "ipAddress" WHERE id = op.id`,
  login: `UPDATE pattern SET id = gen_random_uuid(), "userId" = op.id, "createdAt" = t, "lastUsedAt" = t,
      "accessDigest" = digest, "expiresAt" = t + ${DAY_MS} + floor(random() * ${DAY_MS});
    INSERT INTO jwt_knox_sessions SELECT * FROM pattern`,
  logout: 'DELETE FROM jwt_knox_sessions WHERE id = op.id',
};

const DAY = `
  CREATE PROCEDURE live_a_day(day int) LANGUAGE plpgsql AS $$
  DECLARE
    op record;
    digest text;
    t bigint := (SELECT max("createdAt") FROM pattern) + day * ${DAY_MS}::bigint;
  BEGIN
    FOR op IN SELECT * FROM plan ORDER BY at LOOP
      t := t + 1;
      digest := encode(sha256(t::text::bytea), 'hex');
      ${Object.entries(STATEMENTS)
        .map(([what, sql]) => `IF op.what = '${what}' THEN ${sql}; END IF;`)
        .join('\n      ')}
      COMMIT;
    END LOOP;
  END $$`;

/** @returns for each life and factor, each day: log of one operation, the share of HOT among uses, bytes per session */
export async function measureDays({ pattern, most }) {
  // A short run is to be short here too: these are many days.
  const rows = Math.min(ROWS, Math.round(most / 4));
  const figures = [];
  for (const life of LIVES)
    for (const factor of FACTORS) figures.push(...(await liveOn({ pattern, rows, life, factor })));
  return figures;
}

function liveOn(settings) {
  return withPrivateServer('postgres', {}, async ({ url }) => {
    const tables = { migrations: jwtKnoxMigrations, migrationsRun: true };
    const source = await new DataSource({ type: 'postgres', url, poolSize: 2, ...tables }).initialize();
    // The server tells what this connection did; a commit need not be on the disk for its log to count.
    const runner = source.createQueryRunner();
    try {
      await runner.query('SET synchronous_commit = off');
      return await live({ kind: 'postgres', source }, runner, settings);
    } finally {
      await runner.release();
      await source.destroy();
    }
  });
}

async function live(database, runner, { pattern, rows, life, factor }) {
  await runner.query(`ALTER TABLE jwt_knox_sessions SET (fillfactor = ${factor})`);
  await fillInPlace(database.source, pattern.row, rows);
  await runner.query('CREATE UNLOGGED TABLE pattern AS SELECT * FROM jwt_knox_sessions LIMIT 1');
  await runner.query('CREATE UNLOGGED TABLE plan (at float, what text, id text)');
  await runner.query(DAY);
  await runner.query('VACUUM ANALYZE jwt_knox_sessions');
  const meter = await meterOf(database, (sql) => runner.query(sql));
  const days = [];
  for (let day = 1; day <= DAYS; day++) {
    await plan(runner, rows, life);
    await meter.begin();
    await runner.query(`CALL live_a_day(${day})`);
    const { records, images, updated, hot } = await meter.end();
    // A refresh is never HOT.
    const touches = updated * (life.touches / (life.touches + life.refreshes));
    const bytes = Object.values(await footprint(database, rows));
    days.push({ life: life.name, factor, day, records, images, hotShare: hot / touches, bytes });
  }
  return days;
}

/** Who does what on a day, mixed up. */
async function plan(runner, rows, { touches, refreshes }) {
  const changing = Math.round(rows / CHANGING);
  const some = (count) => `(SELECT id FROM jwt_knox_sessions ORDER BY random() LIMIT ${count})`;
  await runner.query('TRUNCATE plan');
  await runner.query(`
    INSERT INTO plan WITH active AS MATERIALIZED ${some(Math.round(rows / ACTIVE))}
    SELECT random(), 'touch', id FROM active, generate_series(1, ${touches})
    UNION ALL SELECT random(), 'refresh', id FROM active, generate_series(1, ${refreshes})
    UNION ALL SELECT random(), 'logout', id FROM ${some(changing)} AS gone
    UNION ALL SELECT random(), 'login', 'new' || n FROM generate_series(1, ${changing}) AS n`);
}
