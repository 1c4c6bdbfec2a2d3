// Connections to the database that fall silent while new ones work, as after a fail-over or behind a NAT: they are closed,
// and the processes serve again within the deadline and 3 seconds.
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { withGate } from '../faults/gate.mjs';
import { withPrivateServer } from '../faults/private-server.mjs';
import { Device, Ledger, leftOver, Pulse, sweep, traffic } from '../harness/devices.mjs';
import { main, rounds, Tally } from '../harness/harness.mjs';

/** Little: on a machine with much else to do, what waited would be a queue for good, and each request in it too late. */
const RATE = 20;
/** More than can wait at once: a request with two deadlines, such as for the statistics, waits for 4.5 s. */
const DEVICES = 300;
const POOL_SIZE = 5;
const DEADLINE_MS = 2_000;
/** Within the deadline and this, every process serves again, and goes on. */
const BACK_MS = 3_000;
/** How long it must go on before the next outage. */
const CALM_MS = 1_000;
const PAUSE_MS = 50;
/** How long a server answers no new connection either. */
const MUTE_MS = 1_500;

/**
 * Each outage, and how many connections fall silent by it. Where some go on, nobody needs to meet one that does not: the
 * pools may give out the others until the silent ones, idle, are closed. `midway` needs TLS, of which a record breaks off.
 */
const OUTAGES = {
  all: { isTotal: true, befall: async (gate) => gate.silence() },
  half: { isTotal: false, befall: async (gate) => gate.silence({ every: 2 }) },
  // The server accepts, and answers nobody.
  mute: {
    isTotal: true,
    befall: async (gate) => {
      gate.admitAs('mute');
      const silent = gate.silence();
      await delay(MUTE_MS);
      gate.admitAs('open');
      return silent;
    },
  },
  midway: { isTotal: true, befall: async (gate) => gate.silence({ midway: true }) },
};
/** A control keeps what fell silent, until it has none left: at the first outage, if its pool had given out all of them. */
const PLANTED = { all: 3 };
const FULL = { ...Object.fromEntries(Object.keys(OUTAGES).map((name) => [name, 3])), all: 20 };
const SHORT = { all: 1, midway: 1 };
const VARIANTS = [
  { preparedStatements: false, tls: false },
  { preparedStatements: true, tls: true },
];

/** Adds up what the variants counted; of times, the greatest. */
function merged(results, member) {
  const all = results.map((result) => Object.entries(result[member])).flat();
  const sum = {};
  for (const [name, n] of all) sum[name] = name.endsWith('Ms') ? Math.max(sum[name] ?? 0, n) : (sum[name] ?? 0) + n;
  return sum;
}

function runVariant(kind, { preparedStatements, tls, counts, plant }) {
  return withPrivateServer(kind, { tls }, (server) => {
    const timeouts = { storageTimeout: `${DEADLINE_MS}ms`, adminTimeout: `${DEADLINE_MS}ms` };
    const options = { accessToken: { ttl: '1h' }, refreshToken: { reuseInterval: 0 }, ...timeouts };
    const setup = { kind, server: server.url, processes: 0, users: 100, options, plant };
    // See docs/08-storage-and-migrations.md, time-outs worth setting.
    const database = {
      poolSize: POOL_SIZE,
      ...(tls && { ssl: { rejectUnauthorized: false } }),
      ...(kind === 'postgres'
        ? { connectTimeoutMS: 1_500, extra: { idleTimeoutMillis: 1_000 } }
        : { connectTimeout: 1_500, extra: { maxIdle: 1, idleTimeout: 1_000 } }),
    };
    return withGate(server, { ...setup, database }, async ({ gate, source, launch }) => {
      const own = { logLevels: [], preparedStatements, usersDatabase: { type: kind, url: source.options.url } };
      const nodes = await Promise.all([launch(own), launch(own)]);
      const variant = `${kind}${preparedStatements ? ', prepared' : ''}${tls ? ', TLS' : ''}`;
      return prove({ gate, nodes, source, counts, plant, variant });
    });
  });
}

