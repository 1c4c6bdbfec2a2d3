// The ends beside logout, and what takes something from a session: one process acknowledges, all the others know.
import { Tally, rounds } from './harness.mjs';
import { REFUSED, statusOf, withLease } from './lease-field.mjs';

const EACH = 100;
const WIDTH = 12;

const post =
  (path, json) =>
  async (node, { token }) =>
    (await node.send('POST', path, { token, json })).status;
const isRefused = async (node, token) => (await statusOf(node, token)) === REFUSED;

/** How each is asked for with `token`, and what of the user's two sessions must be over on every process then. */
export const ENDS = [
  { name: 'other', status: 200, ask: post('/auth/logout-other'), isOver: (node, { other }) => isRefused(node, other) },
  {
    name: 'all',
    status: 200,
    ask: post('/auth/logout-all'),
    isOver: async (node, { token, other }) => (await isRefused(node, token)) && (await isRefused(node, other)),
  },
  {
    name: 'reauthenticate',
    status: 200,
    ask: post('/auth/reauthenticate', { password: 'password' }),
    isOver: (node, { token }) => isRefused(node, token),
  },
  {
    name: 'narrow',
    status: 204,
    ask: post('/rights/narrow'),
    isOver: async (node, { token }) => (await node.send('GET', '/rights', { token })).body?.scopes === 'read',
  },
];

/** Every end, each with users of its own, whose sessions every process has in its memory. */
export async function raceEnds(cache) {
  const users = ENDS.length * EACH;
  const tally = new Tally();
  const hits = await withLease({ cache, users }, async (field) => {
    const names = Array.from({ length: users }, (_, i) => `user${i}`);
    const [tokens, others] = [await field.issue(names), await field.issue(names)];
    const before = await field.counts();
    await rounds(users, WIDTH, async (round) => {
      const end = ENDS[round % ENDS.length];
      await raceEnd(field, end, { token: tokens[round], other: others[round] }, tally, round);
    });
    return (await field.counts()).hits - before.hits;
  });
  return {
    figures: { ...Object.fromEntries(ENDS.map(({ name }) => [name, tally.of(name)])), hits },
    faults: {
      accepted: tally.of('accepted'),
      refusedAlive: tally.of('refusedAlive'),
      endsRefused: tally.of('endsRefused'),
      withoutHits: hits > 0 ? 0 : 1,
    },
  };
}

async function raceEnd({ nodes }, { name, status, ask, isOver }, sessions, tally, round) {
  const from = nodes[round % nodes.length];
  for (const node of nodes) {
    for (const token of Object.values(sessions))
      for (let count = 0; count < 2; count++) if ((await statusOf(node, token)) !== 200) tally.add('refusedAlive');
  }
  const answered = await ask(from, sessions);
  if (answered !== status) return tally.add('endsRefused');
  tally.add(name);
  const over = await Promise.all(nodes.map((node) => isOver(node, sessions)));
  if (over.includes(false)) tally.add('accepted');
}
