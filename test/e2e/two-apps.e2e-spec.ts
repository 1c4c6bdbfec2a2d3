import passport from 'passport';
import { sign } from 'jsonwebtoken';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxStrategy } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, SECRET, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';

const OTHER_SECRET = 'Zz8Jk2nQpR7sTuVwXyZ0123456789abcdefGHIJKLmno';

describe.each(environments)('S12: two applications in one process: $title', ({ platform, kind }) => {
  let one: TestApp;
  let two: TestApp;
  let open: TestApp[];

  beforeEach(async () => {
    open = [];
    one = await createApp(platform, kind);
    open.push(one);
    two = await createApp(platform, kind, {
      options: { secret: OTHER_SECRET, issuer: 'two', session: { limitPerUser: 1 } },
      extras: { routes: { prefix: 'api/two' }, guard: 'global' },
    });
    open.push(two);
    await one.users.add('alice');
    await two.users.add('bob');
    await two.users.add('alice');
  });
  afterEach(async () => {
    for (const app of open) await app.close();
  });

  const login = async (t: TestApp, prefix: string) => {
    const json = { username: 'alice', password: 'alice-password' };
    const { status, body } = await t.http.post(`/${prefix}/login`, { json });
    expect(status).toBe(200);
    return body as { access_token: string; refresh_token: string; session_id: string };
  };
  const close = async (t: TestApp) => {
    open = open.filter((app) => app !== t);
    await t.close();
  };

  it('S12: have routes, secrets, users and options of their own', async () => {
    const [a, b] = [await login(one, 'auth'), await login(two, 'api/two')];
    expect((await one.http.get('/auth/verify', { token: a.access_token })).status).toBe(204);
    expect((await two.http.get('/api/two/verify', { token: b.access_token })).status).toBe(204);
    expect((await one.http.get('/api/two/verify', { token: a.access_token })).status).toBe(404);
    expect((await two.http.get('/auth/verify', { token: b.access_token })).status).toBe(404);
    const limited = await two.http.post('/api/two/login', { json: { username: 'alice', password: 'alice-password' } });
    expect([limited.status, limited.body.code]).toEqual([403, 'session_limit_reached']);
    await login(one, 'auth');
    expect(await one.source.getRepository(JwtKnoxSession).count()).toBe(2);
    expect(await two.source.getRepository(JwtKnoxSession).count()).toBe(1);
  });

  it("S12: do not take each other's tokens (S5)", async () => {
    const [a, b] = [await login(one, 'auth'), await login(two, 'api/two')];
    expect((await two.http.get('/notes', { token: a.access_token })).status).toBe(401);
    expect((await one.http.get('/notes', { token: b.access_token })).status).toBe(401);
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'default' } as const;
    const resigned = sign({ ...claimsOf(a.access_token), iss: 'two' }, OTHER_SECRET, { header });
    expect((await two.http.get('/notes', { token: resigned })).status).toBe(401);
    const same = sign(claimsOf(a.access_token), SECRET, { header });
    expect((await one.http.get('/notes', { token: same })).status).toBe(200);
  });

  it('S12: hear events of their own alone', async () => {
    await login(one, 'auth');
    expect([one.events.map(({ name }) => name), two.events]).toEqual([['session.created'], []]);
  });

  it('S12: read the clock of their own alone', async () => {
    const [a, b] = [await login(one, 'auth'), await login(two, 'api/two')];
    one.clock.advance('5m');
    expect((await one.http.get('/auth/verify', { token: a.access_token })).body.code).toBe('token_expired');
    expect((await two.http.get('/api/two/verify', { token: b.access_token })).status).toBe(204);
  });

  it("S12: survive each other's end, the first as well as the second", async () => {
    const [a, b] = [await login(one, 'auth'), await login(two, 'api/two')];
    const names = [one, two].map((t) => t.app.get(JwtKnoxStrategy).name);
    expect(new Set(names).size).toBe(2);
    const registered = () => Object.keys((passport as any)['_strategies']).filter((name) => names.includes(name));
    expect(registered()).toEqual(names);
    await close(one);
    expect(registered()).toEqual([names[1]]);
    expect((await two.http.get('/api/two/verify', { token: b.access_token })).status).toBe(204);
    expect((await two.http.get('/notes', { token: a.access_token })).status).toBe(401);
    one = await createApp(platform, kind);
    open.push(one);
    await one.users.add('alice');
    const again = await login(one, 'auth');
    await close(two);
    expect(registered()).toEqual([]);
    expect((await one.http.get('/auth/verify', { token: again.access_token })).status).toBe(204);
  });
});
