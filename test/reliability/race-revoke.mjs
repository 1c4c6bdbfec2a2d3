// Refreshes and logins race logouts, revocations and password changes: what was acknowledged as ended stays ended.
import { setTimeout as delay } from 'node:timers/promises';
import { main, rounds, Tally, withApplication } from './harness.mjs';

const USERS = 200;

/** Each race: what is started beside what ends the sessions. Answers the tokens that must be dead. */
const RACES = {
  'refresh × logout': {
    setUp: (node, user) => node.login(user),
    contender: (node, _user, session) => node.refresh(session.refresh_token),
    end: (node, _user, session) => node.send('POST', '/auth/logout', { token: session.access_token }),
  },
  'refresh × logout-all': {
    setUp: (node, user) => node.login(user),
    contender: (node, _user, session) => node.refresh(session.refresh_token),
    end: (node, _user, session) => node.send('POST', '/auth/logout-all', { token: session.access_token }),
  },
  'refresh × admin revoke': {
    setUp: (node, user) => node.login(user),
    contender: (node, _user, session) => node.refresh(session.refresh_token),
    end: (node, user, _session, admin) =>
      node.send('DELETE', `/auth/admin/users/id-${user}/sessions`, { token: admin }),
  },
  'login × logout-all': {
    isLogin: true,
    setUp: (node, user) => node.login(user),
    contender: (node, user, session) =>
      node.send('POST', '/auth/login', { json: { username: user, password: session.password } }),
    end: (node, _user, session) => node.send('POST', '/auth/logout-all', { token: session.access_token }),
  },
  'login with the old password × password change': {
    isLogin: true,
    passwordChange: true,
    setUp: (node, user, password) => node.login(user, password),
    contender: (node, user, _session, password) =>
      node.send('POST', '/auth/login', { json: { username: user, password } }),
    end: (node, _user, session, _admin, next) =>
      node.send('PUT', '/password', { token: session.access_token, json: { password: next } }),
  },
};

/** When the login arrived at the application, epoch ms. */
async function arrivalOf(node, tokens) {
  const { body } = await node.send('GET', '/auth/sessions', { token: tokens.access_token });
  return Date.parse(body.find((one) => one.current).created_at);
}

await main('revocation races', {
  databases: ['postgres', 'mariadb'],
  plants: [
    ['naive-upsert', 'postgres'],
    ['no-valid-since', 'postgres'],
    ['no-valid-since', 'mariadb'],
  ],
  run: (kind, { short, plant }) =>
    withApplication({ kind, plant, users: USERS }, async ({ nodes }) => {
      const tally = new Tally();
      // A fault that strikes seldom needs its rounds to be noticed.
      const each = plant ? 150 : short ? 60 : 1_000;
      const admin = (await nodes[0].login('admin')).access_token;
      const passwords = new Map();
      for (const [name, race] of Object.entries(RACES)) {
        // Lanes never share a user: index modulo USERS, far fewer lanes than users.
        await rounds(each, 6, (index) => play(race, name, index));
      }
      return {
        figures: {
          races: each * Object.keys(RACES).length,
          contendersAnswered: tally.of('answered'),
          cameMeanwhile: tally.of('cameMeanwhile'),
        },
        faults: {
          alive: tally.of('alive'),
          endsRefused: tally.of('endsRefused'),
          errors: tally.of('errors'),
          ownLost: tally.of('ownLost'),
        },
      };

      async function mustBeDead(tokens) {
        if (await nodes[1].isAlive(tokens.access_token)) tally.add('alive');
        if ((await nodes[0].refresh(tokens.refresh_token)).status === 200) tally.add('alive');
      }

      async function play(race, name, index) {
        const user = `user${index % USERS}`;
        const password = passwords.get(user) ?? 'password';
        const next = `${user}-${name.length}-${index}`;
        const session = { ...(await race.setUp(nodes[0], user, password)), password };
        const [first, second] = index % 2 ? nodes : nodes.toReversed();
        // A login takes its time to hash: the end falls into it.
        const contender = delay(race.isLogin ? 0 : Math.random() * 8).then(() =>
          race.contender(first, user, session, password),
        );
        const end = delay(Math.random() * 8).then(() => race.end(second, user, session, admin, next));
        const [rival, ended] = await Promise.all([contender, end]);
        if (ended.status >= 300) tally.add('endsRefused');
        if (rival.status >= 500) tally.add('errors');
        if (race.passwordChange) passwords.set(user, next);
        if (rival.status === 200) tally.add('answered');
        const rivalStands = rival.status === 200 && (await nodes[index % 2].isAlive(rival.body.access_token));
        if (!rivalStands && rival.status === 200) await mustBeDead(rival.body);
        if (rivalStands) {
          // Only a login stands, and only one that arrived when the end was already on its way.
          const came = race.isLogin ? await arrivalOf(nodes[0], rival.body) : 0;
          tally.add(came >= ended.sentAt ? 'cameMeanwhile' : 'alive');
        }
        if (!race.passwordChange) await mustBeDead(session);
        if (race.passwordChange && !(await nodes[0].isAlive(session.access_token))) tally.add('ownLost');
      }
    }),
});
