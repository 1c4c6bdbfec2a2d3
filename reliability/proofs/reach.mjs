// A session is ended on one process and presented at the other at once: the end has reached it, whatever the way.
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';

const USERS = 100;
const ROUNDS = { postgres: 10_000, mariadb: 10_000, sqlite: 2_000 };

/** Each way to end a session: the request that does it, given the session, a token of another one, the user and an admin's token. */
const WAYS = {
  logout: ({ access_token: token }) => ['POST', '/auth/logout', { token }],
  'logout with the refresh token': ({ refresh_token }) => ['POST', '/auth/logout', { json: { refresh_token } }],
  'logout-other': async (_session, other) => ['POST', '/auth/logout-other', { token: await other() }],
  'logout-all': ({ access_token: token }) => ['POST', '/auth/logout-all', { token }],
  'sessions/:id': async ({ session_id: id }, other) => ['DELETE', `/auth/sessions/${id}`, { token: await other() }],
  admin: (_session, _other, user, token) => ['DELETE', `/auth/admin/users/id-${user}/sessions`, { token }],
};

await main('the reach of a revocation', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['naive-cache', 'postgres'],
    ['naive-cache', 'mariadb'],
    ['naive-cache', 'sqlite'],
  ],
  run: (kind, { short, plant }) =>
    // SQLite's processes wait for each other's locks standing still: no deadline is promised there.
    withApplication({ kind, plant, users: USERS, options: { storageTimeout: '20s' } }, async ({ nodes }) => {
      const tally = new Tally();
      const admin = (await nodes[0].login('admin')).access_token;
      const ways = Object.entries(WAYS);
      const count = short ? 150 : ROUNDS[kind];
      await rounds(count, 4, async (index) => {
        const [way, requestOf] = ways[index % ways.length];
        const user = `user${index % USERS}`;
        const [ending, judging] = Math.floor(index / ways.length) % 2 ? nodes : nodes.toReversed();
        const session = await ending.login(user);
        const other = async () => (await judging.login(user)).access_token;
        const request = await requestOf(session, other, user, admin);
        const verify = () => judging.send('GET', '/auth/verify', { token: session.access_token });
        if ((await verify()).status !== 204) tally.add('deadBefore');
        const ended = await ending.send(...request);
        if (ended.status >= 300) tally.add('endsRefused');
        const answers = await Promise.all([verify(), judging.refresh(session.refresh_token)]);
        const [verified, refreshed] = answers.map((one) => one.status);
        if (verified === 204) tally.add('accepted');
        if (refreshed === 200) tally.add('refreshed');
        if (verified > 401 || refreshed > 401) tally.add('errors');
        tally.add(way);
      });
      const faults = ['accepted', 'refreshed', 'deadBefore', 'endsRefused', 'errors'];
      return {
        figures: { revocations: count, ...Object.fromEntries(ways.map(([way]) => [way, tally.of(way)])) },
        faults: Object.fromEntries(faults.map((name) => [name, tally.of(name)])),
      };
    }),
});
