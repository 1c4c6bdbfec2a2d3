import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type JwtKnoxEventMap, JwtKnoxEvents } from '../../lib';
import { leaseCache } from '../../lib/cache';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { BusFeed } from '../support/bus-feed';
import { createApp, type TestApp } from '../support/create-app';
import { createSharedDatabase, type TestDatabase } from '../support/databases';
import { platforms } from '../support/platforms';
import { User } from '../support/users';

type Revoked = JwtKnoxEventMap['session.revoked'];

describe("session.revoked of other processes, with events: 'cluster'", () => {
  const bus = new EventEmitter();
  let database: TestDatabase;
  let apps: TestApp[];

  const start = async (realm = '') => {
    const app = await createApp(platforms[0]!, 'sqlite', {
      database,
      typeorm: { entities: [User, JwtKnoxSession, JwtKnoxFence] },
      extras: { realm, features: [leaseCache({ feed: new BusFeed(bus), events: 'cluster' })] },
    });
    apps.push(app);
    const heard: Revoked[] = [];
    app.app.get(JwtKnoxEvents).on('session.revoked', (one) => void heard.push(one));
    return { ...app, heard };
  };

  beforeEach(async () => {
    apps = [];
    database = await createSharedDatabase('sqlite');
  });
  afterEach(async () => {
    for (const { app } of apps) await app.close();
    await database.drop();
  });

  it('reaches each process once', async () => {
    const [one, other] = [await start(), await start()];
    await one.users.add('alice');
    const { access_token: token, session_id: sessionId } = await one.login();
    await one.http.post('/auth/logout', { token });
    await vi.waitUntil(() => other.heard.length > 0);
    expect(other.heard).toEqual([expect.objectContaining({ sessionId, userId: '1', reason: 'logout' })]);
    expect(one.heard).toEqual(other.heard);
  });

  it('reaches no module of another realm: its users have the same ids', async () => {
    const [customers, others, staff] = [await start('customers'), await start('customers'), await start('staff')];
    await customers.users.add('alice');
    const { access_token: token } = await customers.login();
    await customers.http.post('/auth/logout', { token });
    await customers.tokens.revokeAll('1');
    await customers.login();
    await customers.tokens.revokeAll('1');
    await vi.waitUntil(() => others.heard.length === 2);
    expect(staff.heard).toEqual([]);
  });
});
