import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageUnavailableError } from '../../lib';
import { FeedSetupError, leaseCache } from '../../lib/cache';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { BusFeed } from '../support/bus-feed';
import { type Control, controlledRepository } from '../support/controlled-repository';
import { createApp, type TestApp } from '../support/create-app';
import { createSharedDatabase, type TestDatabase } from '../support/databases';
import { oauthOptions, postForm } from '../support/oauth';
import { platforms } from '../support/platforms';
import { User } from '../support/users';
import { notingLogger } from '../support/noting-logger';

describe('ends that others were not told of, with a feed beside the storage', () => {
  const bus = new EventEmitter();
  let database: TestDatabase;
  let control: Control;
  let feed: BusFeed;
  let apps: TestApp[] = [];

  const start = async (own: BusFeed, storage?: object, logger?: object) => {
    const features = [leaseCache({ feed: own, users: { announcedBy: 'application' } })];
    const app = await createApp(platforms[0]!, 'sqlite', {
      database,
      typeorm: { entities: [User, JwtKnoxSession, JwtKnoxFence] },
      options: oauthOptions,
      extras: { features, routes: { oauth: true }, ...storage },
      logger,
    });
    apps.push(app);
    return app;
  };
  const status = async (app: TestApp, token: string) => (await app.http.get('/notes', { token })).status;
  /** A session that is in the memory of these processes. */
  const warmed = async (...all: TestApp[]) => {
    const { access_token: token } = await all[0]!.login();
    for (const app of all) {
      expect(await status(app, token)).toBe(200);
      const before = app.statements.length;
      await expect.poll(() => status(app, token)).toBe(200);
      expect(app.statements.length).toBe(before);
    }
    return token as string;
  };
  const logout = async (app: TestApp, token: string) => (await app.http.post('/auth/logout', { token })).status;

  beforeEach(async () => {
    database = await createSharedDatabase('sqlite');
    const controlled = controlledRepository();
    control = controlled.control;
    feed = new BusFeed(bus);
    const a = await start(feed, { storage: controlled.storage });
    await a.users.add('alice');
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    apps = [];
    await database.drop();
  });

  it('L1: a logout that is repeated, since its first answer was lost, is final when it is answered', async () => {
    const [a, b] = [apps[0]!, await start(new BusFeed(bus))];
    const token = await warmed(a, b);
    control.intercept = async (method, proceed) => {
      const answer = await proceed();
      if (method === 'deleteById') throw Object.assign(new Error('The answer was lost.'), { code: 'ECONNRESET' });
      return answer;
    };
    expect(await logout(a, token)).toBe(503);
    control.heal();
    expect(await logout(a, token)).toBe(401);
    expect(await status(b, token)).toBe(401);
  });

  it('L1: so is one that is repeated while others cannot be told: nobody says that it is over before they are', async () => {
    const [a, b] = [apps[0]!, await start(new BusFeed(bus))];
    const token = await warmed(a, b);
    feed.isDown = true;
    expect([await logout(a, token), await logout(a, token)]).toEqual([503, 503]);
    feed.isDown = false;
    expect(await logout(a, token)).toBe(401);
    expect(await status(b, token)).toBe(401);
  });

  it('L1: so is one that is repeated at another process, of an end that it has not heard of', async () => {
    const [a, b, c] = [apps[0]!, await start(new BusFeed(bus)), await start(new BusFeed(bus))];
    const token = await warmed(a, b);
    feed.isDown = true;
    expect(await logout(a, token)).toBe(503);
    expect(await logout(c, token)).toBe(401);
    expect(await status(b, token)).toBe(401);
  });

  it('L1: so is an end by a client that is repeated, although its token is none any more', async () => {
    const [a, b] = [apps[0]!, await start(new BusFeed(bus))];
    const token = await warmed(a, b);
    const revoke = async () => (await postForm(a.http, '/auth/revoke', { token })).status;
    feed.isDown = true;
    expect([await revoke(), await revoke()]).toEqual([503, 503]);
    feed.isDown = false;
    expect(await revoke()).toBe(200);
    expect(await status(b, token)).toBe(401);
  });

  it('L1: so is a narrowing that is repeated, although nothing is left to narrow', async () => {
    const [a, b, c] = [apps[0]!, await start(new BusFeed(bus)), await start(new BusFeed(bus))];
    const token = await warmed(a, b);
    const { id } = (await a.tokens.authenticate(token)).session;
    const scopesAt = async (app: TestApp) => (await app.tokens.authenticate(token)).session.scopes;
    feed.isDown = true;
    await expect(a.tokens.narrow(id, ['orders:read'])).rejects.toThrow(StorageUnavailableError);
    await expect(a.tokens.narrow(id, ['orders:read'])).rejects.toThrow(StorageUnavailableError);
    expect(await c.tokens.narrow(id, ['orders:read'])).toBe(true);
    expect(await scopesAt(b)).toBe('orders:read');
  });

  it('L1: so is a narrowing of a session that is gone', async () => {
    const [a, b, c] = [apps[0]!, await start(new BusFeed(bus)), await start(new BusFeed(bus))];
    const token = await warmed(a, b);
    const { id } = (await a.tokens.authenticate(token)).session;
    feed.isDown = true;
    expect(await logout(a, token)).toBe(503);
    expect(await c.tokens.narrow(id, ['orders:read'])).toBe(false);
    expect(await status(b, token)).toBe(401);
  });

  it('L1: a notice of a later version, which this one does not know, makes it forget all', async () => {
    const [a] = apps as [TestApp];
    const token = await warmed(a);
    await a.source.query('DELETE FROM jwt_knox_sessions');
    expect(await status(a, token)).toBe(200);
    bus.emit('notice', '{"ofALaterVersion":["everything"]}');
    expect(await status(a, token)).toBe(401);
  });

  it('does not start where a fence finds for good that nothing would be heard, as behind a pooler', async () => {
    const refused = start(new BusFeed(bus, () => Promise.reject(new FeedSetupError('bus: set its own address.'))));
    await expect(refused).rejects.toThrow('leaseCache is misconfigured (1 problem):\n  - bus: set its own address.');
  });

  it('tells once of a feed that connects and does not answer, and calls it connected when a fence came back', async () => {
    const lines: string[] = [];
    const note = (...words: unknown[]) => lines.push(words.map(String).join(' '));
    const logger = notingLogger(note, 'log', 'warn', 'error');
    let answers = false;
    const own = new BusFeed(bus, async () => {
      if (!answers) throw new Error('It does not listen.');
    });
    await start(own, undefined, logger);
    const told = () => lines.flatMap((line) => /jwt-knox:(feed-[a-z]+)/.exec(line)?.[1] ?? []);
    await expect.poll(() => own.opened, { timeout: 20_000 }).toBeGreaterThan(3);
    expect(told()).toEqual(['feed-down']);
    answers = true;
    await expect.poll(told, { timeout: 20_000 }).toEqual(['feed-down', 'feed-connected']);
  });
});
