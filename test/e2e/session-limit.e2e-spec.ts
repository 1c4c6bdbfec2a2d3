import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, environments, type TestApp } from '../support/create-app';

const LIMIT = 3;

describe.each(environments)('session limit, reject: $title', ({ platform, kind }) => {
  let t: TestApp;

  beforeAll(async () => {
    t = await createApp(platform, kind, { options: { session: { limitPerUser: LIMIT } } });
    for (const name of ['alice', 'bob', 'carol']) await t.users.add(name);
  });
  afterAll(() => t.close());

  const tryLogin = (name: string) =>
    t.http.post('/auth/login', { json: { username: name, password: `${name}-password` } });

  it('refuses the login beyond the limit, and lets in again after a logout', async () => {
    const tokens = [await t.login(), await t.login(), await t.login()];
    const refused = await tryLogin('alice');
    expect([refused.status, refused.body.code]).toEqual([403, 'session_limit_reached']);
    expect(t.events.filter((one) => one.name === 'login.failed').at(-1)?.event).toMatchObject({
      username: 'alice',
      reason: 'session_limit',
    });
    await t.http.post('/auth/logout', { token: tokens[1].access_token });
    expect((await tryLogin('alice')).status).toBe(200);
  });

  it('is exact when many logins arrive at once', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => tryLogin('bob')));
    expect(answers.map((one) => one.status).filter((status) => status === 200)).toHaveLength(LIMIT);
    expect(new Set(answers.map((one) => one.status))).toEqual(new Set([200, 403]));
  });

  it('gives the place of an expired session away, and leaves no more rows than the limit', async () => {
    for (let i = 0; i < LIMIT; i++) await t.login('carol');
    t.clock.advance('1d');
    for (let i = 0; i < LIMIT; i++) expect((await tryLogin('carol')).status).toBe(200);
    expect((await tryLogin('carol')).status).toBe(403);
    const { id } = await t.users.rows.findOneByOrFail({ username: 'carol' });
    const [row] = await t.source.query(
      `SELECT COUNT(*) AS n FROM jwt_knox_sessions WHERE ${kind === 'mariadb' ? '`userId`' : '"userId"'} = '${id}'`,
    );
    expect(Number(row.n)).toBe(LIMIT);
  });
});

describe.each(environments)('session limit, evict-oldest: $title', ({ platform, kind }) => {
  let t: TestApp;

  beforeAll(async () => {
    t = await createApp(platform, kind, { options: { session: { limitPerUser: LIMIT, onLimit: 'evict-oldest' } } });
    for (const name of ['alice', 'bob']) await t.users.add(name);
  });
  afterAll(() => t.close());

  it('ends the oldest session in favour of the new one', async () => {
    const tokens: string[] = [];
    for (let i = 0; i < LIMIT + 2; i++) {
      tokens.push((await t.login()).access_token);
      t.clock.advance('1s');
    }
    const statuses = await Promise.all(
      tokens.map(async (token) => (await t.http.get('/auth/verify', { token })).status),
    );
    expect(statuses).toEqual([401, 401, 204, 204, 204]);
    expect(t.events.filter((one) => one.name === 'session.revoked').map((one) => one.event.reason)).toEqual([
      'evicted',
      'evicted',
    ]);
  });

  it('lets every one of many simultaneous logins in, and keeps to the limit', async () => {
    const logins = await Promise.all(Array.from({ length: 12 }, () => t.login('bob')));
    const statuses = await Promise.all(
      logins.map(async (one) => (await t.http.get('/auth/verify', { token: one.access_token })).status),
    );
    expect(statuses.filter((status) => status === 204)).toHaveLength(LIMIT);
  });
});
