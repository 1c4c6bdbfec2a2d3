// A service that checks signatures by itself, and the same when it hears which sessions end. Its issuer is a scenario too, in
// a process of its own, so that only the service is measured.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CurrentUser, JwtKnoxGuard } from 'nestjs-jwt-knox';
import { leaseCache, RevocationFeed } from 'nestjs-jwt-knox/cache';
import { JwtKnoxVerifierModule } from 'nestjs-jwt-knox/verifier';
import { PLATFORMS } from '../groups.mjs';
import { issueTokens, startKnox } from '../knox-host.mjs';
import { meController, startNest } from '../nest-host.mjs';
import { ServerProcess } from '../server-process.mjs';
import { meRequest, USERS } from '../tokens.mjs';

const ISSUER = 'http://localhost:3000';
const CLIENT = { id: 'orders', secret: 'k7Tq2mWv9Xz4Rb8Ns3Lp6Yd1' };
/** As many as a service keeps. */
const ENDS = 100_000;
const IDS_IN_NOTICE = 500;
/** What was issued in the first seconds of an issuer, nothing is known of. */
const FIRST_MS = 5_000;
const PATIENCE_MS = 30_000;
const MB = 2 ** 20;

/** Tells within this process, as a server of its own would: also what no session of it ended. */
class OwnFeed extends RevocationFeed {
  description = 'within the benchmark';
  isAnnouncedByStorage = false;

  async open(receiver) {
    this.receiver = receiver;
    const announce = async (notice) => receiver.receive(notice);
    return { fence: async () => undefined, announce, close: () => undefined };
  }

  end(ids) {
    this.receiver.receive(JSON.stringify({ ended: ids }));
  }
}

/** It prepares `tokens` of so many users, the `end` of the session of the newest, and ends of so many `others`. */
const issuer = {
  name: 'verified/issuer',
  about: 'what issues for the others of its group; not measured',
  async serve() {
    const feed = new OwnFeed();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const options = {
      keys: [{ kid: '2026-11', algorithm: 'ES256', privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) }],
      issuer: ISSUER,
      audience: CLIENT.id,
      clients: [{ ...CLIENT, may: ['revocations'] }],
      routes: { oauth: true, jwks: true, revocations: true },
    };
    const how = { platform: 'fastify', lookUp: 'anyone', options, features: [leaseCache({ feed })] };
    const database = { type: 'better-sqlite3', database: ':memory:', synchronize: true };
    const { port, tokens } = await startKnox(how, { database });
    let newest;
    const prepared = {
      async tokens(count) {
        const all = await issueTokens(tokens, count);
        newest = all.at(-1).issued.session.id;
        return all.map(({ id, issued }) => ({ id, token: issued.accessToken }));
      },
      end: () => tokens.revoke(newest),
      others(count) {
        for (let left = count; left > 0; left -= IDS_IN_NOTICE)
          feed.end(Array.from({ length: Math.min(left, IDS_IN_NOTICE) }, () => randomUUID()));
      },
    };
    return { port, requests: [], prepare: (count, what) => prepared[what](count) };
  },
};

/** @returns its port, and `ask`, which has it prepare something */
async function startIssuer() {
  const process = new ServerProcess();
  const { port } = await process.ask('serve', { scenario: issuer.name });
  return { port, ask: (what, count) => process.ask('prepare', { what, count }) };
}

function optionsOf(port, hears) {
  const base = `http://127.0.0.1:${port}`;
  const revocations = { uri: `${base}/auth/revocations`, client: CLIENT, onSilence: 'refuse' };
  const jwks = { uri: `${base}/.well-known/jwks.json`, ...(hears && { revocations }) };
  return { issuer: ISSUER, audience: CLIENT.id, jwks };
}

/** Asks until the answer has this status. @param tokenOf gives what to ask with */
async function untilAnswered(port, status, tokenOf) {
  const late = performance.now() + PATIENCE_MS;
  while (performance.now() < late) {
    const headers = { authorization: `Bearer ${await tokenOf()}` };
    const answer = await fetch(`http://127.0.0.1:${port}/me`, { headers });
    await answer.arrayBuffer();
    if (answer.status === status) return;
    await delay(50);
  }
  throw new Error(`The service did not answer ${status}.`);
}

function heap() {
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** @returns what the ends take in memory, MB */
async function hear(ask, port) {
  const before = heap();
  await ask('others', ENDS - 1);
  const [{ token }] = await ask('tokens', 1);
  await ask('end');
  // Told after all others.
  await untilAnswered(port, 401, () => token);
  // What came is on its way through buffers no more.
  await delay(2_000);
  return (heap() - before) / MB;
}

function verified(platform, hears) {
  return {
    name: `verified/${platform}/${hears ? 'revocations' : 'signature'}`,
    about: `JwtKnoxVerifierModule on ${platform}, jwks${hears ? ` with revocations, of which it keeps ${ENDS}` : ''}`,
    async serve() {
      const { port: issuing, ask } = await startIssuer();
      const { port } = await startNest(platform, {
        imports: [JwtKnoxVerifierModule.forRoot(optionsOf(issuing, hears))],
        controllers: [meController({ guard: JwtKnoxGuard, user: CurrentUser() })],
      });
      await delay(FIRST_MS);
      await untilAnswered(port, 200, async () => (await ask('tokens', 1))[0].token);
      const held = hears ? await hear(ask, port) : 0;
      const requests = (await ask('tokens', USERS)).map(({ id, token }) => meRequest(token, id));
      return { port, requests, held };
    },
  };
}

export const verifiedRequests = [
  issuer,
  ...PLATFORMS.flatMap((platform) => [false, true].map((hears) => verified(platform, hears))),
];
