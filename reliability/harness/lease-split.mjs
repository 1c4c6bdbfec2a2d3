// Two primaries at once: a standby was promoted while the primary lives on. The feed of process B stays at the old one, and
// its pool comes to the new one, where sessions that B remembers are ended by process A.
import { setTimeout as delay } from 'node:timers/promises';
import { withStandby } from '../faults/private-server.mjs';
import { SlowFeed } from '../faults/slow-feed.mjs';
import { Tally, withApplication } from './harness.mjs';
import { LeaseField, OPTIONS, REFUSED, statusOf, untilFresh } from './lease-field.mjs';

const TIMES = 6;
const SESSIONS = 40;
/** A process compares the servers of its feed and its pool once a second; as long again for a busy machine. */
const COMPARED_EVERY_MS = 1_000;
const BOUND_MS = 2 * COMPARED_EVERY_MS;
const WATCHED_MS = 1_000;
const CAUGHT_UP = '(SELECT bool_and(replay_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication)';

/** @returns figures and faults: what B accepts, of ends that were acknowledged after its pool had moved */
export function splitBrain({ cache, plant }) {
  const tally = new Tally();
  tally.latest = 0;
  return withStandby(async (old, next) => {
    const setup = { kind: 'postgres', server: old.url, processes: 0, users: 1, plant, cache, options: OPTIONS };
    return withApplication(setup, async ({ source, launch }) => {
      const { type, url, poolSize } = source.options;
      const newUrl = url.replace(`:${old.port}/`, `:${next.port}/`);
      const start = (pool, feed) =>
        launch({ database: { type, url: pool, poolSize }, cache: { ...cache, url: feed }, logLevels: [] });
      const pool = await SlowFeed.open(url);
      try {
        const b = await start(pool.url, url);
        const times = plant ? 1 : TIMES;
        const tokens = await new LeaseField([b]).issue(Array.from({ length: (times + 1) * SESSIONS }, () => 'user0'));
        await old.until(CAUGHT_UP);
        await next.query('SELECT pg_promote(true, 60)');
        const a = await start(newUrl, newUrl);
        await untilFresh(a);
        const alive = tokens.splice(0, SESSIONS);
        while (tokens.length > 0) {
          pool.lead(url);
          await split({ a, b, alive, tokens: tokens.splice(0, SESSIONS), tally, move: () => pool.lead(newUrl) });
        }
      } finally {
        pool.close();
      }
      return verdictOf(tally);
    });
  });
}

/** Once: B remembers the sessions, its pool moves at whatever moment of that second, and A ends them at once. */
async function split({ a, b, alive, tokens, tally, move }) {
  const useAll = (list) => Promise.all(list.map((token) => statusOf(b, token)));
  await untilFresh(b);
  for (let time = 0; time < 2; time++) await useAll([...alive, ...tokens]);
  await delay(Math.random() * COMPARED_EVERY_MS);
  move();
  const moved = performance.now();
  const answers = await Promise.all(tokens.map((token) => a.send('POST', '/auth/logout', { token })));
  const ended = tokens.filter((_, index) => answers[index].status === 204);
  tally.add('acknowledged', ended.length);
  tally.add('endsRefused', tokens.length - ended.length);
  for (;;) {
    const sent = performance.now() - moved;
    const accepted = (await useAll(ended)).filter((status) => status === 200).length;
    tally.add(sent > BOUND_MS ? 'accepted' : 'acceptedWithin', accepted);
    if (accepted > 0) tally.latest = Math.max(tally.latest, sent);
    if (sent > BOUND_MS + WATCHED_MS) break;
    const others = await useAll(alive);
    tally.add('refusedAlive', others.filter((status) => status === REFUSED).length);
    tally.add('unavailable', others.filter((status) => status >= 500).length);
  }
  if ((await b.ask('lease')).fresh) tally.add('freshApart');
}

function verdictOf(tally) {
  const of = (...names) => Object.fromEntries(names.map((one) => [one, tally.of(one)]));
  const within = tally.of('acceptedWithin');
  return {
    figures: { ...of('acknowledged', 'acceptedWithin', 'unavailable'), latestMs: Math.round(tally.latest) },
    faults: {
      ...of('accepted', 'refusedAlive', 'endsRefused', 'freshApart'),
      // Where memory took no part, nothing is proven.
      withoutHits: within > 0 ? 0 : 1,
    },
  };
}
