// A database that is frozen, cut off or locked by somebody else: 503 in time, public routes as ever, recovery by itself.
import { setTimeout as delay } from 'node:timers/promises';
import { Device, Ledger, leftOver, Pulse, recovery, sweep, traffic } from '../harness/devices.mjs';
import { withGate } from '../faults/gate.mjs';
import { main, rounds, Tally } from '../harness/harness.mjs';
import { withPrivateServer } from '../faults/private-server.mjs';

const FULL = { rate: 50, devices: 300, lasting: 20_000, shut: 10_000 };
const SHORT = { rate: 20, devices: 100, lasting: 3_000, shut: 500 };
const POOL_SIZE = 4;
const CALM_MS = 3_000;
/** What a public route may take on a machine that does this much else; on a busier one, twice what it took in calm. */
const PUBLIC_LIMIT_MS = 500;

/** Each trouble: how it begins and how it ends. */
const TROUBLES = {
  frozen: ({ server }) => {
    server.freeze();
    return () => server.thaw();
  },
  // Statements arrive, answers do not; then the way is shut for a while.
  cutOff: ({ gate, shut }) => {
    gate.turn('silent');
    return async () => {
      gate.turn('shut');
      await delay(shut);
      gate.turn('open');
    };
  },
  rowsLocked: ({ source }) => hold(source, ['BEGIN', 'SELECT id FROM jwt_knox_sessions FOR UPDATE'], 'ROLLBACK'),
  tableLocked: ({ source, server }) =>
    server.kind === 'postgres'
      ? hold(source, ['BEGIN', 'LOCK TABLE jwt_knox_sessions IN ACCESS EXCLUSIVE MODE'], 'ROLLBACK')
      : hold(source, ['LOCK TABLES jwt_knox_sessions WRITE'], 'UNLOCK TABLES'),
};

await main('frozen database', {
  databases: ['postgres', 'mariadb'],
  plants: [
    ['no-deadline', 'postgres'],
    ['public-route-that-asks', 'mariadb'],
  ],
  run: (kind, { short, plant }) =>
    withPrivateServer(kind, {}, (server) => {
      const storageTimeout = plant === 'no-deadline' ? '1m' : '2s';
      const options = { accessToken: { ttl: '1h' }, refreshToken: { reuseInterval: 0 }, storageTimeout };
      const database = { poolSize: POOL_SIZE };
      const setup = { kind, server: server.url, processes: 0, users: 100, options, database };
      return withGate(server, setup, async ({ gate, source, launch }) => {
        const nodes = await Promise.all([launch({ logLevels: [] }), launch({ logLevels: [] })]);
        return prove({ server, gate, nodes, source, plant, ...(short ? SHORT : FULL) });
      });
    }),
});

/** What another client of the database does that keeps its locks. */
async function hold(source, statements, release) {
  const runner = source.createQueryRunner();
  for (const statement of statements) await runner.query(statement);
  return async () => {
    await runner.query(release);
    await runner.release();
  };
}

async function prove(setup) {
  const { nodes, source, plant } = setup;
  const tally = new Tally();
  for (const node of nodes) node.agent.maxSockets = Infinity;
  const witness = await nodes[0].login('user0');
  const asks = plant === 'public-route-that-asks' && ['/auth/verify', witness.access_token];
  const pulse = new Pulse(nodes, ...(asks || []));
  const ledger = new Ledger(tally, source, pulse);
  const devices = Array.from({ length: setup.devices }, (_, i) => new Device(`user${i % 100}`, ledger));
  await rounds(devices.length, 4, (index) => devices[index].login(nodes[index % 2]));
  const load = (during) => traffic({ nodes, devices, ledger, rate: setup.rate, during });

  const calmSince = performance.now();
  await load(delay(CALM_MS));
  const limit = Math.max(PUBLIC_LIMIT_MS, 2 * pulse.slowest(performance.now() - calmSince));
  const recoveries = [];
  const troubledSince = performance.now();
  for (const begin of Object.values(TROUBLES))
    await load(trouble(begin, { ...setup, witness, pulse, tally, recoveries }));
  const publicAnswers = pulse.since(troubledSince);

  await sweep(nodes, devices, ledger);
  await pulse.stop();
  const orphans = await leftOver(source, [witness, ...devices.map((one) => one.tokens)], plant ? 0 : undefined);
  const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
  return {
    figures: {
      ...of('requests', 'logins', 'refreshes', 'logouts', 'unavailable'),
      slowest: ledger.slowest,
      slowestPublic: Math.max(...publicAnswers.map((one) => one.took)),
      recoveries: recoveries.map((one) => one.took),
    },
    faults: {
      ...of('false401', 'revokedAccepted', 'lostWrites', 'late', 'wrongAnswers', 'noVerdict', 'starved', 'unnoticed'),
      slowPublic: publicAnswers.filter((one) => one.took > limit || one.status >= 300).length,
      slowRecoveries: recoveries.filter((one) => one.isLate).length,
      orphans,
    },
  };
}

/** A trouble from its beginning until every process serves again. */
async function trouble(begin, { nodes, lasting, witness, pulse, tally, recoveries, ...setup }) {
  const before = tally.of('unavailable');
  const end = await begin(setup);
  await delay(lasting);
  await end();
  if (tally.of('unavailable') === before) tally.add('unnoticed');
  const back = performance.now();
  recoveries.push(...(await Promise.all(nodes.map((node) => recovery(node, witness, back, pulse)))));
  await delay(1_000);
}
