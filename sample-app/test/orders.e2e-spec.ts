import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, databaseKinds } from '../../test/support/databases.js';
import { firstOf, isLong } from '../../test/support/lengths.js';
import { BROKERS } from '../../test/support/brokers.js';
import { AppProcess, MAIN, NPM_START_SERVICES, ORDERS, START_TIMEOUT } from './support/app-process.js';

const ACCESS_TTL_MS = 8_000;

// Each test starts two processes.
describe.each(databaseKinds)('a second service, whose users log in at the first: %s', { timeout: 120_000 }, (kind) => {
  const running: AppProcess[] = [];
  let folder: string;
  let env: Record<string, string>;
  let drop: () => Promise<void> | void;

  beforeAll(() => AppProcess.build(), START_TIMEOUT);
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jwt-knox-orders-'));
    const key = join(folder, 'signing-key.pem');
    const database = kind === 'sqlite' ? undefined : await createDatabase(kind);
    drop = database?.drop ?? (() => undefined);
    env = {
      DATABASE_URL: (database?.options as { url: string })?.url ?? `sqlite:${join(folder, 'data.sqlite')}`,
      SIGNING_KEY: key,
      VERIFYING_KEY: `${key}.pub`,
      ISSUER: 'http://localhost:3000',
      AUDIENCE: 'notes,orders',
      ORDERS_SECRET: randomBytes(24).toString('hex'),
      ORDERS_PORT: '0',
      ACCESS_TTL: `${ACCESS_TTL_MS / 1_000}s`,
      REUSE_INTERVAL: '1s',
    };
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.stop()));
    await drop();
    rmSync(folder, { recursive: true });
  });

  async function startBoth(mode: string) {
    const main = await AppProcess.start(env, MAIN);
    running.push(main);
    const orders = await AppProcess.start({ ...env, ORDERS_MODE: mode, ISSUER_URL: main.url }, ORDERS);
    running.push(orders);
    return { main, orders };
  }
  const ask = (orders: AppProcess, token: string) => orders.http.send('GET', '/orders', { token });

  it.each(firstOf(['introspect', 'shared-database'], 1))(
    'in mode %s lets them in, and not a moment after they logged out',
    async (mode) => {
      const { main, orders } = await startBoth(mode);
      const { access_token: token, session_id } = await main.login('alice');
      const answer = await ask(orders, token);
      expect([answer.status, answer.body.session_id, answer.body.orders.length]).toEqual([200, session_id, 1]);
      expect((await main.http.send('POST', '/auth/logout', { token })).status).toBe(204);
      expect((await ask(orders, token)).body).toMatchObject({ statusCode: 401, code: 'invalid_token' });
      expect((await orders.http.send('GET', '/orders')).headers['www-authenticate']).toBe('Bearer realm="jwt-knox"');
      expect((await orders.http.send('GET', '/orders/health')).status).toBe(200);
    },
  );

  it.runIf(isLong())('in mode jwks lets them in until their token expires, logged out or not', async () => {
    const { main, orders } = await startBoth('jwks');
    const { access_token: token } = await main.login('alice');
    const issued = performance.now();
    await main.http.send('POST', '/auth/logout', { token });
    expect((await ask(orders, token)).status).toBe(200);
    // A token's times are whole seconds: it may end up to one earlier.
    await delay(ACCESS_TTL_MS - (performance.now() - issued));
    expect((await ask(orders, token)).body).toMatchObject({ statusCode: 401, code: 'token_expired' });
  });

  const WHILE_DOWN = [
    ['introspect', 503],
    ['jwks', 200],
    ['shared-database', 200],
  ] as const;

  it.each(firstOf(WHILE_DOWN, 1))('in mode %s answers %i while the first service is down', async (mode, expected) => {
    const { main, orders } = await startBoth(mode);
    const { access_token: token } = await main.login('alice');
    expect((await ask(orders, token)).status).toBe(200);
    await main.stop();
    const { status, headers } = await ask(orders, token);
    expect([status, headers['retry-after']]).toEqual([expected, expected === 503 ? '1' : undefined]);
  });

  it('is asked over NATS in the name of the caller, and judges the token by itself', async () => {
    Object.assign(env, { ORDERS_TRANSPORT: 'nats', NATS_URL: BROKERS.nats });
    const { main, orders } = await startBoth('introspect');
    const mine = (token?: string) => main.http.send('GET', '/my-orders', { token });
    const { access_token: token, session_id } = await main.login('alice');
    const { status, body } = await mine(token);
    expect([status, body.session_id, body.orders.length]).toEqual([200, session_id, 1]);
    expect(body).toEqual((await ask(orders, token)).body);
    const login = { username: 'alice', password: 'alice-password' };
    const browser = { 'sec-fetch-site': 'same-origin' };
    const page = await main.http.send('POST', '/auth/login', { json: login, headers: browser });
    const cookie = (page.headers['set-cookie'] as string[]).map((one) => one.split(';')[0]).join('; ');
    const asked = await main.http.send('GET', '/my-orders', { headers: { ...browser, cookie } });
    expect([asked.status, asked.body.session_id]).toEqual([200, page.body.session_id]);
    expect((await mine()).body).toMatchObject({ statusCode: 401, code: 'missing_token' });
    expect((await main.http.send('POST', '/auth/logout', { token })).status).toBe(204);
    expect((await mine(token)).body).toMatchObject({ statusCode: 401, code: 'invalid_token' });
    const { access_token: later } = await main.login('alice');
    await orders.stop();
    expect((await mine(later)).body).toMatchObject({ statusCode: 503, code: 'orders_unavailable' });
  });

  it.runIf(isLong())('is not asked over NATS unless that is on', async () => {
    const { main } = await startBoth('introspect');
    const { access_token: token } = await main.login('alice');
    expect((await main.http.send('GET', '/my-orders', { token })).status).toBe(404);
  });

  it.runIf(isLong())('has nothing to sign with: the public half of the key is all it is given', async () => {
    await startBoth('shared-database');
    expect(statSync(env.SIGNING_KEY!).mode & 0o777).toBe(0o600);
    expect(existsSync(env.VERIFYING_KEY!)).toBe(true);
    rmSync(env.SIGNING_KEY!);
    const orders = await AppProcess.start({ ...env, SIGNING_KEY: '', ORDERS_MODE: 'shared-database' }, ORDERS);
    running.push(orders);
    const { access_token: token } = await running[0]!.login('alice');
    expect((await ask(orders, token)).status).toBe(200);
  });

  it('starts with the first by one command, and ends with it', async () => {
    const { SIGNING_KEY, DATABASE_URL } = env as { SIGNING_KEY: string; DATABASE_URL: string };
    const both = await AppProcess.start({ SIGNING_KEY, DATABASE_URL, ORDERS_PORT: '0' }, NPM_START_SERVICES);
    running.push(both);
    const ordersUrl = await both.says(/^Orders are listening on (\S+), in mode introspect$/m);
    const { access_token: token } = await both.login('alice');
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${ordersUrl}/orders`, { headers })).status).toBe(200);
    await both.http.send('POST', '/auth/logout', { token });
    expect((await fetch(`${ordersUrl}/orders`, { headers })).status).toBe(401);
    await both.stop();
    await expect(fetch(`${ordersUrl}/orders`)).rejects.toThrow('fetch failed');
  });
});
