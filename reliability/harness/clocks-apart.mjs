// Two processes whose clocks differ, on one database.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FakedTime } from '../faults/faked-time.mjs';
import { claimsOf, rounds, withApplication } from './harness.mjs';

const TABS = 20;
/** Seconds: less than the default `reuseInterval`, and the lifetime of an access token. */
const NEAR = 4;
const FAR = 300;
/** What is left of `reuseInterval` for a tab that comes late, with a second to spare. */
const LATE_MS = 10_000 - NEAR * 1_000 - 1_000;

export async function differing(proof) {
  await withClocksApart(proof, NEAR, {}, (nodes) => race(proof, nodes, (round) => lateTabs(proof, nodes, round)));
  await withClocksApart(proof, FAR, {}, async (nodes) => {
    await race({ ...proof, newKey: randomUUID }, nodes);
    await judgeRotations(proof, nodes);
    await judgePasswordChange(proof, nodes);
  });
  await withClocksApart(proof, FAR, { session: { idleTimeout: '5m' } }, (nodes) => judgeExpiry(proof, nodes));
}

/** The first process is right; the second is ahead by `apart` seconds. */
async function withClocksApart({ kind, plant, tally }, apart, options, proof) {
  const time = await FakedTime.create();
  let pids = [];
  try {
    await time.move(apart);
    const settings = { kind, plant, users: 50, processes: 0, options: { storageTimeout: '20s', ...options } };
    await withApplication(settings, async ({ launch }) => {
      const logLevels = ['warn', 'error', 'fatal'];
      const right = await launch({ logLevels });
      const ahead = await launch({ logLevels, env: time.env });
      pids = [ahead.pid];
      const began = performance.now();
      await proof([right, ahead]);
      // The one that is behind sees moments to come, and says so once a minute at most.
      const told = right.log.split('The clocks of the servers differ').length - 1;
      const most = apart === FAR ? 1 + Math.floor((performance.now() - began) / 60_000) : 0;
      if (told < Math.min(most, 1) || told > most || ahead.log.includes('The clocks of the servers differ'))
        tally.add('warnings');
      if (/eyJ|[A-Za-z0-9_-]{43}|[0-9a-f]{64}/.test(right.log + ahead.log)) tally.add('told');
      tally.add('crashes', [right, ahead].filter((node) => node.hasCrashed).length);
    });
  } finally {
    await time.drop(pids);
  }
}

/**
 * Tabs of both processes refresh one token at once: one successor, nobody refused. Where no process knows the age of what
 * the other did, by one key.
 */
async function race({ short, tally, newKey }, nodes, afterwards) {
  await rounds(short ? 20 : 300, 2, async (index) => {
    const began = performance.now();
    const login = await nodes[index % 2].login(`user${index % 50}`);
    const key = newKey?.();
    const answers = await Promise.all(
      Array.from({ length: TABS }, (_, tab) => nodes[tab % 2].refresh(login.refresh_token, key)),
    );
    tally.add('refreshes', TABS);
    tally.add('alarms', answers.filter((one) => one.body?.code === 'refresh_token_reused').length);
    const good = answers.filter((one) => one.status === 200).map((one) => one.body);
    if (good.length !== TABS) tally.add('wrongVerdicts');
    if (new Set(good.map(keyOf)).size !== 1) tally.add('forked');
    await afterwards?.({ index, began, login, fresh: good[0] });
  });
}

/** Tabs that come late, though within the interval by both clocks, when the successor was used already. */
async function lateTabs({ tally }, nodes, { began, login, fresh }) {
  await nodes[0].send('GET', '/auth/verify', { token: fresh.access_token });
  // The use is noted beside the request.
  await delay(100);
  const late = await Promise.all(nodes.map((node) => node.refresh(login.refresh_token)));
  if (performance.now() - began > LATE_MS) return tally.add('slowRounds');
  tally.add('verdicts', late.length);
  tally.add('alarms', late.filter((one) => one.body?.code === 'refresh_token_reused').length);
  if (late.some((one) => one.status !== 200 || keyOf(one.body) !== keyOf(fresh))) tally.add('wrongVerdicts');
}

