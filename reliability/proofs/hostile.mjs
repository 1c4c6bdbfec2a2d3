// A hundred thousand hostile requests on every route: no 5xx, nothing accepted, no crash, no memory kept, and honest
// users served all the while. `--seed N` repeats a run's requests.
import { setTimeout as delay } from 'node:timers/promises';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { main, Tally, withApplication } from '../harness/harness.mjs';
import { CLIENT } from '../attacks/hostile-clients.mjs';
import { HonestUser } from '../harness/honest-user.mjs';
import { hostileRequest } from '../attacks/hostile-requests.mjs';
import { Random, seedOf } from '../attacks/random.mjs';
import { RawClient } from '../attacks/raw-client.mjs';

const COUNTS = { postgres: 40_000, mariadb: 7_000, sqlite: 3_000 };
const SHORT = { postgres: 600, mariadb: 300, sqlite: 200 };
const LANES = 12;
const HONEST_SHARE = 0.08;
const MEMORY_LIMIT = 50 * 2 ** 20;
const WARM_UP = 0.2;
const PATIENCE_MS = 10_000;
const FAULTS = ['errors', 'accepted', 'unanswered', 'crashes', 'harmed', 'stray', 'honestRefused', 'memory'];
const seed = seedOf();

await main(`hostile requests (seed ${seed})`, {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['lenient-transport', 'postgres'],
    ['careless-transport', 'postgres'],
    ['crashing-transport', 'postgres'],
    ['hoarding-transport', 'postgres'],
  ],
  run: async (kind, { short, plant }) => {
    const tally = new Tally();
    const adapters = plant ? ['express'] : ['express', 'fastify'];
    for (const adapter of adapters) {
      const settings = {
        kind,
        plant,
        adapter,
        processes: 1,
        users: 3 + 2 * LANES,
        routes: { debug: true, oauth: true, jwks: true },
      };
      // The tokens that are spoilt must stay good for the whole run, or refusing them would prove nothing.
      const options = {
        accessToken: { ttl: '6h' },
        issuer: 'https://auth.example.com',
        clients: [CLIENT],
        ...twoKeys(),
      };
      await withApplication({ ...settings, options, execArgv: ['--expose-gc'] }, (application) =>
        attack(application, tally, short || plant ? SHORT[kind] : COUNTS[kind]),
      );
    }
    return {
      figures: {
        requests: tally.of('requests'), honest: tally.of('honest'), refused: tally.of('refused'), closed: tally.of('closed'),
        passed: tally.of('passed'), grownKB: tally.counts.grownKB, residentKB: tally.counts.residentKB,
      },
      faults: Object.fromEntries(FAULTS.map((name) => [name, tally.of(name)])),
    }; // prettier-ignore
  },
});

/** One that signs, and a public one to be shown. */
function twoKeys() {
  const publicKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
  const secret = randomBytes(48).toString('base64');
  return { secret: undefined, keys: [{ kid: 'default', algorithm: 'HS256', secret }, { kid: 'shown', algorithm: 'ES256', publicKey }] };
} // prettier-ignore

async function attack({ nodes: [node], source }, tally, count) {
  const live = await liveTokens(node);
  const rows = await rowsOfVictims(source);
  const lanes = Array.from({ length: LANES }, (_, index) => ({
    client: new RawClient(node.port),
    honest: new HonestUser(node, `user${3 + index}`),
    loser: `user${3 + LANES + index}`,
    own: null,
    isUnheard: false,
  }));
  let next = 0;
  const until = (end) =>
    Promise.all(
      lanes.map(async (lane) => {
        while (next < end && !node.hasCrashed) await oneRequest(lane, node, live, tally, next++).catch(noted(tally));
      }),
    );
  await until(count * WARM_UP);
  const before = await memoryOf(node);
  await until(count);
  const after = await memoryOf(node);
  for (const { client } of lanes) client.drop();
  tally.add('crashes', Number(node.hasCrashed));
  if (node.hasCrashed) return;
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  tally.add('memory', Number(grown > MEMORY_LIMIT));
  (tally.counts.grownKB ??= []).push(Math.round(grown / 1024));
  (tally.counts.residentKB ??= []).push(Math.round((after.rss - before.rss) / 1024));
  for (const token of [...live.access, ...live.admin]) if (!(await node.isAlive(token))) tally.add('harmed');
  tally.add('stray', Math.abs((await rowsOfVictims(source)) - rows));
}