/** Remembers when what was answered with 503 had been sent. */
class TimedLedger extends Ledger {
  refusals = [];

  async send(...message) {
    const sent = performance.now();
    const answer = await super.send(...message);
    if (!answer) this.refusals.push(sent);
    return answer;
  }
}

/** A device whose user looks at their sessions too, and whose support at all of them. */
class Visitor extends Device {
  act(node) {
    const dice = Math.random();
    if (!this.tokens || this.isEnding || dice >= 0.2) return super.act(node);
    if (dice < 0.1) return this.look(node, '/auth/sessions', this.tokens);
    // The guard has a deadline, and the statistics have one of their own.
    return this.look(node, '/auth/admin/statistics', Visitor.admin, 2 * DEADLINE_MS + 500);
  }

  async look(node, path, { access_token: token }, allowed = undefined) {
    const answer = await this.ledger.send(node, 'GET', path, { token }, allowed);
    if (answer && answer.status !== 200) this.ledger.wrong('false401', path, answer);
  }
}

async function prove({ gate, nodes, source, counts, plant, variant }) {
  const tally = new Tally();
  for (const node of nodes) node.agent.maxSockets = Infinity;
  const pulse = new Pulse(nodes);
  const ledger = new TimedLedger(tally, source, pulse);
  Visitor.admin = await nodes[0].login('admin');
  const devices = Array.from({ length: DEVICES }, (_, i) => new Visitor(`user${i % 100}`, ledger));
  await rounds(devices.length, 4, (index) => devices[index].login(nodes[index % 2]));

  const trials = [];
  const during = async () => {
    await delay(CALM_MS);
    for (const [name, count] of Object.entries(counts))
      for (let i = 0; i < count; i++) {
        const trial = await suffer(name, { nodes, gate, ledger, pulse, source });
        trials.push({ number: trials.length + 1, name, ...trial });
        if (plant && trial.relapses > 0) return;
      }
  };
  await traffic({ nodes, devices, ledger, rate: RATE, during: during() });
  // A storage that is gone for good would make every further look fail too.
  if (!plant) await sweep(nodes, devices, ledger);
  await pulse.stop();
  const orphans = plant ? 0 : await leftOver(source, [Visitor.admin, ...devices.map((one) => one.tokens)]);
  const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
  const faults = { untouched: 0, unnoticed: 0, relapses: 0, leakedConnections: 0 };
  for (const trial of trials) judge(trial, nodes.length * POOL_SIZE, faults, variant);
  return {
    figures: {
      outages: trials.length,
      unnoticedHalves: trials.filter(({ name, refused }) => !OUTAGES[name].isTotal && refused === 0).length,
      ...of('requests', 'logins', 'refreshes', 'logouts', 'unavailable'),
      backMs: Math.max(...trials.map((trial) => trial.back)),
      mostConnections: Math.max(...trials.map((trial) => trial.connections)),
      // What the machine took for a route without storage: answers are forgiven as much.
      publicMs: pulse.slowest(),
    },
    faults: {
      ...of('false401', 'revokedAccepted', 'lostWrites', 'late', 'wrongAnswers', 'noVerdict', 'starved'),
      ...faults,
      orphans,
    },
  };
}

/** Adds to `faults` what an outage shows of them, and says of which outage that is. */
function judge(trial, places, faults, variant) {
  const found = {
    untouched: trial.silent === 0 ? 1 : 0,
    unnoticed: OUTAGES[trial.name].isTotal && trial.refused === 0 ? 1 : 0,
    relapses: trial.relapses,
    leakedConnections: Math.max(0, trial.connections - places),
  };
  for (const [fault, count] of Object.entries(found)) {
    if (count === 0) continue;
    faults[fault] = fault === 'leakedConnections' ? Math.max(faults[fault], count) : faults[fault] + count;
    console.error(
      `${fault}: ${count} in outage ${trial.number}, "${trial.name}" (${variant}): ${JSON.stringify(trial)}`,
    );
  }
}