async function judgeRotations({ tally }, nodes) {
  for (const [rotating, other] of [nodes, nodes.toReversed()]) {
    const [used, lost, keyless, current] = await Promise.all([0, 1, 2, 3].map((n) => rotating.login(`user${n}`)));
    const key = randomUUID();
    const attempts = [[used], [lost, key], [keyless], [current]];
    const [first, unheard, , held] = await Promise.all(
      attempts.map(async ([login, own]) => (await rotating.refresh(login.refresh_token, own)).body),
    );
    await rotating.send('GET', '/auth/verify', { token: first.access_token });
    await delay(300);
    const again = await rotating.refresh(used.refresh_token);
    expect(tally, 'a second tab, where it rotated', again, 200);
    if (again.status === 200 && keyOf(again.body) !== keyOf(first)) tally.add('forked');
    const replay = await other.refresh(used.refresh_token);
    expect(tally, 'the same, where that is five minutes away', replay, 401, 'refresh_token_reused');
    const retry = await other.refresh(lost.refresh_token, key);
    expect(tally, 'an answer that got lost', retry, 200);
    if (retry.status === 200 && keyOf(retry.body) !== keyOf(unheard)) tally.add('forked');
    const late = await other.refresh(keyless.refresh_token);
    expect(tally, 'the same without a key, five minutes away', late, 401, 'refresh_token_reused');
    const next = await other.refresh(held.refresh_token);
    expect(tally, 'the current token', next, 200);
    if (next.status === 200 && claimsOf(next.body.refresh_token).gen !== 2) tally.add('wrongVerdicts');
  }
}

/** A password change on the server that is ahead: afterwards the new one counts on both, at once, and the old one on none. */
async function judgePasswordChange({ tally }, nodes) {
  const [right, ahead] = nodes;
  const session = await ahead.login('user9');
  const change = { token: session.access_token, json: { password: 'another' } };
  const changed = await ahead.send('PUT', '/password', change);
  expect(tally, 'a password change', changed, 200);
  const verify = (node, token) => node.send('GET', '/auth/verify', { token });
  expect(tally, 'its new token', await verify(ahead, changed.body.access_token), 204);
  expect(tally, 'its new token, where the clock is right', await verify(right, changed.body.access_token), 204);
  expect(tally, 'the token of before', await verify(ahead, session.access_token), 401, 'invalid_token');
  for (const node of nodes) {
    const { access_token: token } = await node.login('user9', 'another');
    expect(tally, 'a login after it', await verify(node, token), 204);
    const old = { json: { username: 'user9', password: 'password' } };
    const refused = await node.send('POST', '/auth/login', old);
    expect(tally, 'a login with the old password', refused, 401, 'invalid_credentials');
  }
}

/** Both lifetimes are the five minutes that the clocks differ by. */
async function judgeExpiry({ tally }, [right, ahead]) {
  const verify = (node, session) => node.send('GET', '/auth/verify', { token: session.access_token });
  const early = await right.login('user1');
  expect(tally, 'access, over by the clock ahead', await verify(ahead, early), 401, 'token_expired');
  expect(
    tally,
    'refresh, over by the clock ahead',
    await ahead.refresh(early.refresh_token),
    401,
    'refresh_token_expired',
  );
  expect(tally, 'access, where it was given', await verify(right, early), 204);
  expect(tally, 'refresh, where it was given', await right.refresh(early.refresh_token), 200);
  const late = await ahead.login('user2');
  expect(tally, 'access, given by the clock ahead', await verify(right, late), 204);
  expect(tally, 'refresh, given by the clock ahead', await right.refresh(late.refresh_token), 200);
}

/** Counts a verdict, and tells one that is wrong. */
export function expect(tally, what, { status, body }, wanted, code) {
  tally.add('verdicts');
  if (status === wanted && (status < 300 || body?.code === code)) return;
  tally.add(body?.code === 'refresh_token_reused' ? 'alarms' : 'wrongVerdicts');
  console.log(`     ${what}: ${status} ${body?.code ?? ''}, not ${wanted} ${code ?? ''}`);
}

export function keyOf(answer) {
  return claimsOf(answer.refresh_token).token_key;
}
