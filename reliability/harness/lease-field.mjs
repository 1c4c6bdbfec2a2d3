// Processes with a lease cache on one database, each behind a proxy to its feed where that is to be late, and sessions that
// they all know.
import { withApplication } from './harness.mjs';
import { SlowFeed } from '../faults/slow-feed.mjs';

const REDIS = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';
/** Long enough for a whole proof; and no deadline is at stake here. */
export const OPTIONS = { accessToken: { ttl: '4h' }, storageTimeout: '20s' };

/** The refusals that say: this session is over. Anything else is an error. */
export const REFUSED = 401;

export class LeaseField {
  constructor(nodes, feeds, source) {
    Object.assign(this, { nodes, feeds, source });
  }

  /** Sessions of these users, by their access tokens. */
  async issue(names) {
    return (await this.issuePairs(names)).map(({ access }) => access);
  }

  async issuePairs(names) {
    const [issuer] = this.nodes;
    const all = [];
    for (let i = 0; i < names.length; i += 500) all.push(...(await issuer.ask('issue', names.slice(i, i + 500))));
    return all;
  }

  /** What all processes did, added up. */
  async counts() {
    const sum = {};
    for (const node of this.nodes) {
      for (const [name, count] of Object.entries(await node.ask('lease'))) sum[name] = (sum[name] ?? 0) + Number(count);
    }
    return sum;
  }
}

/** The answer to a token: its status. */
export async function statusOf(node, token) {
  return (await node.send('GET', '/whoami', { token })).status;
}

/** Asks until memory may answer there; throws when it never may. */
export async function untilFresh(node) {
  for (const began = performance.now(); performance.now() - began < 20_000;) {
    if ((await node.ask('lease')).fresh) return;
  }
  throw new Error('The feed never came back.');
}

/**
 * Runs `proof` with a field. `latency` says how late, in ms, each answer of the feed comes to all processes but the first;
 * `proxied`: through a proxy even so. `own` is what a process has of its own, by its index, in its cache and beside it.
 */
export async function withLease(
  { cache, processes = 2, users, plant, latency, proxied = false, server, execArgv, own = () => ({}) },
  proof,
) {
  const setup = { kind: 'postgres', server, processes: 0, users, plant, cache, execArgv, options: OPTIONS };
  return withApplication(setup, async ({ source, launch }) => {
    const target = cache.feed === 'postgres' ? source.options.url : REDIS;
    const feeds = [];
    const nodes = [];
    try {
      for (let i = 0; i < processes; i++) {
        const feed = (latency || proxied) && i > 0 ? await SlowFeed.open(target, latency) : null;
        if (feed) feeds.push(feed);
        const { cache: ofItsOwn, ...settings } = own(i);
        const kept = { ...cache, ...ofItsOwn, url: feed?.url ?? target };
        nodes.push(await launch({ cache: kept, logLevels: ['fatal'], ...settings }));
      }
      for (const node of nodes) await untilFresh(node);
      return await proof(new LeaseField(nodes, feeds, source));
    } finally {
      for (const feed of feeds) feed.close();
    }
  });
}
