import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SessionAdminService, type SessionRecord, sessionRecord, SessionRepository } from '../../lib';
import { createApp, environments, type TestApp } from '../support/create-app';

describe.each(environments)('administration: $title', ({ platform, kind }) => {
  let t: TestApp;
  let admin: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, { extras: { routes: { admin: true } } });
    for (const name of ['alice', 'bob']) await t.users.add(name);
    await t.users.add('admin', { isAdmin: true });
  });
  afterAll(() => t.close());
  afterEach(async () => {
    await t.tokens.revokeBefore(new Date(8.64e15));
  });

  const loginAdmin = async () => (admin = (await t.login('admin')).access_token as string);
  const idOf = async (username: string) => String((await t.users.rows.findOneByOrFail({ username })).id);

  it('is for admins: 403 for users, 401 for strangers', async () => {
    const { access_token: token } = await t.login('alice');
    const routes = [
      ['GET', '/auth/admin/statistics'],
      ['POST', '/auth/admin/purge-expired'],
      ['GET', '/auth/admin/users/1/sessions'],
      ['DELETE', '/auth/admin/users/1/sessions'],
    ] as const;
    for (const [method, path] of routes) {
      const forbidden = await t.http.send(method, path, { token });
      expect([forbidden.status, forbidden.body.code]).toEqual([403, 'forbidden']);
      expect((await t.http.send(method, path)).status).toBe(401);
    }
  });

  it('tells of whoever asks without being an admin, and of nobody else', async () => {
    const { access_token: token, session_id: sessionId } = await t.login('alice');
    await loginAdmin();
    t.events.length = 0;
    const asked: [method: string, path: string, sent?: string][] = [
      ['GET', '/auth/admin/statistics'],
      ['GET', '/auth/admin/statistics', '/auth/admin/statistics?user_id=1&secret=x'],
      ['GET', '/auth/admin/statistics', 'http://alice:secret@localhost/auth/admin/statistics?secret=x'],
      ['POST', '/auth/admin/purge-expired'],
      ['GET', '/auth/admin/users/bob%20%E2%80%AE/sessions'],
      ['DELETE', '/auth/admin/users/1/sessions', '/auth/admin/users/1/sessions?#secret'],
    ];
    for (const [method, path, sent = path] of asked) {
      const answer = await t.http.send(method, sent, { token, headers: { 'user-agent': 'curl/8' } });
      expect([sent, answer.status]).toEqual([sent, 403]);
    }
    const userId = await idOf('alice');
    const presenter = { userAgent: 'curl/8', ip: expect.stringContaining('127.0.0.1') };
    expect(t.events).toEqual(
      asked.map(([method, path]) => ({
        name: 'access.forbidden',
        event: { userId, sessionId, actorId: null, presenter, method, path, reason: 'no_admin' },
      })),
    );
    t.events.length = 0;
    await t.http.get('/auth/admin/statistics', { token: admin });
    await t.http.get('/auth/admin/statistics', { token: 'junk' });
    await t.http.get('/auth/admin/statistics');
    expect(t.events.map(({ name }) => name)).toEqual(['authentication.rejected']);
  });

  it('tells of a path only as much as fits', async () => {
    const { access_token: token } = await t.login('alice');
    t.events.length = 0;
    await t.http.get(`/auth/admin/users/${'%41'.repeat(60)}/sessions`, { token });
    await t.http.get(`/auth/admin/statistics?${'x'.repeat(4_000)}`, { token });
    const paths = t.events.map(({ event }) => event.path as string);
    expect(paths).toEqual([`/auth/admin/users/${'%41'.repeat(60)}/sessions`, '/auth/admin/statistics']);
  });

  it('shows figures of all sessions and of one user', async () => {
    await t.login('alice', { 'user-agent': 'Firefox' });
    await t.login('bob', { 'user-agent': 'Safari' });
    t.clock.advance('1d');
    await t.login('alice', { 'user-agent': 'Firefox' });
    await t.login('alice', { 'user-agent': 'Firefox' });
    await loginAdmin();
    const all = await t.http.get('/auth/admin/statistics', { token: admin });
    expect(all.status).toBe(200);
    expect(all.body).toEqual({
      users: 3,
      sessions: { all: 5, active: 3, expired: 2 },
      average_per_user: { all: 5 / 3, active: 1.5, expired: 1 },
      max_active_per_user: 2,
      by_user_agent: [
        { user_agent: 'Firefox', active: 2 },
        { user_agent: null, active: 1 },
      ],
      generated_at: new Date(t.clock.now()).toISOString(),
    });
    const one = await t.http.get(`/auth/admin/statistics?user_id=${await idOf('bob')}`, { token: admin });
    expect(one.body).toMatchObject({
      users: 1,
      sessions: { all: 1, active: 0, expired: 1 },
      average_per_user: { all: 1, active: 0, expired: 1 },
    });
    expect((await t.http.get('/auth/admin/statistics?user_id=a&user_id=b', { token: admin })).status).toBe(400);
  });

  it('purges what has expired, and only that', async () => {
    for (let i = 0; i < 3; i++) await t.login('bob');
    t.clock.advance('1d');
    const { access_token: alive } = await t.login('alice');
    await loginAdmin();
    expect((await t.http.post('/auth/admin/purge-expired', { token: admin })).body).toEqual({ deleted: 3 });
    expect((await t.http.post('/auth/admin/purge-expired', { token: admin })).body).toEqual({ deleted: 0 });
    expect((await t.http.get('/auth/verify', { token: alive })).status).toBe(204);
  });

  it('purges in batches, by two purgers at once', async () => {
    for (let i = 0; i < 20; i++) await t.tokens.issue(await t.users.rows.findOneByOrFail({ username: 'bob' }));
    t.clock.advance('1d');
    const service = t.app.get(SessionAdminService);
    const counts = await Promise.all([service.purgeExpired({ batchSize: 3 }), service.purgeExpired({ batchSize: 3 })]);
    expect(counts[0] + counts[1] + (await service.purgeExpired())).toBe(20);
    await expect(service.purgeExpired({ batchSize: 0 })).rejects.toThrow('batchSize');
  });

  it('lists and ends the sessions of a user, the expired ones too', async () => {
    await t.login('bob');
    t.clock.advance('1d');
    const { access_token: token } = await t.login('bob');
    await loginAdmin();
    const path = `/auth/admin/users/${await idOf('bob')}/sessions`;
    const list = await t.http.get(path, { token: admin });
    expect(list.body.map((one: any) => [one.user_id, one.expired, one.current])).toEqual([
      [await idOf('bob'), false, false],
      [await idOf('bob'), true, false],
    ]);
    expect(JSON.stringify(list.body)).not.toMatch(/digest|salt|token/i);
    const page = await t.http.get(`${path}?limit=1`, { token: admin });
    expect([page.body.length, String(page.headers.link)]).toEqual([1, expect.stringContaining('rel="next"')]);
    expect((await t.http.delete(path, { token: admin })).body).toEqual({ revoked: 2 });
    expect((await t.http.get('/auth/verify', { token })).status).toBe(401);
    expect((await t.http.get('/auth/admin/users/%00/sessions', { token: admin })).status).toBe(400);
    expect((await t.http.get('/auth/admin/users/nobody/sessions', { token: admin })).body).toEqual([]);
  });

  it('takes the user id in the query too: as long as user ids are, with anything in them, and in the link', async () => {
    await loginAdmin();
    const id = `a/b?c&d=%20 ${'ü'.repeat(243)}`;
    expect(id).toHaveLength(255);
    const repository = t.app.get(SessionRepository);
    for (let i = 0; i < 2; i++) await repository.insert(recordOf(id, t.clock.now() + 1_000, null));
    const path = `/auth/admin/sessions?user_id=${encodeURIComponent(id)}`;
    const list = await t.http.get(path, { token: admin });
    expect([list.status, list.body.map((one: any) => one.user_id)]).toEqual([200, [id, id]]);
    const first = await t.http.get(`${path}&limit=1`, { token: admin });
    const next = new URL(/^<([^>]+)>/.exec(String(first.headers.link))![1]!, `http://here${path}`);
    expect(next.searchParams.get('user_id')).toBe(id);
    const last = await t.http.get(next.pathname + next.search, { token: admin });
    expect(new Set([first.body[0].id, last.body[0].id])).toEqual(new Set(list.body.map((one: any) => one.id)));
    expect((await t.http.delete(path, { token: admin })).body).toEqual({ revoked: 2 });
    for (const query of ['', '?user_id=', '?user_id=a&user_id=b', `?user_id=${'u'.repeat(256)}`, '?user_id=%00']) {
      const answers = [await t.http.get(`/auth/admin/sessions${query}`, { token: admin })];
      answers.push(await t.http.delete(`/auth/admin/sessions${query}`, { token: admin }));
      expect(answers.map(({ status, body }) => [query, status, body.code])).toEqual(
        ['GET', 'DELETE'].map(() => [query, 400, 'invalid_request']),
      );
    }
    const { access_token: token } = await t.login('bob');
    expect((await t.http.get(path, { token })).status).toBe(403);
  });

  it('counts as a naive count does, on random data', async () => {
    const repository = t.app.get(SessionRepository);
    const now = t.clock.now();
    const row = fc.record({
      user: fc.integer({ min: 1, max: 4 }),
      age: fc.integer({ min: -2, max: 2 }),
      agent: fc.constantFrom(null, 'a', 'b', 'c'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 25 }), async (rows) => {
        await repository.deleteCreatedBefore(8.64e15);
        for (const one of rows) await repository.insert(recordOf(String(one.user), now + one.age, one.agent));
        const live = rows.filter((one) => one.age > 0);
        const users = (list: typeof rows) => new Set(list.map((one) => one.user)).size;
        const figures = await repository.statistics(now);
        expect(figures.sessions).toEqual({ all: rows.length, active: live.length, expired: rows.length - live.length });
        expect(figures.users).toEqual({
          all: users(rows),
          active: users(live),
          expired: users(rows.filter((one) => one.age <= 0)),
        });
        const most = Math.max(0, ...[1, 2, 3, 4].map((user) => live.filter((one) => one.user === user).length));
        expect(figures.maxActivePerUser).toBe(most);
        for (const { userAgent, active } of figures.byUserAgent)
          expect(active).toBe(live.filter((one) => one.agent === userAgent).length);
        expect(figures.byUserAgent.length).toBe(new Set(live.map((one) => one.agent)).size);
      }),
      { numRuns: 15 },
    );
  });
});

function recordOf(userId: string, expiresAt: number, userAgent: string | null): SessionRecord {
  const moments = { createdAt: 1, authenticatedAt: 1, lastUsedAt: 1, expiresAt };
  return sessionRecord({ id: randomUUID(), userId, accessDigest: '0'.repeat(64), ...moments, userAgent });
}