/** One outage, and what was refused because of it: none that was sent later than allowed. */
async function suffer(name, { nodes, gate, ledger, pulse, source }) {
  const first = ledger.refusals.length;
  const began = performance.now();
  const connecting = new Connecting(source);
  await fillPools(nodes);
  const outage = OUTAGES[name].befall(gate);
  // At once, so that requests meet every silent connection before the pools close those that are idle.
  const met = fillPools(nodes);
  const silent = await outage;
  const ended = performance.now();
  const allowed = () => DEADLINE_MS + BACK_MS + pulse.slowest(performance.now() - began) + connecting.slowest;
  // What the machine takes is forgiven: however much that is, a time remains in which nothing may be refused.
  while (performance.now() < ended + allowed() + CALM_MS) await delay(PAUSE_MS);
  const [until, calm] = [performance.now(), ended + allowed()];
  await connecting.stop();
  // What was sent until now is answered.
  const [unanswered] = await Promise.all([met, delay(DEADLINE_MS + CALM_MS)]);
  const refusals = ledger.refusals.slice(first).filter((sent) => sent <= until);
  return {
    silent,
    refused: refusals.length + unanswered,
    relapses: refusals.filter((sent) => sent > calm).length,
    back: Math.round(Math.max(0, ...refusals) - ended),
    connections: await connectionsThrough(gate, source),
  };
}

/** What a connection to the database and a statement on it take beside all that, in ms: that is the machine's, too. */
class Connecting {
  slowest = 0;
  isOver = false;

  constructor({ options }) {
    this.running = this.follow(options);
    this.running.catch(() => undefined);
  }

  async follow({ type, url }) {
    while (!this.isOver) {
      const began = performance.now();
      const source = await new DataSource({ type, url, poolSize: 1 }).initialize();
      await source.query('SELECT 1');
      await source.destroy();
      this.slowest = Math.max(this.slowest, Math.round(performance.now() - began));
      await delay(PAUSE_MS);
    }
  }

  async stop() {
    this.isOver = true;
    await this.running;
  }
}

/**
 * Every connection that a process may have is open: whoever keeps a silent one back soon has none left.
 * @returns how many requests met one that is silent
 */
async function fillPools(nodes) {
  const { access_token: token } = Visitor.admin;
  const burst = Array.from({ length: 4 * POOL_SIZE }, (_, i) =>
    nodes[i % nodes.length].send('GET', '/auth/verify', { token }),
  );
  return (await Promise.all(burst)).filter(({ status }) => status === 503).length;
}

/** The connections that the server has, of all that ever came through the gate. */
async function connectionsThrough(gate, source) {
  const isPostgres = source.options.type === 'postgres';
  const rows = await source.query(
    isPostgres
      ? 'SELECT client_port AS port FROM pg_stat_activity WHERE client_port > 0'
      : "SELECT SUBSTRING_INDEX(HOST, ':', -1) AS port FROM information_schema.PROCESSLIST WHERE HOST LIKE '%:%'",
  );
  return rows.filter(({ port }) => gate.ports.has(Number(port))).length;
}

await main('silent connections', {
  databases: ['postgres', 'mariadb'],
  plants: [
    ['naive-waiting', 'postgres'],
    ['naive-waiting', 'mariadb'],
    ['naive-release', 'postgres'],
    ['naive-release', 'mariadb'],
  ],
  run: async (kind, { short, plant }) => {
    const counts = plant ? PLANTED : short ? SHORT : FULL;
    const variants = plant ? VARIANTS.slice(0, 1) : short ? VARIANTS.slice(1) : VARIANTS;
    const results = [];
    for (const variant of variants) results.push(await runVariant(kind, { ...variant, counts, plant }));
    return { figures: merged(results, 'figures'), faults: merged(results, 'faults') };
  },
});
