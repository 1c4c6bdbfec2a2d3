// The revocation stream: services that verify tokens by themselves refuse an ended session within two seconds, whatever
// becomes of the connection to the issuer. Logouts while it is well, silent, cut, and at last the issuer is killed; with one
// process of the issuer, and with two, where sessions end on the one and the services follow the other.
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { TERMINATE } from '../harness/lease-faults.mjs';
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { startPythonVerifier } from '../harness/python-verifier.mjs';
import { startVerifyingService } from '../harness/verifying-service.mjs';

const { Gate } = createRequire(import.meta.url)('../../.cache/host');

const ISSUER = 'http://localhost:3000';
const CLIENT = { id: 'orders', secret: 'k7Tq2mWv9Xz4Rb8Ns3Lp6Yd1' };
/** In Node; one more is in Python. */
const SERVICES = 3;
const BOUND_MS = 2_000;
/** How long a service is watched after the bound. */
const WATCHED_MS = 500;
const OUTAGES = ['silent', 'shut'];

/** What issues, and where sessions end: one process, or two that hear of each other by PostgreSQL. */
const ISSUERS = {
  // First, as the quick form takes it alone: what one process does is a part of it.
  'postgres, two processes': { kind: 'postgres', processes: 2, cache: { feed: 'postgres' } },
  sqlite: { kind: 'sqlite', processes: 1, cache: { feed: 'local' } },
};

async function startService(options) {
  const { app, url } = await startVerifyingService(options);
  const statusOf = async (token) => {
    const answer = await fetch(`${url}/orders`, { headers: { authorization: `Bearer ${token}` } });
    await answer.arrayBuffer();
    return answer.status;
  };
  return { statusOf, close: () => app.close() };
}

async function startServices(base, plant) {
  const uris = { stream: `${base}/auth/revocations`, jwksUri: `${base}/.well-known/jwks.json` };
  const known = { issuer: ISSUER, audience: 'orders' };
  const onSilence = plant === 'accepts-unheard' ? 'accept-until-exp' : 'refuse';
  const revocations = { uri: uris.stream, client: CLIENT, onSilence };
  const jwks = { uri: uris.jwksUri, ...(plant !== 'deaf' && { revocations }) };
  const inNode = Array.from({ length: SERVICES }, () => startService({ ...known, jwks }));
  return Promise.all([...inNode, startPythonVerifier({ ...known, ...uris, client: CLIENT })]);
}

async function until(what, isSo, patience = 15_000) {
  const late = performance.now() + patience;
  while (!(await isSo())) {
    if (performance.now() > late) throw new Error(`${what}: not within ${patience} ms.`);
    await delay(20);
  }
}

const areAll = async (services, token, status) =>
  (await Promise.all(services.map((one) => one.statusOf(token)))).every((said) => said === status);

/** Ends a session, and asks every service until it refuses. Requests that were sent after the bound must be refused. */
async function endAndWatch({ issuer, services, token, tally, times, through }) {
  const { status } = await issuer.send('POST', '/auth/logout', { token });
  if (status !== 204) throw new Error(`Logout answered ${status}.`);
  const acknowledged = performance.now();
  const watch = async (service) => {
    for (;;) {
      const sent = performance.now() - acknowledged;
      const said = await service.statusOf(token);
      if (said === 200 && sent > BOUND_MS) tally.add('acceptedPastBound');
      if (said !== 200 || sent > BOUND_MS + WATCHED_MS) {
        if (said !== 200) times.push(performance.now() - acknowledged);
        if (said === 401 || !through) return;
      }
      if (through && sent > through) return;
      await delay(2);
    }
  };
  await Promise.all(services.map(watch));
}

async function calm(context, count) {
  await rounds(count, 4, async (round) => {
    const { access_token: token } = await context.issuer.login(`user${round % 4}`);
    if (!(await areAll(context.services, token, 200))) return context.tally.add('goodRefused');
    await endAndWatch({ ...context, token });
    context.tally.add('ended');
  });
}

