// Capacity: what sessions cost, from ten thousand of them to ten million.
import { statfsSync } from 'node:fs';
import { connectTo } from '../databases.mjs';
import { drive, openConnections, requestBytes, WrongAnswer } from '../load.mjs';
import { measureRounds } from '../measure.mjs';
import { ScenarioRun } from '../scenario-run.mjs';
import { findScenario } from '../scenarios/index.mjs';
import { measureConnections } from './connections.mjs';
import { measureOperations } from './operations.mjs';
import { BROWSER } from './planted.mjs';
import { createTables, footprint, plantSessions, rowLengths } from './tables.mjs';
import { measureUpkeep } from './upkeep.mjs';
import { measureVariants } from './variants.mjs';

const SIZES = { postgres: [10_000, 1_000_000, 10_000_000], mariadb: [10_000, 1_000_000] };
/** What a session takes while the table is made: rows, indexes, the sorting of an index, the log. */
const ROOM_PER_SESSION = 2_000;

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

export const nameOf = ({ kind, rows }, variant = 'quiet') => `capacity/${kind}/${rows}/${variant}`;

/** Runs everything. @param most sessions in the largest table; `effort`: rounds, slices, and how long requests are sent at a rate */
export async function measureCapacity({ most = Infinity, effort, secret, say }) {
  const server = await connectTo('postgres');
  const tables = [];
  try {
    const pattern = await makePattern(secret, server);
    const variants = await measureVariants({ pattern, most, secret, server, effort });
    say('indexes that grow, and pages with room, are measured');
    for (const [kind, size] of sizesUpTo(most)) {
      const table = { kind, rows: size, runs: {} };
      tables.push(table);
      await prepareTable(table, { pattern, secret, server, effort, say });
    }
    return { ...variants, ...(await measureAll(tables, { effort, say })) };
  } finally {
    for (const { runs, database } of tables) {
      await Promise.all(Object.values(runs).map((run) => run.stop()));
      await database?.source.destroy();
      await database?.drop();
    }
    await server.destroy();
  }
}

function sizesUpTo(most) {
  return Object.entries(SIZES).flatMap(([kind, sizes]) =>
    [...new Set(sizes.map((size) => Math.min(size, most)))].map((size) => [kind, size]),
  );
}

/** The row of one login, and the claims of its tokens. */
async function makePattern(secret, server) {
  const database = await createTables('postgres');
  const run = new ScenarioRun(findScenario('capacity/postgres/quiet'), { database });
  try {
    run.scenario = { ...run.scenario, prepares: false };
    await run.start(secret, server);
    const [connection] = await openConnections([run.ports[0]], 1);
    const login = { method: 'POST', path: '/auth/login', headers: { 'User-Agent': BROWSER } };
    const request = requestBytes({ ...login, json: { username: 'u1', password: 'password' } });
    let answer;
    await drive([connection], 1, () => ({ request, check: (given) => void (answer = given) }));
    connection.close();
    if (answer.status !== 200) throw new WrongAnswer(`The first login answered ${answer.status} ${answer.body}`);
    const { access_token: access, refresh_token: refresh } = JSON.parse(answer.body);
    const [row] = await database.source.query('SELECT * FROM jwt_knox_sessions');
    return { row, claims: { access: claimsOf(access), refresh: claimsOf(refresh) } };
  } finally {
    await run.stop();
    await database.source.destroy();
    await database.drop();
  }
}

async function prepareTable(table, { pattern, secret, server, effort, say }) {
  const { kind, rows } = table;
  checkRoom(rows);
  const name = `${kind}, ${rows.toLocaleString('en')} sessions`;
  table.database = await createTables(kind);
  const { fill, index } = await plantSessions(table.database, pattern.row, rows);
  say(`${name}: filled in ${(fill / 1_000).toFixed(0)} s, indexed in ${(index / 1_000).toFixed(0)} s`);
  Object.assign(table, { fill, index, bytes: await footprint(table.database, rows) });
  table.start = async (variant) => {
    const scenario = findScenario(`capacity/${kind}/${variant}`);
    const settings = { rows, pattern: pattern.claims };
    // A refresh uses its session up, half of which are for other work.
    const count = variant === 'refresh' ? Math.min(200, Math.floor(rows / 20 / effort.rounds)) : undefined;
    const title = nameOf({ kind, rows }, variant);
    const run = new ScenarioRun({ ...scenario, settings, count, title }, { database: table.database });
    table.runs[variant] = run;
    await run.start(secret, server);
    await run.warmUp(effort.warmUp);
    run.settle(effort.sliceMs, effort.leadIn);
    return run;
  };
  await table.start('quiet');
  say(`${name}: the server is warm`);
}

/** Where the database is on this machine, and in the same file system as this checkout. */
function checkRoom(rows) {
  const { bavail, bsize } = statfsSync('.');
  if (bavail * bsize < rows * ROOM_PER_SESSION)
    throw new Error(`${rows.toLocaleString('en')} sessions need ${(rows * ROOM_PER_SESSION) / 1e9} GB; use --rows.`);
}

async function measureAll(tables, { effort, say }) {
  const largest = tables.findLast(({ kind }) => kind === 'postgres');
  const extra = [];
  for (const variant of ['unprepared', 'touching', 'login', 'refresh']) extra.push(await largest.start(variant));
  const updated = await updatesOf(largest);
  const figures = await measureRounds([...tables.map(({ runs }) => runs.quiet), ...extra], effort.rounds, say);
  const touchShare = touchShareOf(largest.runs, (await updatesOf(largest)) - updated);
  const connections = await measureConnections(largest.runs, effort.pacedMs);
  say('connections are counted');
  const measured = [];
  for (const table of tables) measured.push(await measureTable(table, effort, say));
  return { figures, touchShare, connections, tables: measured };
}

async function updatesOf({ database, runs }) {
  for (const variant of ['touching', 'refresh'])
    await runs[variant].servers[0].ask('onEach', { sql: 'SELECT pg_stat_force_next_flush()' });
  const [{ updates }] = await database.source.query(
    "SELECT n_tup_upd AS updates FROM pg_stat_user_tables WHERE relid = 'jwt_knox_sessions'::regclass",
  );
  return Number(updates);
}

/** How many requests of the server that notes every use were noted: what is too much at once is left out. */
function touchShareOf({ touching, refresh }, updates) {
  const sent = ({ samples, leadIn }) => samples.reduce((sum, { requests }) => sum + requests + leadIn, 0);
  const refreshes = refresh.samples.reduce((sum, { requests }) => sum + requests, 0);
  // What is sent before a slice of refreshes changes nothing: its uses are not noted.
  return (updates - refreshes) / sent(touching);
}

/** What changes the table comes last, and one table after the other: a server takes only so many connections. */
async function measureTable(table, { pacedMs }, say) {
  const { kind, rows, bytes, fill, index, database, runs } = table;
  const name = `${kind}, ${rows.toLocaleString('en')} sessions`;
  if (!runs.touching) await table.start('touching');
  const operations = await measureOperations(runs, rows);
  const lengths = kind === 'postgres' ? await rowLengths(database.source) : null;
  say(`${name}: operations are measured`);
  const upkeep = await measureUpkeep(runs, rows, pacedMs);
  say(`${name}: purged`);
  for (const run of Object.values(runs)) await run.stop();
  return { kind, rows, bytes, fill, index, operations, lengths, upkeep };
}
