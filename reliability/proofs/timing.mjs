// What a refusal must not tell by the time it takes: whether a user exists, and how much of a digest is right.
import { createHash } from 'node:crypto';
import { claimsOf, main, withApplication } from '../harness/harness.mjs';

/** Welch's t beyond this is a leak. */
const LIMIT = 4.5;
const USERS = 100;
const WARM_UP = 200;
/**
 * Of the times of all classes together, only this share is kept, the fastest ones, whatever their class: other load
 * speaks in the slow ones. The greatest t of these counts.
 */
const KEPT = [0.9, 0.5, 0.25];
const FEWEST = 20;

await main('timing', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['early-return', 'postgres'],
    ['early-return', 'mariadb'],
    ['early-return', 'sqlite'],
  ],
  run: (kind, { short, plant }) =>
    withApplication({ kind, plant, users: USERS, processes: 1, passwordCost: 1_024 }, async ({ nodes, source }) => {
      const samples = plant ? 1_200 : short ? 600 : 4_000;
      const digests = await wrongDigests(nodes[0], source);
      const logins = await failingLogins(nodes[0], source);
      const judged = { ...(await judge(samples, logins)), ...(await judge(samples, digests)) };
      const leaks = Object.values(judged).filter((ts) => ts.every((t) => Math.abs(t) >= LIMIT)).length;
      return { figures: { samples, t: judged }, faults: { leaks } };
    }),
});

/** Requests of the same length, each of a user by chance; every fifth user is disabled. */
async function failingLogins(node, source) {
  await source.query(`UPDATE app_users SET active = 0 WHERE username LIKE '%0' OR username LIKE '%5'`);
  const nameOf = (remainders) => {
    const tens = Math.floor(Math.random() * (USERS / 10 - 1)) + 1;
    return `${tens}${remainders[Math.floor(Math.random() * remainders.length)]}`;
  };
  const login = (username, password) => node.send('POST', '/auth/login', { json: { username, password } });
  return {
    'unknown user': () => login(`nope${nameOf([0, 1, 5, 6])}`, 'password'),
    'wrong password': () => login(`user${nameOf([1, 6])}`, 'passw0rd'),
    'disabled user': () => login(`user${nameOf([0, 5])}`, 'password'),
  };
}

/**
 * Live sessions whose row holds the digest of the token's key but for its first or its last byte: through the API,
 * nobody can choose a digest.
 */
async function wrongDigests(node, source) {
  const column = source.options.type === 'mariadb' ? '`accessDigest`' : '"accessDigest"';
  const sessionsWith = async (change) => {
    const tokens = [];
    for (let i = 0; i < 50; i++) {
      const { access_token: token, session_id: id } = await node.login(`user${i}`);
      const key = Buffer.from(claimsOf(token).token_key, 'base64url');
      const digest = createHash('sha256').update(key).digest();
      const [{ n }] = await source.query(
        `SELECT COUNT(*) AS n FROM jwt_knox_sessions WHERE id = '${id}' AND ${column} = '${digest.toString('hex')}'`,
      );
      if (Number(n) !== 1) throw new Error('The row does not hold the digest of its token key.');
      digest[change === 'first' ? 0 : 31] ^= 0xff;
      await source.query(`UPDATE jwt_knox_sessions SET ${column} = '${digest.toString('hex')}' WHERE id = '${id}'`);
      tokens.push(token);
    }
    return () => {
      const token = tokens[Math.floor(Math.random() * tokens.length)];
      return node.send('GET', '/auth/verify', { token });
    };
  };
  return { 'first byte': await sessionsWith('first'), 'last byte': await sessionsWith('last') };
}

/**
 * The t of each pair of classes. When one is beyond the limit, everything is measured once more, and only what is beyond
 * it both times counts as a leak: chance and a passing load do not repeat themselves, a leak does.
 */
async function judge(samples, classes) {
  const first = await measure(samples, classes);
  const pairs = Object.fromEntries(Object.entries(first).map(([pair, t]) => [pair, [t]]));
  if (Object.values(first).every((t) => Math.abs(t) < LIMIT)) return pairs;
  for (const [pair, t] of Object.entries(await measure(samples, classes))) pairs[pair].push(t);
  return pairs;
}

/** One request at a time, of a class by chance: whatever slows the machine meets all classes alike. */
async function measure(samples, classes) {
  const names = Object.keys(classes);
  const times = [];
  let answer;
  for (let i = -WARM_UP; i < samples; i++) {
    const name = names[Math.floor(Math.random() * names.length)];
    const { status, body, took } = await classes[name]();
    answer ??= JSON.stringify(body);
    if (status !== 401 || JSON.stringify(body) !== answer)
      throw new Error(`${name}: ${status} ${JSON.stringify(body)}, not alike.`);
    if (i >= 0) times.push({ name, took });
  }
  const pairs = names.flatMap((one, i) => names.slice(i + 1).map((other) => [one, other]));
  return Object.fromEntries(pairs.map(([one, other]) => [`${one} / ${other}`, greatestT(times, one, other)]));
}

function greatestT(times, one, other) {
  const sorted = times.map(({ took }) => took).toSorted((a, b) => a - b);
  const ts = KEPT.map((share) => {
    const slowest = sorted[Math.floor(sorted.length * share)];
    const [a, b] = [one, other].map((name) =>
      times.filter((time) => time.name === name && time.took < slowest).map(({ took }) => took),
    );
    return Math.min(a.length, b.length) < FEWEST ? 0 : welch(a, b);
  });
  return ts.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0];
}

/** Welch's t of two samples. */
function welch(one, other) {
  const describe = (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return { mean, error: variance / values.length };
  };
  const [a, b] = [describe(one), describe(other)];
  return Math.round(((a.mean - b.mean) / Math.sqrt(a.error + b.error)) * 100) / 100;
}
