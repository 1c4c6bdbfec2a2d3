// On a Galera cluster whose nodes all take writes, an end that one of them acknowledged is final on the others, refreshes
// that meet on several have one successor, and a node that is lost answers "not now".
import { setTimeout as delay } from 'node:timers/promises';
import { withGalera } from '../faults/galera.mjs';
import { Device, Ledger, leftOver, Pulse, sweep, traffic } from '../harness/devices.mjs';
import { claimsOf, main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { RaceField } from '../harness/race-field.mjs';

const FULL = { refreshes: 2_000, ends: 5_000, races: 120, devices: 200, timed: 2_000 };
const SHORT = { refreshes: 20, ends: 60, races: 2, devices: 120, timed: 200 };
const CONTROL = { ends: 60 };
/** Before the requests that are timed, so that their code is compiled. */
const WARM_UP = 200;
const NODES = 3;
const USERS = 60;
const TABS = 20;
const RATE = 40;
/** How long an answer takes is told and not judged, as in `failover`: here the group decides who is in it. */
const DEADLINE_MS = Infinity;
const SYNCED = 'SET SESSION wsrep_sync_wait = 7';
/** Writes of others that the nodes take one after the other, before what the library wrote. */
const BALLAST = 'INSERT INTO ballast (text) SELECT REPEAT(seq, 40) FROM seq_1_to_4000';

/** What nothing but the library's own rows decides: users are read by the host, which sees to its own reads. */
const STARTS = ['login', 'a proof of the host', 'issue alone'];
const ENDS = ['logout-all', 'admin', 'revokeBefore'];
const REFRESH_ENDS = ['logout', 'logout with the refresh token', 'sessions/:id', 'logout-other', 'reauthenticate'];

await main('Galera', {
  databases: ['three nodes'],
  plants: [['naive-unsynced', 'three nodes']],
  run: (_, { short, plant }) =>
    withGalera(NODES, async (servers) => {
      const tally = new Tally();
      const options = { accessToken: { ttl: '6h' }, storageTimeout: '5s' };
      const setup = { kind: 'mariadb', server: servers[0].url, processes: 0, users: USERS, options, plant };
      return withApplication(setup, async ({ source, launch }) => {
        await synced(source);
        await source.query('CREATE TABLE ballast (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(400))');
        const nodes = await Promise.all(
          servers.map((server) =>
            launch({ logLevels: [], races: {}, database: databaseOn(server, source, servers[0]) }),
          ),
        );
        const field = { servers, source, nodes, tally, launch };
        if (plant) {
          await ends(field, CONTROL.ends);
          return { faults: { revokedAccepted: tally.of('revokedAccepted') + tally.of('falselyRefused') } };
        }
        return prove(field, short ? SHORT : FULL);
      });
    }),
});

function databaseOn({ port }, { options }, first) {
  return { type: 'mariadb', url: options.url.replace(`:${first.port}/`, `:${port}/`), poolSize: 10 };
}

/** The proof's own reads wait too. */
async function synced(source) {
  source.driver.pool.on('connection', (connection) => connection.query(SYNCED));
  await source.query(SYNCED);
}

async function prove(field, size) {
  const { nodes, source, tally } = field;
  const waits = await costs(field, size.timed);
  await refreshes(field, size.refreshes);
  await ends(field, size.ends);
  const races = new RaceField({ nodes, source, tally, users: USERS });
  for (const end of ENDS) for (const start of STARTS) await races.race({ start, end }, size.races);
  for (const end of REFRESH_ENDS) await races.race({ end }, size.races);
  const { figures, faults } = await loss(field, size.devices);
  const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
  return {
    figures: {
      refreshes: size.refreshes * TABS,
      ...of('ended', 'races', 'certain', 'requests', 'unavailable', 'isolated'),
      ...figures,
      ...waits,
    },
    faults: {
      ...of('refused', 'forked', 'revokedAccepted', 'falselyRefused', 'endsRefused', 'alive', 'rowsLeft', 'ownLost', 'errors'),
      ...of('false401', 'lostWrites', 'wrongAnswers', 'noVerdict', 'starved'),
      ...faults,
    },
  };
} // prettier-ignore

/**
 * What it costs to wait for the other nodes, while they have nothing else to do: by turns on two processes of one node, of
 * which one does not wait. One request at a time; of each hundred the tenth and the median, in ms.
 */
async function costs({ servers, source, launch }, count) {
  const database = databaseOn(servers[0], source, servers[0]);
  // Both are planted, so that they differ in nothing else: the first one's storage is the library's own.
  const ways = { waiting: 'naive-waiting', 'not waiting': 'naive-unsynced' };
  const sides = await Promise.all(
    Object.entries(ways).map(async ([way, plant]) => {
      const node = await launch({ plant, database });
      return { way, node, pair: await node.login('user0'), request: [], refresh: [] };
    }),
  );
  for (let round = 0; round < WARM_UP + count; round++) {
    for (const side of round % 2 ? sides : sides.toReversed()) {
      const requested = await side.node.send('GET', '/auth/verify', { token: side.pair.access_token });
      const refreshed = await side.node.refresh(side.pair.refresh_token);
      if (requested.status !== 204 || refreshed.status !== 200) throw new Error(`Answered ${requested.status}, ${refreshed.status}.`); // prettier-ignore
      side.pair = refreshed.body;
      if (round < WARM_UP) continue;
      side.request.push(requested.took);
      side.refresh.push(refreshed.took);
    }
  }
  for (const { node, pair } of sides) await node.send('POST', '/auth/logout', { token: pair.access_token });
  const of = ({ way, request, refresh }) => [way, { request: spreadOf(request), refresh: spreadOf(refresh) }];
  return { costs: Object.fromEntries(sides.map(of)) };
}

function spreadOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.1, 0.5].map((share) => Number(sorted[Math.floor(values.length * share)].toFixed(2)));
}

