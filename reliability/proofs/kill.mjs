// `kill -9` of the database server under traffic: nothing acknowledged is lost, nothing ended lives, 503 meanwhile.
import { setTimeout as delay } from 'node:timers/promises';
import { Device, Ledger, leftOver, Pulse, recovery, sweep, traffic } from '../harness/devices.mjs';
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { withPrivateServer } from '../faults/private-server.mjs';

const FULL = { rate: 200, devices: 800, kills: { postgres: 10, mariadb: 3 } };
const SHORT = { rate: 50, devices: 200, kills: { postgres: 2, mariadb: 2 } };
const USERS = 100;

await main('killed database', {
  databases: ['postgres', 'mariadb'],
  plants: [
    ['unflushed', 'postgres'],
    ['unflushed', 'mariadb'],
    ['naive-no-row', 'postgres'],
  ],
  run: (kind, { short, plant }) =>
    withPrivateServer(kind, { durable: plant !== 'unflushed' }, (server) => {
      // Every request that refreshes rotates, so that lost answers meet every rule.
      const options = { accessToken: { ttl: '1h' }, refreshToken: { reuseInterval: 0 } };
      const setup = { kind, server: server.url, processes: 0, users: USERS, options, plant };
      return withApplication(setup, async ({ source, launch }) => {
        const nodes = await Promise.all([launch({ logLevels: [] }), launch({ logLevels: [] })]);
        return prove(server, nodes, source, { ...(short ? SHORT : FULL), plant });
      });
    }),
});

async function prove(server, nodes, source, size) {
  const tally = new Tally();
  for (const node of nodes) node.agent.maxSockets = Infinity;
  const pulse = new Pulse(nodes);
  const ledger = new Ledger(tally, source, pulse);
  const kills = size.kills[server.kind];
  const devices = Array.from({ length: size.devices }, (_, i) => new Device(`user${i % USERS}`, ledger));
  await rounds(size.devices, 8, (index) => devices[index].login(nodes[index % 2]));
  const witness = await nodes[0].login('user0');

  const recoveries = [];
  const strike = async () => {
    for (let i = 0; i < kills; i++) {
      await delay(2_000 + Math.random() * 2_000);
      await server.kill();
      await delay(Math.random() * 3_000);
      const back = await server.start();
      recoveries.push(...(await Promise.all(nodes.map((node) => recovery(node, witness, back, pulse)))));
    }
    await delay(2_000);
  };
  await traffic({ nodes, devices, ledger, rate: size.rate, during: strike() });

  await sweep(nodes, devices, ledger);
  await pulse.stop();
  const orphans = await leftOver(source, [witness, ...devices.map((one) => one.tokens)], size.plant ? 0 : undefined);
  return report({ tally, ledger, pulse, kills, recoveries, orphans });
}

function report({ tally, ledger, pulse, kills, recoveries, orphans }) {
  const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
  return {
    figures: {
      kills,
      ...of('requests', 'logins', 'refreshes', 'logouts', 'unavailable'),
      slowest: ledger.slowest,
      slowestPublic: pulse.slowest(),
      recovery: Math.max(...recoveries.map((one) => one.took)),
    },
    faults: {
      ...of('false401', 'revokedAccepted', 'lostWrites', 'late', 'wrongAnswers', 'noVerdict', 'starved'),
      slowRecoveries: recoveries.filter((one) => one.isLate).length,
      orphans,
    },
  };
}
