import { sign } from 'jsonwebtoken';
import { describe, expect, it } from 'vitest';
import { environments, SECRET, type TestApp } from '../support/create-app';
import { useApp } from '../support/use-app';

/** The scenarios that drf-jwt-knox and jw_nx promise their users, over HTTP. */
describe.each(environments)('a knox-backed JWT service: $title', ({ platform, kind }) => {
  let t: TestApp;
  let name = '';
  useApp({ platform, kind }, (app, { username }) => ([t, name] = [app, username]));

  const login = async (): Promise<string> => (await t.login(name)).access_token;

  it('gives a token for username and password', async () => {
    const answer = await t.http.post('/auth/login', { json: { username: name, password: `${name}-password` } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      token_type: 'Bearer',
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expires_in: 300,
      refresh_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_expires_in: 86_400,
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('gives two logins different tokens', async () => {
    expect(await login()).not.toBe(await login());
  });

  it('verifies a token by GET and by POST', async () => {
    const token = await login();
    for (const method of ['GET', 'POST']) {
      const answer = await t.http.send(method, '/auth/verify', { token });
      expect([answer.status, answer.text]).toEqual([204, '']);
    }
    expect((await t.http.get('/notes', { token })).body).toMatchObject({ username: name });
  });

  it('ends the session at logout, at once', async () => {
    const token = await login();
    expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    expect(await t.statusOf(token)).toBe(401);
  });

  it('answers a second logout with 401', async () => {
    const token = await login();
    await t.http.post('/auth/logout', { token });
    expect((await t.http.post('/auth/logout', { token })).status).toBe(401);
  });

  it('answers a logout without a token with 401', async () => {
    expect((await t.http.post('/auth/logout')).body).toMatchObject({ code: 'missing_token', statusCode: 401 });
  });

  it('refuses the old token after logout while a newer one works', async () => {
    const old = await login();
    await t.http.post('/auth/logout', { token: old });
    const newer = await login();
    expect([await t.statusOf(old), await t.statusOf(newer)]).toEqual([401, 204]);
  });

  it("keeps only the caller's session at logout-other", async () => {
    const [mine, ...others] = [await login(), await login(), await login()];
    expect((await t.http.post('/auth/logout-other', { token: mine! })).body).toEqual({ revoked: 2 });
    expect([await t.statusOf(mine!), await t.statusOf(others[0]!), await t.statusOf(others[1]!)]).toEqual([
      204, 401, 401,
    ]);
  });

  it('ends every session at logout-all, the current one counted', async () => {
    const tokens = [await login(), await login(), await login()];
    expect((await t.http.post('/auth/logout-all', { token: tokens[1]! })).body).toEqual({ revoked: 3 });
    expect(await Promise.all(tokens.map(t.statusOf))).toEqual([401, 401, 401]);
  });

  it('refuses a signed token without a token key', async () => {
    const { token_key: _, ...claims } = JSON.parse(Buffer.from((await login()).split('.')[1]!, 'base64url').toString());
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'default' } as const;
    expect(await t.statusOf(sign(claims, SECRET, { header }))).toBe(401);
  });

  it('refuses an inactive user', async () => {
    const token = await login();
    await t.users.rows.update({ username: name }, { isActive: false });
    expect(await t.statusOf(token)).toBe(401);
    expect((await t.http.post('/auth/login', { json: { username: name, password: `${name}-password` } })).status).toBe(
      401,
    );
  });

  it('refuses a removed user', async () => {
    const token = await login();
    await t.users.rows.delete({ username: name });
    expect(await t.statusOf(token)).toBe(401);
  });

  it('S5: refuses the old token of a user who was created anew under the same id', async () => {
    const token = await login();
    const { id } = await t.users.rows.findOneByOrFail({ username: name });
    await t.users.rows.delete({ id });
    t.clock.advance('1s');
    await t.users.add(name, { id, validSince: t.clock.now() });
    expect(await t.statusOf(token)).toBe(401);
    expect(await t.statusOf(await login())).toBe(204);
  });
});
