// What operators do over the whole table: statistics, and the purge beside traffic.
import { setTimeout as delay } from 'node:timers/promises';
import { repeated } from '../exchanges.mjs';
import { WrongAnswer } from '../load.mjs';
import { quantile } from '../statistics.mjs';
import { EXPIRED_EVERY } from './planted.mjs';
import { after, sendPaced } from './paced.mjs';

const RATE = 100;
const TOKENS = 5_000;
const LOOK_MS = 10;

/** @param runs `quiet` does the work, `touching` serves users meanwhile, each of whose requests also writes */
export async function measureUpkeep({ quiet, touching }, rows, calmMs) {
  const [server] = quiet.servers;
  const expired = Math.floor(rows / EXPIRED_EVERY);
  const statistics = await server.ask('upkeep', { name: 'statistics' });
  const { sessions } = statistics.result;
  if (sessions.expired !== expired)
    throw new WrongAnswer(`The statistics tell ${sessions.expired} of ${expired} expired.`);

  const exchange = repeated((await touching.servers[0].ask('prepare', { count: TOKENS })).requests);
  const { port } = touching.servers[0];
  const calm = await sendPaced(port, RATE, exchange, after(calmMs));
  let isOver = false;
  const purge = server.ask('upkeep', { name: 'purgeExpired' }).finally(() => (isOver = true));
  const [{ result: deleted, took }, busy, longestLock] = await Promise.all([
    purge,
    sendPaced(port, RATE, exchange, () => isOver),
    watchLocks(quiet.database, () => isOver),
  ]);
  if (deleted !== expired) throw new WrongAnswer(`The purge deleted ${deleted} of ${expired} sessions.`);
  return {
    statistics: statistics.took, purge: took, deleted, longestLock,
    p99: { calm: quantile(calm.times, 0.99), purging: quantile(busy.times, 0.99) },
  }; // prettier-ignore
}

/** The longest wait for a lock that was seen, in ms; null where it is not told in time. */
async function watchLocks({ source, kind }, isOver) {
  if (kind !== 'postgres') return null;
  let longest = 0;
  while (!isOver()) {
    const [{ ms }] = await source.query(
      `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - state_change) * 1000), 0) AS ms
       FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    longest = Math.max(longest, Number(ms));
    await delay(LOOK_MS);
  }
  return longest;
}
