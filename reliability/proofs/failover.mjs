// A standby takes over from a PostgreSQL that was killed or has fallen silent, under traffic: with synchronous replication
// nothing acknowledged is lost, nothing that ended lives and nobody is refused falsely; with asynchronous, `revokeBefore` ends
// what came back.
import { setTimeout as delay } from 'node:timers/promises';
import { withPrimaryFinder } from '../faults/primary-finder.mjs';
import { withStandby } from '../faults/private-server.mjs';
import { Device, Ledger, leftOver, Pulse, sweep, traffic } from '../harness/devices.mjs';
import { argument, main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { untilFresh } from '../harness/lease-field.mjs';

/** `--rate 100`: on a machine that has other work, the processes have to keep up too. */
const FULL = { rate: Number(argument('--rate') ?? 200), devices: 1_000, takeOvers: 20 };
const SHORT = { rate: 40, devices: 200, takeOvers: 1 };
const CONTROL = { rate: 40, devices: 40 };
const USERS = 50;
/** How long an answer takes is told and not judged: the user provider's own statements wait too, and `freeze` is the proof. */
const DEADLINE_MS = Infinity;
/** From the promotion to the first write of every process. */
const WRITES_AGAIN_MS = 5_000;
/** What the standby misses before it takes over, where replication is asynchronous. */
const MISSED_MS = 1_000;
/** One device of so many logs out meanwhile. */
const ENDED_PART = 4;

const SETUPS = {
  synchronous: { prove: proveSynchronous },
  'synchronous, lease cache': { prove: proveSynchronous, cache: { feed: 'postgres', users: true } },
  asynchronous: { prove: proveAsynchronous },
};

await main('fail-over', {
  databases: Object.keys(SETUPS),
  plants: [['no-revoke-before', 'asynchronous']],
  run: (name, { short, plant }) =>
    withStandby((primary, standby) =>
      withPrimaryFinder([primary, standby], (server) => {
        const { prove, cache } = SETUPS[name];
        const options = { accessToken: { ttl: '1h' }, refreshToken: { reuseInterval: 0 } };
        // What applications set for statements of their own: docs/08-storage-and-migrations.md.
        const extra = { query_timeout: 1_000, idleTimeoutMillis: 10_000 };
        const database = ({ url }) => ({ url, connectTimeoutMS: 1_500, extra });
        const setup = { kind: 'postgres', server, processes: 0, users: USERS, options, plant, cache, database };
        return withApplication(setup, async ({ source, launch }) => {
          const nodes = await Promise.all([launch({ logLevels: [] }), launch({ logLevels: [] })]);
          if (cache) for (const node of nodes) await untilFresh(node);
          const field = await begin(nodes, source, plant ? CONTROL : short ? SHORT : FULL);
          return prove({ ...field, primary, standby, cache, plant });
        });
      }),
    ),
});

async function begin(nodes, source, size) {
  for (const node of nodes) node.agent.maxSockets = Infinity;
  const tally = new Tally();
  const pulse = new Pulse(nodes);
  const ledger = new Ledger(tally, source, pulse, DEADLINE_MS);
  const devices = Array.from({ length: size.devices }, (_, i) => new Device(`user${i % USERS}`, ledger));
  await rounds(size.devices, 8, (index) => devices[index].login(nodes[index % 2]));
  return { nodes, source, size, tally, pulse, ledger, devices };
}

async function proveSynchronous({ nodes, source, size, tally, pulse, ledger, devices, primary, standby, cache }) {
  const pair = { primary, standby };
  const writers = [];
  const strike = async () => {
    for (let i = 0; i < size.takeOvers; i++) {
      await synchronize(pair);
      await delay(1_000 + Math.random() * 1_000);
      const back = await takeOver(pair, i % 2 === 1);
      writers.push(...(await Promise.all(nodes.map((node) => writesAgain(node, back, pulse)))));
      if (i + 1 < size.takeOvers) await pair.standby.follow(pair.primary);
    }
    await delay(1_000);
  };
  await traffic({ nodes, devices, ledger, rate: size.rate, during: strike() });
  await sweep(nodes, devices, ledger);
  await pulse.stop();
  const orphans = await leftOver(source, [...writers, ...devices].map((one) => one.tokens)); // prettier-ignore
  const hits =
    cache && (await Promise.all(nodes.map((node) => node.ask('lease')))).reduce((sum, one) => sum + one.hits, 0);
  const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
  return {
    figures: {
      takeOvers: size.takeOvers,
      ...of('requests', 'logins', 'refreshes', 'logouts', 'unavailable'),
      ...(cache && { hits }),
      slowest: ledger.slowest,
      writesAgain: writers.map((one) => one.took),
    },
    faults: {
      ...of('false401', 'revokedAccepted', 'lostWrites', 'wrongAnswers', 'noVerdict', 'starved'),
      slowWriters: writers.filter((one) => one.isLate).length,
      orphans,
      withoutHits: hits === 0 ? 1 : 0,
    },
  };
}

/** From now on the primary acknowledges nothing that its standby does not have on its disk. */
async function synchronize({ primary }) {
  await primary.set('synchronous_standby_names', 'standby');
  await primary.until("EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync')");
}

/**
 * The primary is killed, or falls silent and is killed before its successor takes writes, for there must never be two. They
 * change their names. Resolves with the moment of the promotion.
 */
async function takeOver(pair, isSilent) {
  const { primary: old, standby: next } = pair;
  if (isSilent) {
    old.freeze();
    await delay(1_000 + Math.random() * 2_000);
  }
  await old.kill();
  await delay(Math.random() * 1_000);
  await next.query('SELECT pg_promote(true, 60)');
  Object.assign(pair, { primary: next, standby: old });
  return performance.now();
}

/** From the promotion to the first login of the process, in ms. */
async function writesAgain(node, back, pulse) {
  for (;;) {
    const json = { username: 'user0', password: 'password' };
    const { status, body } = await node.send('POST', '/auth/login', { json });
    const took = Math.round(performance.now() - back);
    const isLate = took > WRITES_AGAIN_MS + pulse.taken(node, took);
    if (status === 200 || isLate) return { took, isLate, tokens: status === 200 ? body : null };
    await delay(10);
  }
}

/** The standby misses the last writes of its primary, and takes over: sessions that were ended are back, until they all end. */
async function proveAsynchronous({ nodes, size, tally, pulse, ledger, devices, primary, standby, plant }) {
  const pair = { primary, standby };
  await primary.until('(SELECT bool_and(replay_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication)');
  await standby.set('primary_conninfo', '');
  await primary.until('NOT EXISTS (SELECT 1 FROM pg_stat_replication)');
  await traffic({ nodes, devices, ledger, rate: size.rate, during: delay(MISSED_MS) });
  const last = devices.filter((one, index) => one.tokens && index % ENDED_PART === 0);
  await rounds(last.length, 8, (index) => last[index].logout(nodes[index % 2]));
  const before = tally.of('revokedAccepted') + tally.of('false401');

  const back = await takeOver(pair, false);
  const writers = await Promise.all(nodes.map((node) => writesAgain(node, back, pulse)));
  const cameBack = await accepted(nodes, ledger.ended);
  const held = devices.flatMap((one) => one.tokens ?? []);
  if (!plant) await nodes[0].ask('revokeBefore', new Date());
  await pulse.stop();
  const again = await Promise.all(nodes.map((node) => node.login('user1')));
  const revokedAccepted = await accepted(nodes, ledger.ended);
  if (plant) return { faults: { revokedAccepted } };
  return {
    figures: { ended: ledger.ended.length, cameBack, writesAgain: writers.map((one) => one.took) },
    faults: {
      before,
      revokedAccepted,
      // Nobody knows which of the others are whole: they all log in again.
      alive: await accepted(nodes, held),
      loginRefused: again.length - (await accepted(nodes, again)),
      slowWriters: writers.filter((one) => one.isLate).length,
      // Where nothing was lost nothing is proven.
      nothingLost: cameBack > 0 ? 0 : 1,
    },
  };
}

/** How many of these pairs are accepted, by their access token, on either process. */
async function accepted(nodes, pairs) {
  let count = 0;
  await rounds(pairs.length, 8, async (index) => {
    if (await nodes[index % nodes.length].isAlive(pairs[index].access_token)) count++;
  });
  return count;
}
