// Hours of traffic of all kinds on two processes with a lease cache, and every half a minute something befalls one of them:
// its feed, its loop, the process itself, or the database server.
import { setTimeout as delay } from 'node:timers/promises';
import { Random, seedOf } from '../attacks/random.mjs';
import { withPrivateServer } from '../faults/private-server.mjs';
import { Ledger, Pulse, sweep, traffic } from './devices.mjs';
import { rounds, Tally } from './harness.mjs';
import { LEASE_FAULTS, Trial } from './lease-faults.mjs';
import { untilFresh, withLease } from './lease-field.mjs';
import { SoakDevice } from './soak-device.mjs';

const RATE = 40;
const DEVICES = 240;
const EXPIRED = 200;
/** From the end of one fault to the next one, in ms. */
const PAUSE = { least: 20_000, most: 40_000 };
const SHORT_PAUSE = { least: 500, most: 1_500 };
/** Memory fills up, and code is compiled, in this part of the time. */
const WARM_PART = 0.2;
/** Longer than pools keep connections that nobody uses. */
const REST_MS = 15_000;
/** What garbage that is not collected, and fragments, may come to; and a connection that is about to be closed. */
const MORE = { heapMb: 10, rssMb: 40, connections: 2 };
/** What has ended is used again, at random, as long as anybody may remember it. */
const MOST_ENDED = 2_000;
const CACHE = { feed: 'postgres', users: true, maxEntries: 1_000 };
/** Of the database: no more than these can be remembered. */
const NAMES = Object.keys(LEASE_FAULTS).filter((name) => LEASE_FAULTS[name].feeds.includes('postgres'));

const seed = seedOf();

/** @returns figures and faults of so many minutes; with a planted fault, of one of what may happen */
export function soak({ minutes, plant, names = NAMES }) {
  console.log(`     seed ${seed}`);
  return withPrivateServer('postgres', {}, (server) => {
    const setup = { cache: CACHE, users: DEVICES + 1, plant, proxied: true, server: server.url };
    return withLease({ ...setup, execArgv: ['--expose-gc'] }, async (field) => {
      const run = await Soak.begin(field, server, plant ? SHORT_PAUSE : PAUSE, names);
      await run.go(minutes * WARM_PART);
      const before = await run.measure();
      await run.go(minutes * (1 - WARM_PART));
      await sweep(field.nodes, run.devices, run.ledger);
      const after = await run.measure();
      await run.pulse.stop();
      return run.verdict(before, after);
    });
  });
}

class Soak {
  slowestFresh = 0;
  happened = {};
  bag = [];
  random = new Random(seed);

  static async begin(field, server, pause, names) {
    const begun = Object.assign(new Soak(), { field, server, pause, names });
    for (const node of field.nodes) node.agent.maxSockets = Infinity;
    begun.tally = new Tally();
    begun.pulse = new Pulse(field.nodes);
    // How long an answer takes is told and not judged: a process that is stopped answers late.
    begun.ledger = new Ledger(begun.tally, field.source, begun.pulse, Infinity);
    begun.trial = new Trial(field, new Tally());
    const ofTraffic = new Random(seed, 1);
    begun.chance = () => ofTraffic.next();
    begun.devices = Array.from(
      { length: DEVICES },
      (_, index) => new SoakDevice(`user${index + 1}`, begun.ledger, field.nodes, ofTraffic),
    );
    await rounds(DEVICES, 8, (index) => begun.devices[index].login(field.nodes[index % 2]));
    begun.admin = (await field.nodes[0].login('admin')).access_token;
    return begun;
  }

  async go(minutes) {
    const { nodes } = this.field;
    const { devices, ledger, chance } = this;
    await traffic({ nodes, devices, ledger, rate: RATE, chance, during: this.trouble(minutes * 60_000) });
  }