/** A login on the side that nobody answered; time for the end of a process to become known. */
function noted(tally) {
  return (error) => {
    report(tally, 'unanswered', error.message);
    return delay(100);
  };
}

async function oneRequest(lane, node, live, tally, index) {
  const random = new Random(seed, index);
  tally.add('requests');
  if (random.chance(HONEST_SHARE)) {
    tally.add('honest');
    const complaint = await lane.honest.step().catch((error) => error.message);
    if (complaint) report(tally, 'honestRefused', `request ${index}: ${complaint}`);
    return;
  }
  lane.own ??= await tokensOf(node, lane);
  const request = hostileRequest(random, { live, own: lane.own });
  const { method, bytes } = request;
  const title = `request ${index}: ${request.title}`;
  if (request.whole) {
    const { status, text } = await lane.client.exchange(bytes, method);
    judge(request, [status], tally, title);
    if (text.includes('"active":true') && !request.mayBeActive) report(tally, 'accepted', `${title} is active`);
    if (request.spends) spent(lane, status > 0);
  } else {
    const statuses = (await lane.client.provoke(bytes)) ?? [];
    judge(request, statuses, tally, title);
    if (request.spends) spent(lane, statuses.length > 0);
  }
}

function spent(lane, isHeard) {
  lane.own = null;
  lane.isUnheard = !isHeard;
}

function judge(request, statuses, tally, title) {
  for (const status of statuses) {
    if (status >= 500) report(tally, 'errors', `${title} answered ${status}`);
    else if (status >= 200 && status < 300 && !request.mayPass)
      report(tally, 'accepted', `${title} answered ${status}`);
    else if (status >= 200 && status < 300) tally.add('passed');
    else if (status >= 400) tally.add('refused');
    else if (request.whole && status === 0) report(tally, 'unanswered', title);
  }
  if (statuses.length === 0) tally.add('closed');
}

function report(tally, fault, text) {
  tally.add(fault);
  if (tally.of(fault) <= 3) console.log(`     ${fault}: ${text}`);
}

/** Tokens to spoil; their sessions must outlive all of it. */
async function liveTokens(node) {
  const victims = await Promise.all(
    ['user0', 'user1', 'user2'].flatMap((name) => [node.login(name), node.login(name)]),
  );
  const admins = await Promise.all([node.login('admin'), node.login('admin')]);
  return {
    access: victims.map((one) => one.access_token),
    refresh: victims.map((one) => one.refresh_token),
    admin: admins.map((one) => one.access_token),
  };
}

/** What ends all sessions, and was not waited for, may still be at work: it refuses the logins that began before it. */
async function tokensOf(node, { loser, isUnheard }) {
  const end = Date.now() + (isUnheard ? PATIENCE_MS : 0);
  for (;;) {
    try {
      const { access_token: access, refresh_token: refresh } = await node.login(loser);
      return { access, refresh };
    } catch (error) {
      if (Date.now() >= end) throw error;
      await delay(50);
    }
  }
}

async function rowsOfVictims(source) {
  const user = source.options.type === 'mariadb' ? '`userId`' : '"userId"';
  const ids = ['admin', 'user0', 'user1', 'user2'].map((name) => `'id-${name}'`);
  const [row] = await source.query(`SELECT COUNT(*) AS n FROM jwt_knox_sessions WHERE ${user} IN (${ids})`);
  return Number(row.n);
}

async function memoryOf(node) {
  return node.hasCrashed ? null : node.memory();
}
