import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { createClient as createClientOf4 } from 'redis-4';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { leaseCache, redisFeed, type RedisFeedOptions } from '../../lib/cache';
import { revocationFeedContract } from '../../lib/testing';
import { Gate } from '../host/gate';
import { BROKERS } from '../support/brokers';
import { createApp, type TestApp } from '../support/create-app';
import { createSharedDatabase, type TestDatabase } from '../support/databases';
import { platforms } from '../support/platforms';

const { redis: url } = BROKERS;

/** Each way to reach Redis, and how a client is told its name: by that the server ends it. */
const CLIENTS: Record<string, (name: string) => RedisFeedOptions> = {
  'node-redis, RESP2': (name) => ({ url, createClient, options: { name, RESP: 2 } }),
  'node-redis, RESP3': (name) => ({ url, createClient, options: { name, RESP: 3 } }),
  'node-redis 4': (name) => ({ url, createClient: createClientOf4, options: { name } }),
  ioredis: (name) => ({ url, Redis, options: { connectionName: name } }),
};

const operator = new Redis(url, { lazyConnect: true });
beforeAll(() => operator.connect());
afterAll(() => operator.disconnect());

/** The connections of this name, as the server has them. */
async function connectionsOf(name: string): Promise<string[]> {
  const list = (await operator.call('CLIENT', 'LIST')) as string;
  return list.split('\n').flatMap((line) => (line.includes(` name=${name} `) ? /^id=(\d+)/.exec(line)![1]! : []));
}

/** Ends the connections of this name, at the server. */
async function endConnections(name: string): Promise<void> {
  for (const id of await connectionsOf(name)) await operator.call('CLIENT', 'KILL', 'ID', id);
}

/** The same, and each client that is made. */
function watched(options: RedisFeedOptions): { options: RedisFeedOptions; made: any[] } {
  const made: any[] = [];
  const kept = <T>(client: T): T => (made.push(client), client);
  if ('createClient' in options) {
    return { options: { ...options, createClient: (given) => kept(options.createClient(given)) }, made };
  }
  const Watched = class {
    constructor(...args: ConstructorParameters<typeof Redis>) {
      return kept(new Redis(...args));
    }
  };
  return { options: { ...options, Redis: Watched }, made };
}

/** What Redis Enterprise says before maintenance: clients that speak RESP3 move to the address, by themselves. */
const moving = (address: string) => `>4\r\n$6\r\nMOVING\r\n:1\r\n:15\r\n$${address.length}\r\n${address}\r\n`;