  /** Whatever happens, memory answers again soon afterwards. */
  async trouble(ms) {
    for (const end = performance.now() + ms; performance.now() < end;) {
      const { least, most } = this.pause;
      await delay(least + this.random.int(most - least));
      await this.purge();
      const name = this.next();
      const began = performance.now();
      process.stdout.write(`     ${name}: `);
      await LEASE_FAULTS[name].happen(this.trial, this.server);
      const over = performance.now();
      for (const node of this.field.nodes) await untilFresh(node);
      const fresh = Math.round(performance.now() - over);
      this.slowestFresh = Math.max(this.slowestFresh, fresh);
      this.happened[name] = (this.happened[name] ?? 0) + 1;
      const { ended } = this.ledger;
      if (ended.length > MOST_ENDED) ended.splice(0, ended.length - MOST_ENDED);
      const { rssMb } = await this.memory();
      console.log(`${Math.round(over - began)} ms, fresh ${fresh} ms later; ${rssMb.join(' and ')} MB`);
    }
  }

  /** Each once, in any order, and from the beginning again. */
  next() {
    if (this.bag.length === 0) this.bag = [...this.names];
    return this.bag.splice(this.random.int(this.bag.length), 1)[0];
  }

  async purge() {
    const { source, nodes } = this.field;
    await source.query(
      `INSERT INTO jwt_knox_sessions (id, "userId", "accessDigest", generation, "createdAt", "authenticatedAt", "expiresAt", "lastUsedAt")
       SELECT gen_random_uuid()::text, 'id-user0', repeat('0', 64), 0, 1, 1, 1000 + n, 1 FROM generate_series(1, ${EXPIRED}) AS n`,
    );
    const { status, body } = await this.random
      .pick(nodes)
      .send('POST', '/auth/admin/purge-expired', { token: this.admin });
    if (status === 200 && body.deleted >= EXPIRED) this.tally.add('purges');
    else this.tally.add('purgesFailed');
  }

  async memory() {
    const held = await Promise.all(this.field.nodes.map((node) => node.memory()));
    const mb = (name) => held.map((one) => Math.round(one[name] / 1_048_576));
    return { heapMb: mb('heapUsed'), rssMb: mb('rss') };
  }

  /** At rest: what the processes hold, and what the server holds of them. */
  async measure() {
    const { nodes, source } = this.field;
    await delay(REST_MS);
    for (const node of nodes) await untilFresh(node);
    const memory = await this.memory();
    const [row] = await source.query(
      `SELECT count(*)::int AS connections, count(*) FILTER (WHERE application_name = 'jwt-knox feed')::int AS feeds,
       pg_notification_queue_usage() AS queue FROM pg_stat_activity WHERE datname = current_database()`,
    );
    return { ...memory, ...row };
  }

  verdict(before, after) {
    const { tally, trial } = this;
    const of = (from, ...names) => Object.fromEntries(names.map((name) => [name, from.of(name)]));
    const grown = (name) => after[name].filter((mb, index) => mb > before[name][index] + MORE[name]).length;
    const kinds = ['logins', 'refreshes', 'logouts', 'logoutsOfAll', 'reauthentications', 'shutOuts', 'purges'];
    return {
      figures: {
        ...of(tally, 'requests', ...kinds, 'unavailable', 'starved'),
        ...of(trial.tally, 'acknowledged', 'used'),
        slowestFreshMs: this.slowestFresh,
        happened: this.happened,
        before,
        after,
      },
      faults: {
        ...of(tally, 'revokedAccepted', 'false401', 'lostWrites', 'wrongAnswers', 'noVerdict', 'purgesFailed'),
        ...of(trial.tally, 'accepted', 'refusedAlive', 'withoutHits'),
        crashes: this.field.nodes.filter((node) => node.hasCrashed).length,
        moreHeap: grown('heapMb'),
        moreRss: grown('rssMb'),
        moreConnections: after.connections > before.connections + MORE.connections ? 1 : 0,
        wrongFeeds: Math.abs(after.feeds - this.field.nodes.length),
        // What never happened proves nothing.
        unlike: kinds.filter((name) => tally.of(name) === 0).length,
      },
    };
  }
}
