// 10,000 sockets of ws, and 1,000 of socket.io, in one process, while 1,000 of their sessions end at a time in every way:
// every socket of an ended session is closed within a second, and no other, and memory goes back to what it was. Ends of
// another process are found when the rows are read again.
import { setTimeout as delay } from 'node:timers/promises';
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { openSocket } from '../harness/open-sockets.mjs';

const PER_USER = 5;
const LIMIT_MS = 1_000;
/** All of them at once: each has a handshake to close. */
const ALL_MS = 5_000;
const RECHECK_MS = 2_000;
/** How far memory may be from what it was before. */
const MOST_GROWTH = { full: 0.05, short: 0.15 };
const OPTIONS = { accessToken: { ttl: '1h' }, refreshToken: { reuseInterval: 0 } };
const FULL = {
  ws: { users: 400, perSession: 5, rounds: 20 },
  'socket.io': { users: 100, perSession: 2, rounds: 20 },
  apart: { users: 100, perSession: 5 },
};
const SHORT = {
  ws: { users: 20, perSession: 5, rounds: 2 },
  'socket.io': { users: 10, perSession: 2, rounds: 2 },
  apart: { users: 20, perSession: 5 },
};

/** All that is open: users with five sessions each, and their sockets. */
class Crowd {
  users = [];

  constructor(kind, { users, perSession }, nodes) {
    Object.assign(this, { kind, perSession, nodes, count: users });
  }

  /** Fills up what has ended. Sessions begin on the first process, sockets are open on the last. */
  async fill() {
    const { nodes, kind, perSession, users } = this;
    const missing = [];
    for (let i = 0; i < this.count; i++) {
      users[i] = (users[i] ?? []).filter(({ ended }) => ended === undefined);
      for (let n = users[i].length; n < PER_USER; n++) missing.push(i);
    }
    await rounds(missing.length, 8, async (index) => {
      const user = missing[index];
      const { access_token: token, session_id: id } = await nodes[0].login(`user${user}`);
      users[user].push({ user, id, token, sockets: [], ended: undefined });
    });
    const begun = this.sessions.filter(({ sockets }) => sockets.length === 0);
    await rounds(begun.length * perSession, 32, async (index) => {
      const session = begun[index % begun.length];
      session.sockets.push(await openSocket(kind, nodes.at(-1).port, session.token));
    });
  }

  get sessions() {
    return this.users.flat();
  }

  /** Half of all sessions, in every way in which a session ends; the moment at which each was acknowledged. */
  async end() {
    const [node] = this.nodes;
    const admin = await node.login('admin');
    const ways = [
      { send: ([{ token }]) => node.send('POST', '/auth/logout-all', { token }), takes: () => true },
      { send: ([{ token }]) => node.send('POST', '/auth/logout-other', { token }), takes: (index) => index > 0 },
      { send: ([{ token }]) => node.send('POST', '/auth/logout', { token }), takes: (index) => index === 0 },
      {
        send: ([, , { token, id }]) => node.send('DELETE', `/auth/sessions/${id}`, { token }),
        takes: (index) => index === 2,
      },
      {
        send: ([{ user }]) =>
          node.send('DELETE', `/auth/admin/users/id-user${user}/sessions`, { token: admin.access_token }),
        takes: () => true,
      },
    ];
    // Of five users, 5 + 4 + 1 + 1 + 5 of 25 sessions; then single ones up to a half.
    await rounds(this.users.length, 8, async (index) => {
      const way = ways[index % ways.length];
      const sessions = this.users[index];
      const { status } = await way.send(sessions);
      if (status >= 300) throw new Error(`An end answered ${status}.`);
      this.acknowledge(sessions.filter((_, place) => way.takes(place)));
    });
    const alive = this.sessions.filter(({ ended }) => ended === undefined);
    const left = alive.slice(0, Math.max(0, this.sessions.length / 2 - (this.sessions.length - alive.length)));
    await rounds(left.length, 8, async (index) => {
      await node.send('POST', '/auth/logout', { token: left[index].token });
      this.acknowledge([left[index]]);
    });
  }

  acknowledge(sessions) {
    for (const session of sessions) session.ended ??= performance.now();
  }

  /** What is open that must not be, what is late, what was closed that must not be, and what was told otherwise. */
  judge(tally, limit) {
    let slowest = 0;
    for (const { ended, sockets } of this.sessions) {
      for (const { closedAt, code } of sockets) {
        if (ended === undefined) {
          tally.add('othersClosed', closedAt === undefined ? 0 : 1);
          continue;
        }
        tally.add('closed', closedAt === undefined ? 0 : 1);
        tally.add('leftOpen', closedAt === undefined ? 1 : 0);
        tally.add('late', closedAt - ended > limit ? 1 : 0);
        tally.add('otherCode', closedAt === undefined || code === 4403 ? 0 : 1);
        slowest = Math.max(slowest, closedAt - ended || 0);
      }
    }
    return Math.round(slowest);
  }

