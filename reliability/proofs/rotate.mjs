// The signing key is changed, by rolling deployments of two processes under constant traffic, beside a second service
// that verifies by the public keys: nothing fails. Then the drill for when key and database are both in a thief's hands.
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Balancer } from '../harness/balancer.mjs';
import { main, Tally, withApplication } from '../harness/harness.mjs';
import { startVerifyingService } from '../harness/verifying-service.mjs';

const ISSUER = 'http://localhost';
const AUDIENCE = 'orders';
const KEYS_MAX_AGE_MS = 1_000;
const LANES = 8;
/** Naive ways of the drill: the rotation before it is left out. */
const DRILL_PLANTS = ['no-new-key', 'no-revocation'];

const LIFETIMES = {
  accessToken: { ttl: '15s' },
  refreshToken: { reuseInterval: '2s' },
  // The longest that a token of the old key can live: what step 3 waits for.
  session: { idleTimeout: '25s' },
};
const IDLE_TIMEOUT_MS = 25_000;
/** How long a sleepy user is away: late enough for the old key to be gone, if it went too early. */
const AWAY_MS = 15_000;

function newKey(kid) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { kid, algorithm: 'ES256', privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) };
}

const optionsWith = (...keys) => ({ keys, issuer: ISSUER, audience: AUDIENCE, ...LIFETIMES });

