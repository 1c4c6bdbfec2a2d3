import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JwtKnoxOptions } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, SECRET, type TestApp } from '../support/create-app';
import { createSharedDatabase, databaseKinds, type TestDatabase } from '../support/databases';
import { postForm, clients, ISSUER } from '../support/oauth';
import { platforms } from '../support/platforms';

const NEVER = 4_000_000_000_000;

describe.each(environments)('whoever may not use a session can end it: $title', ({ platform, kind }) => {
  let t: TestApp;
  let count = 0;

  beforeAll(async () => {
    const options: JwtKnoxOptions = { issuer: ISSUER, clients };
    t = await createApp(platform, kind, { options, extras: { routes: { oauth: true } } });
  });
  afterAll(() => t.close());

  type Tokens = { access_token: string; refresh_token: string; session_id: string };
  const ways: [string, (tokens: Tokens) => Promise<{ status: number }>][] = [
    ['access token', (one) => t.http.post('/auth/logout', { token: one.access_token })],
    ['refresh token', (one) => t.http.post('/auth/logout', { json: { refresh_token: one.refresh_token } })],
    ['refresh token, the access token having expired', (one) => {
      t.clock.advance('6m');
      return t.http.post('/auth/logout', { token: one.access_token, json: { refresh_token: one.refresh_token } });
    }],
    ['access token, revoked by a client', (one) => postForm(t.http, '/auth/revoke', { token: one.access_token })],
    ['refresh token, revoked by a client', (one) => postForm(t.http, '/auth/revoke', { token: one.refresh_token })],
  ]; // prettier-ignore
  const states: [string, object][] = [
    ['disabled', { isActive: false }],
    ['outdated', { validSince: NEVER }],
  ];
  const cases = states.flatMap(([state, change]) => ways.map(([way, end]) => ({ state, change, way, end })));

  it.each(cases)('a user who is $state, by the $way', async ({ change, end }) => {
    const name = `user${++count}`;
    const user = await t.users.add(name);
    const tokens: Tokens = await t.login(name);
    await t.users.rows.update(user.id, change);
    expect(await t.statusOf(tokens.access_token)).toBe(401);
    t.events.length = 0;
    expect([200, 204]).toContain((await end(tokens)).status);
    expect(await t.source.getRepository(JwtKnoxSession).countBy({ id: tokens.session_id })).toBe(0);
    expect(t.events.filter((one) => one.name === 'session.revoked')).toHaveLength(1);
    await t.users.rows.update(user.id, { isActive: true, validSince: null });
    expect(await t.statusOf(tokens.access_token)).toBe(401);
  });
});

describe.each(databaseKinds)('lifetimes that are shortened: %s', (kind) => {
  let database: TestDatabase;
  let long: TestApp;
  let short: TestApp;

  async function start(refreshToken?: false): Promise<void> {
    const app = (session: JwtKnoxOptions['session']) =>
      createApp(platforms[0]!, kind, { database, options: { secret: SECRET, refreshToken, session } });
    long = await app({ idleTimeout: '30d', maxLifetime: '30d' });
    short = await app({ maxLifetime: '8h' });
    await long.users.add('alice');
  }
  const setClocks = (now: number) => [long, short].forEach((one) => one.clock.set(now));

  beforeEach(async () => {
    database = await createSharedDatabase(kind);
  });
  afterEach(async () => {
    await long.close();
    await short.close();
    await database.drop();
  });

  it('count for sessions that are there, at every door', async () => {
    await start();
    const begun = long.clock.now();
    const login = await long.login();
    const hours = (count: number) => begun + count * 3_600_000;
    setClocks(hours(8) - 60_000);
    const tokens = (await long.http.post('/auth/refresh', { json: { refresh_token: login.refresh_token } })).body;
    const { access_token: token, refresh_token } = tokens;
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    expect(await short.statusOf(token)).toBe(204);
    expect((await short.tokens.list(sub)).map(({ expiresAt }) => expiresAt)).toEqual([hours(8)]);
    setClocks(hours(8));
    expect(await long.statusOf(token)).toBe(204);
    const json = { refresh_token };
    const answers = [
      await short.http.get('/notes', { token }),
      await short.http.post('/auth/refresh', { json }),
      await short.http.post('/auth/logout', { token }),
      await short.http.post('/auth/logout', { json }),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [401, 'invalid_token'],
      [401, 'refresh_token_expired'],
      [401, 'invalid_token'],
      [401, 'refresh_token_expired'],
    ]);
    for (const one of [token, refresh_token]) expect(await short.tokens.introspect(one)).toEqual({ active: false });
    expect(await short.tokens.list(sub)).toEqual([]);
  });

  it('count for a session of twenty days in single-token mode', async () => {
    await start(false);
    const { access_token: token } = await long.login();
    setClocks(long.clock.now() + 20 * 86_400_000);
    expect(await long.statusOf(token)).toBe(204);
    expect(await short.statusOf(token)).toBe(401);
    expect(await short.tokens.introspect(token)).toEqual({ active: false });
  });
});

describe.each(environments)('who ended a session: $title', ({ platform, kind }) => {
  let t: TestApp;

  beforeAll(async () => {
    t = await createApp(platform, kind, { extras: { routes: { admin: true } } });
    await t.users.add('root', { isAdmin: true });
  });
  afterAll(() => t.close());

  it('is in the event, by every way', async () => {
    const { id } = await t.users.add('alice');
    const userId = String(id);
    const mine = () => t.login();
    const root = await t.login('root');
    const rootId = JSON.parse(Buffer.from(root.access_token.split('.')[1], 'base64url').toString()).sub;
    const told = async (end: () => Promise<unknown>) => {
      t.events.length = 0;
      await end();
      return t.events.filter((one) => one.name === 'session.revoked').map(({ event }) => [event.reason, event.actor]);
    };
    const one = await mine();
    expect(await told(() => t.http.post('/auth/logout', { token: one.access_token }))).toEqual([
      ['logout', { userId, sessionId: one.session_id }],
    ]);
    const [two, three, four] = [await mine(), await mine(), await mine()];
    const self = { userId, sessionId: four.session_id };
    const { access_token: token } = four;
    const ended = `/auth/sessions/${two.session_id}`;
    expect(await told(() => t.http.delete(ended, { token }))).toEqual([['logout', self]]);
    expect(await told(() => t.http.post('/auth/logout-other', { token }))).toEqual([['logout_other', self]]);
    expect(await t.statusOf(three.access_token)).toBe(401);
    expect(await told(() => t.http.post('/auth/logout-all', { token }))).toEqual([['logout_all', self]]);
    const staff = { userId: rootId, sessionId: root.session_id };
    await mine();
    const path = `/auth/admin/users/${userId}/sessions`;
    expect(await told(() => t.http.delete(path, { token: root.access_token }))).toEqual([['admin', staff]]);
    const last = await mine();
    const job = { userId: 'job', sessionId: null };
    expect(await told(() => t.tokens.revoke(last.session_id, { userId, actor: job }))).toEqual([['revoked', job]]);
    await mine();
    expect(await told(() => t.tokens.userDisabled(userId, { actor: job }))).toEqual([['user_disabled', job]]);
    await mine();
    expect(await told(() => t.tokens.revokeAll(userId))).toEqual([['logout_all', null]]);
  });
});
