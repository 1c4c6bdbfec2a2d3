// The machine's clock is moved under running processes, and differs between them: every verdict is right by the clock of
// the process that judges, nothing that ended comes back, and no honest client is taken for a thief.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { differing, expect as judge, keyOf } from '../harness/clocks-apart.mjs';
import { FakedTime } from '../faults/faked-time.mjs';
import { claimsOf, main, rounds, Tally, withApplication } from '../harness/harness.mjs';

const HOUR = 3_600;
const MOVES = [60, HOUR, -HOUR, 720 * HOUR, -720 * HOUR];
/** Seconds: the default `retryWindow`. What is set back farther than clocks may differ, nobody knows the age of. */
const RETRY_WINDOW = 300;
const CLIENTS = 6;

await main('clocks', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['steady-clock', 'postgres'],
    ['naive-last-use', 'postgres'],
    ['naive-last-use', 'mariadb'],
  ],
  run: async (kind, { short, plant }) => {
    const tally = new Tally();
    const proof = { kind, short, plant, tally };
    await moved(proof);
    await movedUnderLoad(proof);
    await differing(proof);
    const faults = ['wrongVerdicts', 'revived', 'alarms', 'errors', 'crashes', 'forked', 'warnings', 'told'];
    return {
      figures: {
        verdicts: tally.of('verdicts'),
        jumps: tally.of('jumps'),
        requests: tally.of('requests'),
        refreshes: tally.of('refreshes'),
        slowRounds: tally.of('slowRounds'),
      },
      faults: Object.fromEntries(faults.map((name) => [name, tally.of(name)])),
    };
  },
});

/** Two processes by one clock of their own. */
async function withMovedClock({ kind, plant, tally }, proof) {
  const time = await FakedTime.create();
  let pids = [];
  try {
    const settings = { kind, plant, users: 50, processes: 0, options: { storageTimeout: '20s' } };
    await withApplication(settings, async ({ launch }) => {
      const nodes = [await launch({ env: time.env }), await launch({ env: time.env })];
      pids = nodes.map((node) => node.pid);
      await proof(nodes, time);
      tally.add('crashes', nodes.filter((node) => node.hasCrashed).length);
    });
  } finally {
    await time.drop(pids);
  }
}

/** Sessions in every state meet each move of the clock, one by one. */
async function moved(proof) {
  const { tally } = proof;
  await withMovedClock(proof, async (nodes, time) => {
    const [first, second] = nodes;
    const expect = (...verdict) => judge(tally, ...verdict);
    const verify = (session) => second.send('GET', '/auth/verify', { token: session.access_token });
    for (const move of MOVES) {
      await time.move(0);
      const logins = [0, 1, 2, 3, 4].map((n) => first.login(`user${n}`));
      const [living, ended, lost, keyless, stolen] = await Promise.all(logins);
      await first.send('POST', '/auth/logout', { token: ended.access_token });
      const key = randomUUID();
      const answer = (await first.refresh(lost.refresh_token, key)).body;
      const unheard = (await first.refresh(keyless.refresh_token)).body;
      const thief = (await first.refresh(stolen.refresh_token)).body;
      // The use of the successor is noted beside the request.
      await verify(thief);
      await delay(300);

      await time.move(move);
      const [access, refresh] = [HOUR / 12, 24 * HOUR].map((ttl) => move < ttl);
      expect('a living session', await verify(living), ...(access ? [204] : [401, 'token_expired']));
      expect('an ended session', await verify(ended), 401, access ? 'invalid_token' : 'token_expired');
      const renewed = await second.refresh(living.refresh_token);
      expect('its refresh', renewed, ...(refresh ? [200] : [401, 'refresh_token_expired']));
      const dead = refresh ? 'invalid_refresh_token' : 'refresh_token_expired';
      expect('the refresh of an ended one', await second.refresh(ended.refresh_token), 401, dead);
      const again = await second.refresh(lost.refresh_token, key);
      expect('a lost answer, asked for again', again, ...(refresh ? [200] : [401, 'refresh_token_expired']));
      if (again.status === 200 && keyOf(again.body) !== keyOf(answer)) tally.add('forked');
      const late = await second.refresh(keyless.refresh_token);
      const isForgiven = move > 0 && move < RETRY_WINDOW;
      const refused = [401, refresh ? 'refresh_token_reused' : 'refresh_token_expired'];
      expect('the same without a key', late, ...(isForgiven ? [200] : refused));
      if (late.status === 200 && keyOf(late.body) !== keyOf(unheard)) tally.add('forked');
      const replay = await second.refresh(stolen.refresh_token);
      expect('a replay', replay, 401, refresh ? 'refresh_token_reused' : 'refresh_token_expired');

      await time.move(0);
      const alive = renewed.status === 200 ? renewed.body : living;
      expect('a living session, the clock put right', await verify(alive), ...aliveAt(alive, time.now()));
      expect('an ended session, the clock put right', await verify(ended), 401, 'invalid_token');
      expect(
        'its refresh, the clock put right',
        await second.refresh(ended.refresh_token),
        401,
        'invalid_refresh_token',
      );
      if (refresh) expect('the replayed session, the clock put right', await verify(thief), 401, 'invalid_token');
    }
  });
}