/** Tabs refresh one token at once, on all nodes: one successor a round. */
async function refreshes({ nodes, tally }, count) {
  await rounds(count, 2, async (index) => {
    const login = await nodes[index % NODES].login(`user${index % USERS}`);
    const answers = await Promise.all(
      Array.from({ length: TABS }, (_, tab) => nodes[tab % NODES].refresh(login.refresh_token)),
    );
    const good = answers.filter(({ status }) => status === 200).map(({ body }) => claimsOf(body.refresh_token));
    tally.add('refused', TABS - good.length);
    if (new Set(good.map((one) => one.token_key)).size !== 1 || good.some(({ gen }) => gen !== 1)) tally.add('forked');
  });
}

/** What one node ends is presented on the others, and what it begins, while all of them have more to do than keep up. */
async function ends({ nodes, source, tally }, count) {
  const over = new AbortController();
  const ballast = (async () => {
    while (!over.signal.aborted) {
      await source.query(BALLAST);
      await source.query('TRUNCATE ballast');
    }
  })();
  await rounds(count, 4, async (index) => {
    const [on, ...others] = [0, 1, 2].map((at) => nodes[(index + at) % NODES]);
    const pair = await on.login(`user${index % USERS}`);
    for (const other of others) if (!(await other.isAlive(pair.access_token))) tally.add('falselyRefused');
    const path = index % 2 === 0 ? '/auth/logout' : `/auth/sessions/${pair.session_id}`;
    const ended = await on.send(index % 2 === 0 ? 'POST' : 'DELETE', path, { token: pair.access_token });
    if (ended.status >= 300) return tally.add('endsRefused');
    tally.add('ended');
    const alive = await Promise.all(others.map((other) => other.isAlive(pair.access_token)));
    const renewed = await Promise.all(others.map((other) => other.refresh(pair.refresh_token)));
    tally.add('revokedAccepted', alive.filter(Boolean).length + renewed.filter(({ status }) => status < 300).length);
  });
  over.abort();
  await ballast;
}

/** One node is killed under traffic and comes back; then two, and the one that is left must not decide alone. */
async function loss({ servers, source, nodes, tally }, count) {
  for (const node of nodes) node.agent.maxSockets = Infinity;
  // What is left at the end is of those that come now.
  await source.query('DELETE FROM jwt_knox_sessions');
  const pulse = new Pulse(nodes);
  const ledger = new Ledger(tally, source, pulse, DEADLINE_MS);
  const devices = Array.from({ length: count }, (_, index) => new Device(`user${index % USERS}`, ledger));
  await rounds(count, 4, (index) => devices[index].login(nodes[index % NODES]));
  const strike = async () => {
    await delay(1_000);
    await servers[2].kill();
    await delay(3_000);
    await servers[2].start();
    await delay(2_000);
  };
  await traffic({ nodes, devices, ledger, rate: RATE, during: strike() });
  await sweep(nodes, devices, ledger);
  await alone({ servers, nodes, devices, tally });
  await sweep(nodes, devices, ledger);
  await pulse.stop();
  const orphans = await leftOver(source, devices.map((one) => one.tokens)); // prettier-ignore
  return { figures: { slowest: ledger.slowest }, faults: { orphans } };
} // prettier-ignore

/** Without the others, a node has no say: nobody is let in, and nobody is logged out. */
async function alone({ servers, nodes: [node], devices, tally }) {
  const { tokens } = devices.find((one) => one.tokens && !one.isEnding);
  await Promise.all([servers[1].kill(), servers[2].kill()]);
  const until = performance.now() + 20_000;
  let answer;
  do {
    await delay(200);
    answer = await node.send('GET', '/auth/verify', { token: tokens.access_token });
  } while (answer.status === 204 && performance.now() < until);
  for (const [method, path, message] of [
    ['GET', '/auth/verify', { token: tokens.access_token }],
    ['POST', '/auth/refresh', { json: { refresh_token: tokens.refresh_token } }],
    ['POST', '/auth/logout', { token: tokens.access_token }],
    ['POST', '/auth/login', { json: { username: 'user0', password: 'password' } }],
  ]) {
    const { status } = await node.send(method, path, message);
    tally.add(status === 503 ? 'isolated' : 'wrongAnswers');
    if (status !== 503) console.log(`     alone: ${path} answered ${status}`);
  }
  await servers[0].query("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'");
  for (const server of servers.slice(1)) await server.start();
}