  /** Whether nothing is open that has ended. */
  get isClosed() {
    return this.sessions.every(
      ({ ended, sockets }) => ended === undefined || sockets.every(({ closedAt }) => closedAt !== undefined),
    );
  }

  /** Every session ends in one statement. */
  async endAll() {
    await this.nodes[0].ask('revokeBefore', Date.now() + 60_000);
    this.acknowledge(this.sessions);
  }
}

const WRONG = ['leftOpen', 'late', 'othersClosed', 'otherCode'];

/** Sockets of one kind in one process. */
function together(kind, sockets, size, plant) {
  const isShort = size === SHORT[sockets];
  const setup = {
    kind,
    processes: 1,
    users: size.users,
    options: OPTIONS,
    plant,
    passwordCost: 16,
    execArgv: ['--expose-gc'],
    sockets: { kind: sockets, recheck: '60s' },
  };
  return withApplication(setup, async ({ nodes }) => {
    const tally = new Tally();
    const [node] = nodes;
    let slowest = 0;
    let slowestOfAll = 0;
    const once = async () => {
      const crowd = new Crowd(sockets, size, nodes);
      await crowd.fill();
      return crowd;
    };
    const close = async (crowd) => {
      await crowd.endAll();
      for (let waited = 0; waited < 2 * ALL_MS && !crowd.isClosed; waited += 50) await delay(50);
      slowestOfAll = Math.max(slowestOfAll, crowd.judge(tally, ALL_MS));
      for (const { sockets: all } of crowd.sessions) for (const socket of all) socket.close();
      await delay(LIMIT_MS / 2);
    };
    // What the process keeps once it has had as many.
    await close(await once());
    if (!isShort) await close(await once());
    const before = await node.memory();
    const crowd = await once();
    const full = await node.memory();
    for (let round = 0; round < size.rounds; round++) {
      await crowd.fill();
      await crowd.end();
      await delay(LIMIT_MS + 200);
      slowest = Math.max(slowest, crowd.judge(tally, LIMIT_MS));
    }
    await crowd.fill();
    await close(crowd);
    // Ends are remembered for half a minute.
    await delay(isShort ? 0 : 32_000);
    const after = await node.memory();
    const growth = after.heapUsed / before.heapUsed - 1;
    if (Math.abs(growth) > MOST_GROWTH[isShort ? 'short' : 'full']) tally.add('memory');
    const open = size.users * PER_USER * size.perSession;
    const figures = {
      open,
      closed: tally.of('closed'),
      slowestMs: slowest,
      slowestOfAllMs: slowestOfAll,
      kbEach: Math.round((full.heapUsed - before.heapUsed) / open / 102.4) / 10,
      heapMb: [before, after].map(({ heapUsed }) => Math.round(heapUsed / 104_857.6) / 10),
    };
    return { figures, faults: Object.fromEntries([...WRONG, 'memory'].map((name) => [name, tally.of(name)])) };
  });
}

/** Sockets on one process, ends on another. */
function apart(kind, size, plant) {
  const setup = {
    kind,
    processes: 2,
    users: size.users,
    options: OPTIONS,
    plant,
    passwordCost: 16,
    sockets: { kind: 'ws', recheck: `${RECHECK_MS}ms` },
  };
  return withApplication(setup, async ({ nodes }) => {
    const tally = new Tally();
    const crowd = new Crowd('ws', size, nodes);
    await crowd.fill();
    await crowd.end();
    await delay(RECHECK_MS + LIMIT_MS + 500);
    const slowest = crowd.judge(tally, RECHECK_MS + LIMIT_MS);
    for (const { sockets } of crowd.sessions) for (const socket of sockets) socket.close();
    const figures = { closed: tally.of('closed'), slowestMs: slowest };
    return { figures, faults: Object.fromEntries(WRONG.map((name) => [name, tally.of(name)])) };
  });
}

await main('sockets', {
  databases: ['postgres', 'mariadb'],
  async run(kind, { short, plant }) {
    const sizes = short ? SHORT : FULL;
    const parts = {};
    if (plant !== 'stale-recheck') parts.ws = await together(kind, 'ws', sizes.ws, plant);
    if (!plant) parts['socket.io'] = await together(kind, 'socket.io', sizes['socket.io']);
    if (!plant || plant === 'stale-recheck') parts.apart = await apart(kind, sizes.apart, plant);
    const faults = new Tally();
    for (const part of Object.values(parts)) for (const [name, n] of Object.entries(part.faults)) faults.add(name, n);
    const figures = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.figures]));
    return { figures, faults: faults.counts };
  },
  plants: [
    ['deaf-sockets', 'postgres'],
    ['hasty-sockets', 'postgres'],
    ['stale-recheck', 'mariadb'],
  ],
});
