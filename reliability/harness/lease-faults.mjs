// What may happen to a process or its feed while sessions end elsewhere. Of each, what the process accepts although the end
// was acknowledged.
import { setTimeout as delay } from 'node:timers/promises';
import { withPrivateServer } from '../faults/private-server.mjs';
import { Tally } from './harness.mjs';
import { statusOf, untilFresh, withLease } from './lease-field.mjs';

const SESSIONS = 40;
const TIMES = 3;
const STOPPED_MS = 4_000;
const BLOCKED_MS = 2_000;
/** Longer than a feed is waited for, and shorter than its server would be. */
const HELD_MS = 2_500;

/** The server ends the connections of all feeds. */
export const TERMINATE =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jwt-knox feed'";

/** Sessions end on A, while B suffers. */
export class Trial {
  constructor(field, tally) {
    this.field = field;
    this.tally = tally;
    [this.a, this.b] = field.nodes;
    [this.feed] = field.feeds;
  }

  /** Sessions that B answers from memory. */
  async warmed(count = SESSIONS) {
    const tokens = await this.field.issue(Array.from({ length: count }, () => 'user0'));
    await untilFresh(this.b);
    for (let time = 0; time < 2; time++) await Promise.all(tokens.map((token) => statusOf(this.b, token)));
    const { hits } = await this.b.ask('lease');
    for (const token of tokens) if ((await statusOf(this.b, token)) !== 200) this.tally.add('refusedAlive');
    if ((await this.b.ask('lease')).hits === hits) this.tally.add('withoutHits');
    return tokens;
  }

  /** @returns the tokens whose end was acknowledged */
  async end(tokens) {
    const answers = await Promise.all(tokens.map((token) => this.a.send('POST', '/auth/logout', { token })));
    const acknowledged = tokens.filter((_, index) => answers[index].status === 204);
    this.tally.add('acknowledged', acknowledged.length);
    return acknowledged;
  }

  /** Uses them on B. Resolves when all are answered. */
  async use(tokens) {
    const statuses = await Promise.all(tokens.map((token) => statusOf(this.b, token)));
    this.tally.add('accepted', statuses.filter((status) => status === 200).length);
    this.tally.add('used', statuses.length);
    this.tally.add('unavailable', statuses.filter((status) => status >= 500).length);
  }
}

/** Ends sessions while B is stopped, and uses them: in requests that wait in its sockets, and once more when it goes on. */
async function endWhileStopped(trial, onStopped = () => undefined) {
  const tokens = await trial.warmed();
  trial.b.child.kill('SIGSTOP');
  onStopped();
  const ended = await trial.end(tokens);
  const waiting = trial.use(ended);
  await delay(STOPPED_MS);
  trial.b.child.kill('SIGCONT');
  await waiting;
  await trial.use(ended);
}

export const LEASE_FAULTS = {
  /** B answers from memory, and has not heard of the end when it is acknowledged. */
  unheard: {
    feeds: ['postgres', 'redis'],
    async happen(trial) {
      for (const token of await trial.warmed()) {
        await untilFresh(trial.b);
        await statusOf(trial.b, token);
        trial.feed.hold();
        const ended = await trial.end([token]);
        await trial.use(ended);
        trial.feed.release();
      }
    },
  },

  /** B is stopped; requests wait in its sockets. */
  stopped: {
    feeds: ['postgres', 'redis'],
    async happen(trial) {
      await endWhileStopped(trial);
    },
  },

  /** The same, and no notice of it is there when B goes on. */
  'stopped and unheard': {
    feeds: ['postgres', 'redis'],
    async happen(trial) {
      await endWhileStopped(trial, () => trial.feed.hold());
      trial.feed.release();
    },
  },

  /** B computes, and hears nothing. */
  blocked: {
    feeds: ['postgres', 'redis'],
    async happen(trial) {
      const tokens = await trial.warmed();
      trial.feed.hold();
      const blocked = trial.b.ask('block', BLOCKED_MS);
      const ended = await trial.end(tokens);
      await trial.use(ended);
      await blocked;
      await trial.use(ended);
      trial.feed.release();
    },
  },

  /** The connection of B's feed breaks, with what it had not yet told; B connects again. */
  cut: {
    feeds: ['postgres', 'redis'],
    async happen(trial) {
      for (let time = 0; time < TIMES; time++) {
        const tokens = await trial.warmed();
        trial.feed.hold();
        const ended = await trial.end(tokens);
        trial.feed.cut();
        trial.feed.release();
        await trial.use(ended);
        await untilFresh(trial.b);
        await trial.use(ended);
      }
    },
  },

  /** The server ends the connections of all feeds while sessions end. */
  terminated: {
    feeds: ['postgres'],
    async happen(trial) {
      for (let time = 0; time < TIMES; time++) {
        const tokens = await trial.warmed();
        const [ended] = await Promise.all([trial.end(tokens), trial.field.source.query(TERMINATE)]);
        await trial.use(ended);
        await untilFresh(trial.b);
        await trial.use(ended);
      }
    },
  },

  /** The feed is a black hole for a while, and comes back. */
  held: {
    feeds: ['postgres', 'redis'],
    async happen(trial) {
      const tokens = await trial.warmed();
      trial.feed.hold();
      const ended = await trial.end(tokens);
      await trial.use(ended);
      await delay(HELD_MS);
      await trial.use(ended);
      trial.feed.release();
      await untilFresh(trial.b);
      await trial.use(ended);
    },
  },

  /** The database server is killed, and started again. */
  killed: {
    feeds: ['postgres'],
    isPrivate: true,
    async happen(trial, server) {
      const tokens = await trial.warmed(2 * SESSIONS);
      const [before, after] = [tokens.slice(0, SESSIONS), tokens.slice(SESSIONS)];
      const ended = await trial.end(before);
      await server.kill();
      await trial.use(ended);
      // Nobody can end anything now, and nobody is told that they did.
      await trial.end(after);
      await server.start();
      await untilFresh(trial.a);
      await untilFresh(trial.b);
      await trial.use([...ended, ...(await trial.end(after))]);
    },
  },
};

/** @returns figures and faults of one of them */
export async function suffer(name, { cache, plant }) {
  const { happen, isPrivate } = LEASE_FAULTS[name];
  const tally = new Tally();
  const prove = (server) =>
    withLease({ cache, users: 1, plant, proxied: true, server: server?.url }, (field) =>
      happen(new Trial(field, tally), server),
    );
  await (isPrivate ? withPrivateServer('postgres', {}, prove) : prove());
  const of = (...names) => Object.fromEntries(names.map((one) => [one, tally.of(one)]));
  const isSlight = tally.of('acknowledged') === 0;
  return {
    figures: of('acknowledged', 'used', 'unavailable'),
    faults: { ...of('accepted', 'refusedAlive', 'withoutHits'), withoutEnds: isSlight ? 1 : 0 },
  };
}
