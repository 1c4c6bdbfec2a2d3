// An end is acknowledged by one process, and what it ended is used on all of them at once.
import { setTimeout as delay } from 'node:timers/promises';
import { rounds } from './harness.mjs';
import { REFUSED, statusOf } from './lease-field.mjs';

const USERS = 100;
const WIDTH = 24;
/** One race in so many finds nothing in anybody's memory. */
const COLD = 4;
const PAUSE_MS = 40;

export const usersOf = (count) => Array.from({ length: count }, (_, i) => `user${i}`);

/** Whatever else is answered is an error, and no verdict. */
function judge(status, tally) {
  if (status !== 200 && status !== REFUSED) tally.add('errors');
  return status;
}

/** Requests on these processes until they are told to stop; when that resolves, all are answered. */
function hammer(nodes, token, tally) {
  const over = new AbortController();
  const lane = async (node) => {
    while (!over.signal.aborted) {
      if (judge(await statusOf(node, token), tally) === REFUSED) return;
      await delay(Math.random() * PAUSE_MS);
    }
  };
  const lanes = Promise.all(nodes.map(lane));
  return () => {
    over.abort();
    return lanes;
  };
}

/** One logout, with reads and hits of every other process under way. */
async function race({ nodes }, token, tally, round) {
  const from = nodes[round % nodes.length];
  const others = nodes.filter((node) => node !== from);
  if (round % COLD > 0) for (const node of others) if ((await statusOf(node, token)) !== 200) tally.add('refusedAlive');
  const stop = hammer(others, token, tally);
  const ended = await from.send('POST', '/auth/logout', { token });
  tally.add(ended.status === 204 ? 'races' : 'endsRefused');
  tally.took.push(ended.took);
  const accepted = async () => {
    const statuses = await Promise.all(nodes.map((node) => statusOf(node, token)));
    return statuses.some((status) => judge(status, tally) === 200);
  };
  let isAccepted = await accepted();
  // Reads that were under way are over: what they left in memory counts too.
  await stop();
  isAccepted = (await accepted()) || isAccepted;
  if (isAccepted && ended.status === 204) tally.add('accepted');
}

/** @returns figures and faults of `count` races */
export async function raceLogouts(field, count, tally) {
  tally.took = [];
  const names = usersOf(USERS);
  const tokens = await field.issue(Array.from({ length: count }, (_, i) => names[i % USERS]));
  const before = await field.counts();
  await rounds(count, WIDTH, (round) => race(field, tokens[round], tally, round));
  const after = await field.counts();
  const took = tally.took.toSorted((a, b) => a - b);
  const at = (share) => Math.round(took[Math.floor((took.length - 1) * share)]);
  const grown = Object.fromEntries(['hits', 'fills', 'spoiled'].map((name) => [name, after[name] - before[name]]));
  return {
    figures: { races: tally.of('races'), ...grown, leastMs: at(0), medianMs: at(0.5), p99Ms: at(0.99) },
    faults: {
      accepted: tally.of('accepted'),
      refusedAlive: tally.of('refusedAlive'),
      endsRefused: tally.of('endsRefused'),
      errors: tally.of('errors'),
      // Races that memory took no part in prove nothing.
      withoutHits: grown.hits > 0 ? 0 : 1,
    },
  };
}
export { USERS };