describe.each(Object.entries(CLIENTS))('Redis by %s', (title, optionsOf) => {
  revocationFeedContract(
    title,
    async () => {
      const name = `feed-${randomBytes(6).toString('hex')}`;
      return { feed: redisFeed(optionsOf(name)), cut: () => endConnections(name) };
    },
    { describe, it: (test, body) => it(test, body, 60_000) },
  );

  const unheard = { receive: () => undefined, lost: () => undefined };
  const setting = { database: null, announcesUsers: false, lease: 100 };

  it.each([0, 1, 2, 5, 20])('an opening that is given up after %d ms leaves no connection', async (ms) => {
    const sockets: Socket[] = [];
    const note = (made: unknown) => void sockets.push((made as { socket: Socket }).socket);
    subscribe('net.client.socket', note);
    try {
      const late = new AbortController();
      const opening = redisFeed(optionsOf('late')).open(unheard, setting, late.signal);
      const over = opening.then((connection) => connection.close()).catch(() => undefined);
      if (ms > 0) await new Promise((go) => setTimeout(go, ms));
      late.abort();
      await over;
      if (ms === 20) expect(sockets).toHaveLength(2);
      await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
    } finally {
      unsubscribe('net.client.socket', note);
    }
  });

  it('leaves no connection when it is closed', async () => {
    const name = `closed-${randomBytes(6).toString('hex')}`;
    const connection = await redisFeed(optionsOf(name)).open(unheard, setting, new AbortController().signal);
    expect(await connectionsOf(name)).toHaveLength(2);
    connection.close();
    await expect.poll(() => connectionsOf(name)).toEqual([]);
  });

  it('a fence rejects when the connection listens no more, however well the server answers it', async () => {
    const { options, made } = watched(optionsOf('deaf'));
    const connection = await redisFeed(options).open(unheard, setting, new AbortController().signal);
    try {
      await connection.fence();
      await made[0].unsubscribe();
      await expect(connection.fence()).rejects.toThrow('The connection does not listen any more.');
    } finally {
      connection.close();
    }
  });

  it('a fence that the server has sent, and nobody heard, rejects when the connection is lost, as do those after it', async () => {
    const gate = new Gate(Number(new URL(url).port || 6379));
    await gate.open();
    const { options, made } = watched(optionsOf('unheard'));
    const through = { ...options, url: `redis://127.0.0.1:${gate.port}` };
    const losses: unknown[] = [];
    const receiver = { ...unheard, lost: (cause?: unknown) => void losses.push(cause) };
    const connection = await redisFeed(through).open(receiver, setting, new AbortController().signal);
    try {
      await connection.fence();
      // Of the first, which listens: the second sends.
      gate.silence({ every: 2 });
      const owed = connection.fence().then(
        () => 'answered',
        () => 'rejected',
      );
      // Answers come in their order: the server has sent the fence.
      await made[1].ping();
      gate.turn('open');
      await expect.poll(() => losses.length).toBeGreaterThan(0);
      expect(await Promise.race([owed, delay(2_000, 'unanswered')])).toBe('rejected');
      await expect(connection.fence()).rejects.toThrow();
    } finally {
      connection.close();
      gate.close();
    }
  });

  describe('two processes', () => {
    const apps: TestApp[] = [];
    const name = `app-${randomBytes(6).toString('hex')}`;
    let database: TestDatabase;

    const start = async (change: object = {}) => {
      database ??= await createSharedDatabase('sqlite');
      const feed = redisFeed({ ...optionsOf(name), ...change } as RedisFeedOptions);
      const cache = leaseCache({ feed, users: { announcedBy: 'application' } });
      const app = await createApp(platforms[0]!, 'sqlite', { database, extras: { features: [cache] } });
      apps.push(app);
      return app;
    };
    const status = async (app: TestApp, token: string) => (await app.http.get('/notes', { token })).status;
    const isFromMemory = async (app: TestApp, token: string) => {
      const before = app.statements.length;
      expect(await status(app, token)).toBe(200);
      return app.statements.length === before;
    };
    const warm = (app: TestApp, token: string) =>
      expect.poll(() => isFromMemory(app, token), { timeout: 20_000 }).toBe(true);

    afterEach(async () => {
      for (const app of apps.splice(0)) await app.close();
      await database?.drop();
      database = undefined as never;
    });

    it('L1: an end of each kind that was acknowledged in one process counts in the other', async () => {
      const [a, b] = [await start(), await start()];
      const alice = await a.users.add('alice');
      const login = async () => (await a.login()).access_token as string;
      const [one, two, three, four] = [await login(), await login(), await login(), await login()];
      for (const token of [one, two, three, four]) await warm(b, token);
      expect((await a.http.post('/auth/logout', { token: one })).status).toBe(204);
      expect([await status(b, one), await status(b, two)]).toEqual([401, 200]);
      await a.http.post('/auth/logout-other', { token: two });
      expect([await status(b, three), await status(b, two)]).toEqual([401, 200]);
      const renewed = await a.tokens.reauthenticate((await a.tokens.authenticate(two)).session);
      expect(await status(b, two)).toBe(401);
      await warm(b, renewed.accessToken);
      await a.tokens.revokeAll(String(alice.id));
      expect(await status(b, renewed.accessToken)).toBe(401);
    });

    it('L1: an end counts where clients were told to move to another socket', async () => {
      const gate = new Gate(Number(new URL(url).port || 6379));
      await gate.open();
      const address = `127.0.0.1:${gate.port}`;
      try {
        const [a, b] = [await start(), await start({ url: `redis://${address}` })];
        await a.users.add('alice');
        for (const moves of [false, true]) {
          const token = (await a.login()).access_token as string;
          if (moves) gate.push(moving(address));
          await warm(b, token);
          // A client that moves has done so by now, or is seen to have lost its connection.
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          await warm(b, token);
          expect((await a.http.post('/auth/logout', { token })).status).toBe(204);
          expect(await status(b, token)).toBe(401);
        }
      } finally {
        for (const app of apps.splice(0)) await app.close();
        gate.close();
      }
    });

    it('L3: while its connections are ended over and over, nobody who is logged out comes in, and nobody else stays out', async () => {
      const [a, b] = [await start(), await start()];
      await a.users.add('alice');
      const stays = (await a.login()).access_token as string;
      for (let count = 0; count < 3; count++) {
        const token = (await a.login()).access_token as string;
        await warm(b, token);
        const [ended] = await Promise.all([a.http.post('/auth/logout', { token }), endConnections(name)]);
        expect([204, 503]).toContain(ended.status);
        if (ended.status === 204) expect(await status(b, token)).toBe(401);
        expect(await status(b, stays)).toBe(200);
        await warm(b, stays);
      }
    });
  });
});
