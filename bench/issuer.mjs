// An issuer of tokens that other services verify: a process of its own, so that only theirs are measured. Its parent asks it
// for tokens, and to tell its revocation stream of ends.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { leaseCache, RevocationFeed } from 'nestjs-jwt-knox/cache';
import { issueTokens, startKnox } from './knox-host.mjs';

const FILE = fileURLToPath(import.meta.url);
const ISSUER = 'http://localhost:3000';
const CLIENT = { id: 'orders', secret: 'k7Tq2mWv9Xz4Rb8Ns3Lp6Yd1' };
const IDS_IN_NOTICE = 500;

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

/** In the parent: `{ options, tokens(), end(tokens), endOthers(count) }`, where `options` are those of a verifier. */
export async function startIssuer() {
  const child = fork(FILE, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const answer = () =>
    new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`The issuer ended with ${code}.`)));
    });
  const { port } = await answer();
  const ask = (question) => {
    child.send(question);
    return answer();
  };
  const base = `http://127.0.0.1:${port}`;
  const revocations = { uri: `${base}/auth/revocations`, client: CLIENT, onSilence: 'refuse' };
  return {
    options: { issuer: ISSUER, audience: CLIENT.id, jwks: { uri: `${base}/.well-known/jwks.json` } },
    revocations,
    /** Of the first so many users: `{ id, token }` each. */
    tokens: (count) => ask({ tokens: count }),
    /** Ends the session of a user's newest token. */
    end: (id) => ask({ end: id }),
    /** So many sessions end that no token is of. */
    endOthers: (count) => ask({ others: count }),
  };
}

async function serve() {
  const feed = new OwnFeed();
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  });
  const options = {
    secret: undefined,
    keys: [{ kid: '2026-11', algorithm: 'ES256', privateKey }],
    issuer: ISSUER,
    audience: CLIENT.id,
    clients: [{ ...CLIENT, may: ['revocations'] }],
    routes: { oauth: true, jwks: true, revocations: true },
  };
  const how = { platform: 'fastify', lookUp: 'anyone', options, features: [leaseCache({ feed })] };
  const database = { type: 'better-sqlite3', database: ':memory:', synchronize: true };
  const { port, tokens } = await startKnox(how, { database });
  const newest = new Map();
  const answers = {
    async tokens(count) {
      const issued = await issueTokens(tokens, count);
      for (const { id, issued: one } of issued) newest.set(id, one.session.id);
      return issued.map(({ id, issued: one }) => ({ id, token: one.accessToken }));
    },
    end: (id) => tokens.revoke(newest.get(id)),
    others(count) {
      for (let left = count; left > 0; left -= IDS_IN_NOTICE)
        feed.end(Array.from({ length: Math.min(left, IDS_IN_NOTICE) }, () => randomUUID()));
    },
  };
  process.on('message', async (question) => {
    const [[name, value]] = Object.entries(question);
    process.send((await answers[name](value)) ?? null);
  });
  process.on('disconnect', () => process.exit());
  process.send({ port });
}

if (process.argv[1] === FILE) await serve();