function aliveAt(session, now) {
  return claimsOf(session.access_token).exp * 1_000 > now ? [204] : [401, 'token_expired'];
}

/** Honest clients, each with answers that get lost, while the clock jumps. */
async function movedUnderLoad(proof) {
  const { tally, short } = proof;
  await withMovedClock(proof, async (nodes, time) => {
    const end = performance.now() + (short ? 6_000 : 60_000);
    const isOver = () => performance.now() >= end;
    const jumping = (async () => {
      while (!isOver()) {
        await delay(300 + Math.random() * 400);
        await time.move([0, 0, ...MOVES][Math.floor(Math.random() * (MOVES.length + 2))]);
        tally.add('jumps');
      }
    })();
    await rounds(CLIENTS, CLIENTS, (index) => honestClient(nodes, `user${index}`, time, tally, isOver));
    await jumping;
  });
}

/**
 * Does what a client should: one refresh at a time, and after an answer that got lost the same token again, with the key
 * of the attempt.
 */
async function honestClient(nodes, user, time, tally, isOver) {
  const ended = [];
  let session;
  const any = () => nodes[Math.floor(Math.random() * nodes.length)];
  const ask = async (send) => {
    const before = time.now();
    const answer = await send(any());
    tally.add('requests');
    if (answer.status >= 500) tally.add('errors');
    // The clock may have jumped on the way: what has expired by both of its moments must be refused.
    return { ...answer, earliest: Math.min(before, time.now() - answer.took) };
  };
  const verify = ({ access_token: token }) => ask((node) => node.send('GET', '/auth/verify', { token }));
  const refresh = ({ refresh_token: token, key }) => ask((node) => node.refresh(token, key));
  const check = (answer, token) => {
    if (answer.status < 300 && claimsOf(token).exp * 1_000 <= answer.earliest) tally.add('wrongVerdicts');
    if (answer.body?.code === 'refresh_token_reused') tally.add('alarms');
  };
  while (!isOver()) {
    session ??= await any().login(user);
    const dice = Math.random();
    if (dice < 0.5) check(await verify(session), session.access_token);
    else if (dice < 0.9) {
      session.key ??= randomUUID();
      const answer = await refresh(session);
      check(answer, session.refresh_token);
      const isLost = Math.random() < 0.3;
      if (answer.status === 200 && !isLost) session = answer.body;
      if (answer.status === 401) session = undefined;
    } else {
      const answer = await ask((node) => node.send('POST', '/auth/logout', { token: session.access_token }));
      if (answer.status === 204) ended.push(session);
      session = undefined;
    }
    const gone = ended[Math.floor(Math.random() * ended.length)];
    if (gone && (await verify(gone)).status !== 401) tally.add('revived');
    if (gone && (await refresh(gone)).status !== 401) tally.add('revived');
  }
}