async function outage(context, gate, state) {
  const { issuer, services, tally } = context;
  const { access_token: token } = await issuer.login('user0');
  const { access_token: other } = await issuer.login('user1');
  await until('Every service hears', () => areAll(services, token, 200));
  gate.turn(state);
  await endAndWatch({ ...context, times: [], token, through: BOUND_MS + WATCHED_MS });
  tally.add('endedUnheard');
  gate.turn('open');
  await until('Every service hears again', () => areAll(services, other, 200));
  if (!(await areAll(services, token, 401))) tally.add('acceptedAfterOutage');
}

/** The processes of the issuer lose their feeds as a session ends: what ended meanwhile, the followed one does not know. */
async function unheard(context, source) {
  const { issuer, services, tally } = context;
  const { access_token: token } = await issuer.login('user0');
  await untilKnown(context);
  await until('Every service hears', () => areAll(services, token, 200));
  await source.query(TERMINATE);
  await endAndWatch({ ...context, times: [], token, through: BOUND_MS + WATCHED_MS });
  tally.add('endedUnheard');
  await untilKnown(context);
  const said = await Promise.all(services.map((one) => one.statusOf(token)));
  if (said.includes(200)) tally.add('acceptedAfterOutage');
}

/** What was issued in the first seconds of a process, or of its feed, is unknown. */
const untilKnown = ({ issuer, services }) =>
  until('Tokens are known', async () => areAll(services, (await issuer.login('user0')).access_token, 200));

async function killed({ issuer, followed, services, tally }) {
  const { access_token: token } = await issuer.login('user0');
  await until('Every service hears', () => areAll(services, token, 200));
  followed.child.kill('SIGKILL');
  await delay(BOUND_MS);
  const said = await Promise.all(services.map((one) => one.statusOf(token)));
  tally.add('acceptedFromTheDead', said.filter((status) => status === 200).length);
}

async function run(kind, { short, plant }) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { kid: 'one', algorithm: 'ES256', privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) };
  const clients = [{ ...CLIENT, may: ['revocations'] }];
  const options = { secret: undefined, keys: [key], issuer: ISSUER, audience: 'orders', clients };
  const routes = { jwks: true, revocations: true };
  const settings = { ...ISSUERS[kind], users: 4, passwordCost: 2, options, routes };
  return withApplication(settings, async ({ nodes, source }) => {
    const [issuer, followed] = [nodes[0], nodes.at(-1)];
    const gate = new Gate(followed.port);
    await gate.open();
    const tally = new Tally();
    const times = [];
    let services = [];
    try {
      services = await startServices(`http://127.0.0.1:${gate.port}`, plant);
      const context = { issuer, followed, services, tally, times };
      await untilKnown(context);
      await delay(plant ? 0 : 5_500);
      await calm(context, plant ? 4 : short ? 100 : 2_000);
      for (let i = 0; i < (plant || short ? 1 : 20); i++) {
        for (const state of OUTAGES) await outage(context, gate, state);
        if (issuer !== followed && !plant) await unheard(context, source);
      }
      if (!plant) await killed(context);
    } finally {
      for (const service of services) await service.close();
      gate.turn('shut');
      gate.close?.();
    }
    const sorted = times.toSorted((one, other) => one - other);
    const at = (share) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? -1);
    const { acceptedPastBound = 0, acceptedAfterOutage = 0, acceptedFromTheDead = 0, goodRefused = 0, ...counts } =
      tally.counts; // prettier-ignore
    return {
      figures: { ...counts, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
      faults: { acceptedPastBound, acceptedAfterOutage, acceptedFromTheDead, goodRefused },
    };
  });
}

await main('revocation stream', {
  databases: Object.keys(ISSUERS),
  run,
  plants: [
    ['accepts-unheard', 'sqlite'],
    ['deaf', 'sqlite'],
  ],
});
