// Behind PgBouncer in transaction mode everything works, with few connections for many clients; prepared statements that it
// loses are told of once and given up, and no request fails. The feed of the lease cache needs an address of its own.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { withPooler } from '../faults/pooler.mjs';
import { Device, Ledger, leftOver, Pulse, sweep, traffic } from '../harness/devices.mjs';
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { statusOf, untilFresh } from '../harness/lease-field.mjs';

const { SERVERS } = createRequire(import.meta.url)('../../.cache/host');

const USERS = 40;
const FULL = { rate: 150, devices: 400, ms: 30_000, ends: 400 };
const SHORT = { rate: 50, devices: 24, ms: 3_000, ends: 24 };
const UNPREPARED = '[jwt-knox:statements-unprepared]';
const REFUSED_FEED = 'another server process answers than listens, as behind a pooler';
const QUIET = { logLevels: ['warn', 'error', 'fatal'], captured: true };

const SETUPS = {
  prepared: { preparedStatements: true },
  'lease cache': { cache: { feed: 'postgres', users: true } },
  unprepared: {},
};

await main('pooler', {
  databases: Object.keys(SETUPS),
  plants: [['naive-prepared', 'prepared']],
  run: (name, { short, plant }) =>
    withPooler(SERVERS.postgres, (through) => {
      const { cache, preparedStatements } = SETUPS[name];
      const options = { accessToken: { ttl: '1h' }, refreshToken: { reuseInterval: 0 } };
      const database = ({ url }) => ({ url: through(url) });
      const setup = { kind: 'postgres', processes: 0, users: USERS, options, plant, cache, database };
      const size = short ? SHORT : FULL;
      return withApplication(setup, ({ source, launch }) =>
        cache
          ? proveFeed({ source, launch, cache, size })
          : prove({ source, launch: () => launch({ ...QUIET, preparedStatements }), preparedStatements, plant, size }),
      );
    }),
});

/** Traffic of all kinds, and every other route once. */
async function prove({ source, launch, preparedStatements, plant, size }) {
  const tally = new Tally();
  const nodes = await Promise.all([launch(), launch()]);
  const pulse = new Pulse(nodes);
  const ledger = new Ledger(tally, source, pulse);
  const devices = Array.from({ length: size.devices }, (_, i) => new Device(`user${i % USERS}`, ledger));
  await rounds(size.devices, 8, (index) => devices[index].login(nodes[index % 2]));
  await traffic({ nodes, devices, ledger, rate: size.rate, during: delay(size.ms) });
  if (!plant) await sweep(nodes, devices, ledger);
  await pulse.stop();
  if (plant) return { faults: { unavailable: tally.of('unavailable') } };
  const held = devices.map((one) => one.tokens);
  const orphans = await leftOver(source, held, 1_000);
  await tour(nodes, tally);
  const told = nodes.map((node) => node.log.split(UNPREPARED).length - 1);
  const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
  return {
    figures: { ...of('requests', 'logins', 'refreshes', 'logouts', 'routes'), slowest: ledger.slowest, told },
    faults: {
      // Nothing is out of order here: nothing may be unavailable.
      ...of('unavailable', 'false401', 'revokedAccepted', 'lostWrites', 'wrongAnswers', 'noVerdict', 'wrongRoutes'),
      orphans,
      untold: told.filter((times) => times !== (preparedStatements ? 1 : 0)).length,
    },
  };
}

/** What devices do not do: lists, other ends, what operators do. */
async function tour(nodes, tally) {
  const [one, other] = nodes;
  const expect = async (node, method, path, message, status) => {
    const answer = await node.send(method, path, message);
    tally.add(answer.status === status ? 'routes' : 'wrongRoutes');
    if (answer.status !== status) console.error(`${method} ${path} answered ${answer.status}`, answer.body?.code);
    return answer.body;
  };
  const admin = { token: (await one.login('admin')).access_token };
  const [first, second, third] = await Promise.all([one, other, one].map((node) => node.login('user0')));
  const token = first.access_token;
  await expect(other, 'GET', '/auth/sessions', { token }, 200);
  await expect(one, 'DELETE', `/auth/sessions/${second.session_id}`, { token }, 204);
  await expect(other, 'GET', '/auth/verify', { token: second.access_token }, 401);
  await expect(other, 'POST', '/auth/logout-other', { token }, 200);
  await expect(one, 'GET', '/auth/verify', { token: third.access_token }, 401);
  await expect(one, 'GET', '/auth/admin/statistics', admin, 200);
  await expect(other, 'POST', '/auth/admin/purge-expired', admin, 200);
  const again = await expect(one, 'POST', '/auth/reauthenticate', { token, json: { password: 'password' } }, 200);
  const fresh = again?.access_token ?? token;
  await expect(other, 'GET', '/auth/verify', { token: fresh }, 204);
  await expect(other, 'POST', '/auth/logout-all', { token: fresh }, 200);
  await expect(one, 'GET', '/auth/verify', { token: fresh }, 401);
  const late = await other.login('user0');
  await one.ask('revokeBefore', new Date());
  await expect(other, 'GET', '/auth/verify', { token: late.access_token }, 401);
}

/** Through the pooler the feed is refused at the start; with an address of its own memory answers, and forgets. */
async function proveFeed({ source, launch, cache, size }) {
  const tally = new Tally();
  const refusal = await launch({ ...QUIET, cache }).then(
    () => null,
    ({ message }) => message,
  );
  const direct = { ...cache, url: source.options.url };
  const nodes = await Promise.all([launch({ ...QUIET, cache: direct }), launch({ ...QUIET, cache: direct })]);
  for (const node of nodes) await untilFresh(node);
  const [a, b] = nodes;
  await rounds(size.ends, 8, async (index) => {
    const { access_token: token } = await a.login(`user${index % USERS}`);
    for (let i = 0; i < 3; i++) if ((await statusOf(b, token)) !== 200) tally.add('refusedAlive');
    const ended = await a.send('POST', '/auth/logout', { token });
    tally.add(ended.status === 204 ? 'ends' : 'endsRefused');
    for (const node of nodes) if ((await statusOf(node, token)) !== 401) tally.add('accepted');
  });
  const { hits } = await b.ask('lease');
  return {
    figures: { ends: tally.of('ends'), hits },
    faults: {
      accepted: tally.of('accepted'),
      refusedAlive: tally.of('refusedAlive'),
      endsRefused: tally.of('endsRefused'),
      feedThroughPooler: refusal === null ? 1 : 0,
      untold: refusal?.includes(REFUSED_FEED) ? 0 : 1,
      withoutHits: hits > 0 ? 0 : 1,
    },
  };
}