async function send(url, { method = 'GET', token, json } = {}) {
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(json && { 'content-type': 'application/json' }),
  };
  const response = await fetch(url, { method, headers, body: json && JSON.stringify(json) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/** Everybody who is at work while keys change. What should have succeeded and did not is counted as failed. */
class Traffic {
  tally = new Tally();
  ended = false;

  constructor(issuer, orders) {
    this.issuer = issuer;
    this.orders = orders;
  }

  async ask(what, url, message) {
    const { status, body } = await send(url, message).catch((error) => ({ status: error.message, body: null }));
    const isWell = status === 200 || status === 204;
    this.tally.add(isWell ? 'requests' : 'failed');
    if (!isWell) this.tally.add(`${what} ${status}`);
    return isWell ? (body ?? {}) : null;
  }

  login(name) {
    return this.ask('login', `${this.issuer}/auth/login`, {
      method: 'POST',
      json: { username: name, password: 'password' },
    });
  }

  refresh({ refresh_token }) {
    return this.ask('refresh', `${this.issuer}/auth/refresh`, { method: 'POST', json: { refresh_token } });
  }

  async use({ access_token: token }) {
    await this.ask('verify', `${this.issuer}/auth/verify`, { token });
    await this.ask('orders', `${this.orders}/orders`, { token });
  }

  /** Uses its token all the time, and refreshes it every second or so. */
  async busy(name) {
    let tokens = await this.login(name);
    while (!this.ended && tokens) {
      for (const end = performance.now() + 1_200; performance.now() < end;) {
        await this.use(tokens);
        await delay(20);
      }
      tokens = await this.refresh(tokens);
    }
  }

  /** Logs in, goes away, and comes back while the refresh token still counts. */
  async sleepy(name) {
    while (!this.ended) {
      const tokens = await this.login(name);
      if (!tokens) return;
      await delay(AWAY_MS);
      const next = await this.refresh(tokens);
      if (next) await this.use(next);
    }
  }

  start() {
    const lanes = Array.from({ length: LANES }, (_, i) => this.busy(`user${i}`));
    // One sets out every second, so that at each step of the rotation some are away.
    for (let i = 0; i < 2 * LANES; i++) lanes.push(delay(i * 1_000).then(() => this.sleepy(`user${i % LANES}`)));
    return async () => {
      this.ended = true;
      await Promise.all(lanes);
    };
  }
}

async function rotateUnderTraffic({ orders, ...parts }) {
  const traffic = new Traffic(parts.balancer.url, orders);
  const settle = traffic.start();
  await delay(3_000);
  const { steps, published } = await rotate(parts);
  await settle();
  const { failed = 0, ...counts } = traffic.tally.counts;
  return {
    figures: { ...counts, steps, published },
    faults: { failed, oldKeyStillPublished: Number(published !== 'fresh') },
  };
}

async function rotate({ balancer, deploy, old, fresh, plant }) {
  const steps = {};
  const began = performance.now();
  const done = (step) => (steps[step] = Math.round(performance.now() - began));
  if (plant !== 'no-first-step') {
    await deploy(old, fresh);
    await delay(KEYS_MAX_AGE_MS);
    done('published');
  }
  await deploy(fresh, old);
  done('promoted');
  if (plant !== 'no-draining') await delay(IDLE_TIMEOUT_MS);
  await deploy(fresh);
  await delay(KEYS_MAX_AGE_MS);
  done('removed');
  const { body } = await send(`${balancer.url}/.well-known/jwks.json`);
  return { steps, published: body.keys.map(({ kid }) => kid).join() };
}

/** A session of the victim's and a token for it, made by somebody who holds the signing key and writes to the database. */
async function burgle(source, key) {
  const id = randomUUID();
  const tokenKey = randomBytes(32);
  const now = Date.now();
  const row = {
    id, userId: 'id-user0', accessDigest: createHash('sha256').update(tokenKey).digest('hex'), generation: 0, createdAt: now - 60_000,
    authenticatedAt: now - 60_000, expiresAt: now + 3_600_000, lastUsedAt: now,
  }; // prettier-ignore
  await source.createQueryBuilder().insert().into('jwt_knox_sessions', Object.keys(row)).values(row).execute();
  const seconds = Math.floor(now / 1_000);
  const parts = [
    { alg: 'ES256', kid: key.kid, typ: 'at+jwt' },
    {
      iss: ISSUER, aud: AUDIENCE, client_id: ISSUER, sub: row.userId, sid: id, jti: randomUUID(), iat: seconds, exp: seconds + 3_000, gen: 0,
      token_key: tokenKey.toString('base64url'),
    },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')); // prettier-ignore
  const signature = sign('sha256', Buffer.from(parts.join('.')), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${parts.join('.')}.${signature.toString('base64url')}`;
}

/** Both locks are open: the thief has the key and the database. A new key without draining, and no session of before. */
async function drill({ balancer, source, deploy, orders, stolen, next, plant }) {
  const { url } = balancer;
  const honest = await send(`${url}/auth/login`, { method: 'POST', json: { username: 'user1', password: 'password' } });
  const forged = await burgle(source, stolen);
  const doors = [`${url}/auth/verify`, `${orders}/orders`];
  const opened = async (token) => {
    const answers = await Promise.all(doors.map((door) => send(door, { token })));
    return answers.filter(({ status }) => status < 300).length;
  };
  const openedBefore = await opened(forged);
  const began = performance.now();
  if (plant !== 'no-new-key') await deploy(next);
  if (plant !== 'no-revocation') await balancer.nodes[0].ask('revokeBefore', Date.now());
  await delay(KEYS_MAX_AGE_MS);
  const drillMs = Math.round(performance.now() - began);
  const left = await source.query('SELECT COUNT(*) AS n FROM jwt_knox_sessions');
  const again = await send(`${url}/auth/login`, { method: 'POST', json: { username: 'user1', password: 'password' } });
  return {
    figures: { drillMs },
    faults: {
      burglaryFailedBefore: doors.length - openedBefore,
      forgedStillOpens: await opened(forged),
      oldStillOpens: await opened(honest.body.access_token),
      oldStillRefreshes: Number(
        (await send(`${url}/auth/refresh`, { method: 'POST', json: { refresh_token: honest.body.refresh_token } }))
          .status < 300,
      ),
      sessionsLeft: Number(left[0].n),
      newLoginRefused: doors.length - (await opened(again.body.access_token)),
    },
  };
}

async function run(kind, { plant }) {
  const [old, fresh, next] = ['old', 'fresh', 'next'].map(newKey);
  const routes = { jwks: true };
  const settings = { kind, users: LANES, passwordCost: 2, routes, options: { secret: undefined, ...optionsWith(old) } };
  return withApplication(settings, async ({ nodes, source, launch }) => {
    const balancer = new Balancer();
    balancer.nodes.push(...nodes);
    await balancer.open();
    const orders = await startVerifyingService({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks: { uri: `${balancer.url}/.well-known/jwks.json`, maxAge: '1s', cooldown: '1s' },
    });
    const deploy = (...keys) => balancer.replaceAll(() => launch({ options: optionsWith(...keys) }));
    try {
      const isOfDrill = DRILL_PLANTS.includes(plant);
      const calm = isOfDrill
        ? {}
        : await rotateUnderTraffic({ balancer, orders: orders.url, deploy, old, fresh, plant });
      const stolen = isOfDrill ? old : fresh;
      const thief = await drill({ balancer, source, deploy, orders: orders.url, stolen, next, plant });
      return { figures: { ...calm.figures, ...thief.figures }, faults: { ...calm.faults, ...thief.faults } };
    } finally {
      await orders.app.close();
      balancer.close();
    }
  });
}

await main('key rotation', {
  databases: ['postgres', 'mariadb'],
  run,
  plants: [
    ['no-first-step', 'postgres'],
    ['no-draining', 'postgres'],
    ...DRILL_PLANTS.map((plant) => [plant, 'postgres']),
  ],
});
