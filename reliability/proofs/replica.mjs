// With TypeORM's `replication` sessions are read from the primary: beside a standby that is an hour behind, what ended
// is refused at once, and what is new works at once.
import { DataSource } from 'typeorm';
import { withStandby } from '../faults/private-server.mjs';
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';

const FULL = 500;
const SHORT = 24;
/** Longer than the proof: the replica knows none of what happens in it. */
const DELAY = '1h';

const SETUPS = { 'plain statements': {}, 'prepared statements': { preparedStatements: true } };

/** How a session may end; each is presented on the other process. */
const ENDS = [
  (node, { token }) => node.send('POST', '/auth/logout', { token }),
  (node, { token }) => node.send('POST', '/auth/logout-all', { token }),
  (node, { user, admin }) => node.send('DELETE', `/auth/admin/users/id-${user}/sessions`, { token: admin }),
];

await main('lagging replica', {
  databases: Object.keys(SETUPS),
  plants: [['naive-replica', 'plain statements']],
  run: (name, { short, plant }) =>
    withStandby((primary, standby) => {
      const toStandby = (url) => url.replace(`:${primary.port}/`, `:${standby.port}/`);
      const database = ({ url }) => ({
        url: undefined,
        replication: { master: { url }, slaves: [{ url: toStandby(url) }] },
      });
      const count = plant || short ? SHORT : FULL;
      // Of one user each, whom no other session's end concerns.
      const setup = { kind: 'postgres', server: primary.url, processes: 0, users: count, plant, database };
      const settings = { ...SETUPS[name], logLevels: plant ? [] : ['error', 'fatal'] };
      return withApplication(setup, async ({ source, launch }) => {
        const caughtUp = '(SELECT bool_and(replay_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication)';
        const nodes = await Promise.all([launch(settings), launch(settings)]);
        const known = [];
        await rounds(count, 8, async (index) => {
          known[index] = await nodes[index % 2].login(`user${index}`);
        });
        await primary.until(caughtUp);
        await standby.set('recovery_min_apply_delay', DELAY);
        const replica = await new DataSource({ type: 'postgres', url: toStandby(source.options.url) }).initialize();
        try {
          return await prove({ nodes, known, replica, plant });
        } finally {
          await replica.destroy();
        }
      });
    }),
});

/** Sessions that the replica knows end, and it never hears of it; sessions begin that it never hears of. */
async function prove({ nodes, known, replica, plant }) {
  const tally = new Tally();
  const admin = (await nodes[0].login('admin')).access_token;
  await rounds(known.length, 4, async (index) => {
    const user = `user${index}`;
    const [from, other] = index % 2 === 0 ? nodes : nodes.toReversed();
    const pair = known[index];
    if (!(await other.isAlive(pair.access_token))) return tally.add('falselyRefused');
    const renewed = await from.refresh(pair.refresh_token);
    if (renewed.status !== 200 || !(await other.isAlive(renewed.body.access_token))) return tally.add('falselyRefused');
    const token = renewed.body.access_token;
    const ended = await ENDS[index % ENDS.length](from, { token, admin, user });
    if (ended.status >= 300) return tally.add('endsRefused');
    tally.add('ended');
    for (const node of nodes) if (await node.isAlive(token)) tally.add('revokedAccepted');
    if ((await other.refresh(renewed.body.refresh_token)).status < 300) tally.add('revokedAccepted');
    // A login that the replica does not know.
    const fresh = await from.login(user);
    if (!(await other.isAlive(fresh.access_token))) tally.add('falselyRefused');
    const listed = await other.send('GET', '/auth/sessions', { token: fresh.access_token });
    const ids = listed.status === 200 ? listed.body.map((one) => one.id) : [];
    if (!ids.includes(fresh.session_id) || ids.includes(pair.session_id)) tally.add('wrongLists');
  });
  if (plant) return { faults: { revokedAccepted: tally.of('revokedAccepted') } };
  const [{ n }] = await replica.query('SELECT count(*) AS n FROM jwt_knox_sessions');
  const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
  return {
    figures: { ...of('ended'), onReplica: Number(n) },
    faults: {
      ...of('revokedAccepted', 'falselyRefused', 'endsRefused', 'wrongLists'),
      // A replica that keeps up proves nothing.
      upToDate: Number(n) === known.length ? 0 : 1,
    },
  };
}
