import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe.each(['express', 'fastify'])('the administrator on %s', (adapter) => {
  let app: AppProcess;
  let admin: string;
  beforeAll(async () => {
    app = await AppProcess.start({ HTTP_ADAPTER: adapter, THROTTLE: 'off' });
    admin = (await app.login('admin')).access_token;
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const create = (username: unknown, password: unknown = `${String(username)}-password`, token = admin) =>
    app.http.send('POST', '/users', { token, json: { username, password } });
  const setActive = (username: string, is_active: unknown, token = admin) =>
    app.http.send('PATCH', `/users/${username}`, { token, json: { is_active } });
  const remove = (username: string, token = admin) => app.http.send('DELETE', `/users/${username}`, { token });

  it('makes a user who can log in, and tells no hash', async () => {
    const { status, body } = await create('carol');
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      username: 'carol',
      is_admin: false,
      is_active: true,
      created_at: expect.stringMatching(/Z$/),
      last_login_at: null,
    });
    expect(await app.accepts((await app.login('carol')).access_token)).toBe(true);
    expect((await setActive('carol', true)).body.last_login_at).toMatch(/Z$/);
  });

  it('hears 409 for a name that is taken, once for each of two who ask at once', async () => {
    const statuses = (await Promise.all([create('dora'), create('dora')])).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([201, 409]);
    expect((await create('dora')).status).toBe(409);
  });

  it('disables a user: sessions end, the login is refused, and enabling gives no session back', async () => {
    await create('erin');
    const { access_token } = await app.login('erin');
    expect(await setActive('erin', false)).toMatchObject({ status: 200, body: { username: 'erin', is_active: false } });
    expect(await app.accepts(access_token)).toBe(false);
    await expect(app.login('erin')).rejects.toThrow('401');
    expect((await setActive('erin', true)).body.is_active).toBe(true);
    expect(await app.accepts(access_token)).toBe(false);
    expect(await app.accepts((await app.login('erin')).access_token)).toBe(true);
  });

  it('S5: deletes a user, whose tokens do not pass to a new user of the same name', async () => {
    await create('frank');
    const old = await app.login('frank');
    expect((await remove('frank')).status).toBe(204);
    expect(await app.accepts(old.access_token)).toBe(false);
    expect((await create('frank')).status).toBe(201);
    expect(await app.accepts(old.access_token)).toBe(false);
    const answer = await app.http.send('POST', '/auth/refresh', { json: { refresh_token: old.refresh_token } });
    expect(answer.status).toBe(401);
    expect(await app.accepts((await app.login('frank')).access_token)).toBe(true);
  });

  it('deletes the notes of a user with the user', async () => {
    await create('grace');
    const { access_token: token } = await app.login('grace');
    await app.http.send('POST', '/notes', { token, json: { text: 'Gone soon' } });
    await remove('grace');
    await create('grace');
    const again = await app.login('grace');
    expect((await app.http.send('GET', '/notes', { token: again.access_token })).body).toEqual([]);
  });

  it.each(['nobody', 'no%00body', 'n%20body', encodeURIComponent('ñandú'), 'x'.repeat(90), 'ALICE'])(
    'hears 404 for the unknown user %s',
    async (username) => {
      expect((await setActive(username, false)).status).toBe(404);
      expect((await remove(username)).status).toBe(404);
    },
  );

  it('hears 400 for what cannot be a username, password or state', async () => {
    for (const username of ['', ' ', 'a b', 'a\0b', ['a'], { a: 1 }, null, 7, 'x'.repeat(65)]) {
      expect((await create(username, 'good-password')).status).toBe(400);
    }
    for (const password of ['', 'short', 12_345_678, null, 'good\0password', 'good\ud800password', 'x'.repeat(1_025)]) {
      expect((await create('henry', password)).status).toBe(400);
    }
    for (const isActive of ['false', 0, null, undefined]) expect((await setActive('bob', isActive)).status).toBe(400);
    for (const json of [[], [[]], null]) {
      expect((await app.http.send('POST', '/users', { token: admin, json })).status).toBe(400);
    }
  });

  it('is the only one: another user hears 403, a stranger 401', async () => {
    const { access_token } = await app.login('alice');
    for (const [token, status] of [
      [access_token, 403],
      ['no.to.ken', 401],
    ] as const) {
      expect((await create('ivan', undefined, token)).status).toBe(status);
      expect((await setActive('bob', false, token)).status).toBe(status);
      expect((await remove('bob', token)).status).toBe(status);
    }
    expect(await app.accepts((await app.login('bob')).access_token)).toBe(true);
  });

  it('sees the statistics of the library', async () => {
    const { status, body } = await app.http.send('GET', '/auth/admin/statistics', { token: admin });
    expect(status).toBe(200);
    expect(body.sessions.active).toBeGreaterThan(0);
  });
});
