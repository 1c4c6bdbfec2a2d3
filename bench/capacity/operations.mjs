// What one login, request, refresh and logout cost the database.
import { setTimeout as delay } from 'node:timers/promises';
import { firstRefreshes, logins, repeated } from '../exchanges.mjs';
import { drive, openConnections, WrongAnswer } from '../load.mjs';
import { meterOf } from './meters.mjs';

const MOST = 500;
/** Of a small table, no more than a part is used up. */
const SHARE = 0.02;
const SETTLING_MS = 300;

/** Of uses, a server whose database is slow leaves some unnoted. */
const FEWEST_NOTED = 0.9;

/**
 * @param variant the server that answers; @param changes how many rows each changes, which is checked
 * @param pause between two, in ms: none is left unnoted because another one is under way
 */
export const TOUCH = { name: 'touch', variant: 'touching', what: 'request', exchange: repeated, changes: 1, pause: 15 };

export const OPERATIONS = [
  { name: 'request', variant: 'quiet', what: 'request', exchange: repeated, changes: 0 },
  TOUCH,
  { name: 'login', variant: 'quiet', what: 'login', exchange: logins, changes: 1 },
  { name: 'refresh', variant: 'quiet', what: 'refresh', exchange: firstRefreshes, changes: 1 },
  { name: 'logout', variant: 'quiet', what: 'logout', exchange: repeated, changes: 1 },
];

/**
 * Each operation by itself, one request after the other: so every use is noted, of which a server that is busy leaves out
 * some.
 * @param runs of each variant, on the same database
 */
export async function measureOperations(runs, rows) {
  const figures = [];
  for (const operation of OPERATIONS) figures.push(await measureOperation(operation, runs, rows));
  return figures;
}

export async function measureOperation({ name, variant, what, exchange, changes, pause }, runs, rows) {
  const count = Math.min(MOST, Math.round(rows * SHARE));
  const { servers, ports, database } = runs[variant];
  const [server] = servers;
  const meter = await meterOf(database, (sql) => onAll(runs, sql));
  const { requests } = await server.ask('prepare', { count, what });
  const [connection] = await openConnections([ports[0]], 1);
  try {
    await meter.begin();
    await server.ask('count');
    const next = exchange(requests);
    for (let sent = 0; sent < count; sent++) {
      await drive([connection], 1, next);
      if (pause) await delay(pause);
    }
    // A touch is not waited for by its request.
    await delay(SETTLING_MS);
    const statements = await server.ask('count');
    const spent = await meter.end();
    return figuresOf(name, spent, { statements, count, done: doneOf({ name, changes, pause }, spent, count) });
  } finally {
    connection.close();
  }
}

/** Over the connections of all servers: what another one did before must not be counted late. */
async function onAll(runs, sql) {
  const results = [];
  for (const { servers } of Object.values(runs)) results.push(...(await servers[0].ask('onEach', { sql })));
  return results;
}

/** How often it was really done. */
function doneOf({ name, changes, pause }, { changed }, count) {
  const isRight = changed === count * changes || (pause && changed < count && changed >= count * FEWEST_NOTED);
  if (!isRight) throw new WrongAnswer(`${count} times ${name} changed ${changed} rows, not ${count * changes}.`);
  return pause ? changed : count;
}

function figuresOf(name, { hot, updated, changed, ...sums }, { statements, count, done }) {
  const each = Object.fromEntries(Object.entries(sums).map(([key, sum]) => [key, sum / done]));
  const hotShare = updated ? hot / updated : null;
  return { name, count, done, changed, ...each, statements: statements / done, hotShare };
}
