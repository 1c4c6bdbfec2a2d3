// The ends beside logout, what takes something from a session or its user, and what must take nothing: one process
// acknowledges, all the others know.
import { Tally, rounds } from './harness.mjs';
import { REFUSED, statusOf, withLease } from './lease-field.mjs';

const EACH = 100;
const WIDTH = 12;

const post =
  (path, json) =>
  async (node, { token }) =>
    (await node.send('POST', path, { token, json })).status;
const isRefused = async (node, token) => (await statusOf(node, token)) === REFUSED;

/** How each is asked for with `token`, and what of the user's two sessions must be so on every process then. */
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
  {
    name: 'user shut out',
    status: 204,
    ask: post('/rights/shut-out'),
    isOver: async (node, { token, other }) => (await isRefused(node, token)) && (await isRefused(node, other)),
  },
  {
    // Each process refreshes what another one made, whatever generation it remembers, and nobody is logged out.
    name: 'refresh',
    status: 200,
    ask: async (from, sessions, nodes) => {
      let status = 200;
      for (const node of [from, ...nodes]) {
        const answer = await node.refresh(sessions.refresh);
        if (answer.status !== 200) status = answer.status;
        else Object.assign(sessions, { token: answer.body.access_token, refresh: answer.body.refresh_token });
        if ((await statusOf(from, sessions.token)) !== 200) status = REFUSED;
      }
      return status;
    },
    isOver: async (node, { token, other }) =>
      (await statusOf(node, token)) === 200 && (await statusOf(node, other)) === 200,
  },
];

/** Every end, each with users of its own, whose sessions every process has in its memory. */
export async function raceEnds(cache) {
  const users = ENDS.length * EACH;
  const tally = new Tally();
  const hits = await withLease({ cache, users }, async (field) => {
    const names = Array.from({ length: users }, (_, i) => `user${i}`);
    const [pairs, others] = [await field.issuePairs(names), await field.issue(names)];
    const before = await field.counts();
    await rounds(users, WIDTH, async (round) => {
      const end = ENDS[round % ENDS.length];
      const { access: token, refresh } = pairs[round];
      await raceEnd(field, end, { token, refresh, other: others[round] }, tally, round);
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
    for (const token of [sessions.token, sessions.other])
      for (let count = 0; count < 2; count++) if ((await statusOf(node, token)) !== 200) tally.add('refusedAlive');
  }
  const answered = await ask(from, sessions, nodes);
  if (answered !== status) return tally.add('endsRefused');
  tally.add(name);
  const over = await Promise.all(nodes.map((node) => isOver(node, sessions)));
  if (over.includes(false)) tally.add('accepted');
}
