import { afterEach, describe, expect, it } from 'vitest';
import { CookieTransport, type JwtKnoxExtras, type JwtKnoxOptions } from '../../lib';
import { pages } from '../../lib/pages';
import { JwtKnoxSession } from '../../lib/typeorm';
import { BrowserLike } from '../support/browser-like';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { FORM, postForm, targetOf, textOf } from '../support/forms';
import type { User } from '../support/users';

const CREDENTIALS = { username: 'alice', password: 'alice-password', remember: '1' };
const ORDER = {
  name: 'CI of the shop',
  scopes: 'orders:read stock:*',
  expires_in: '2592000',
  password: 'alice-password',
};

describe.each(everyEnvironment)('rights on pages: $title', ({ platform, kind }) => {
  let t: TestApp;
  let alice: User;
  let browser: BrowserLike;

  const start = async (routes: JwtKnoxExtras['routes'] = {}, options: JwtKnoxOptions = {}) => {
    t = await createApp(platform, kind, {
      options: { transport: new CookieTransport(), ...options },
      extras: { features: [pages()], routes: { admin: true, tokens: true, ...routes } },
    });
    alice = await t.users.add('alice', { isAdmin: true });
    browser = new BrowserLike(t.http);
    await postForm(browser, '/auth/pages/login', CREDENTIALS);
  };
  afterEach(() => t.close());

  const devices = () => browser.visit('/auth/devices');
  const post = (path: string, fields: Record<string, string>) => postForm(browser, `/auth/pages/${path}`, fields);
  const programs = () => t.source.getRepository(JwtKnoxSession).findBy({ kind: 'program' });
  const acting = async () => {
    const staff = await t.users.add('staff', { isAdmin: true });
    const { session } = await t.tokens.issue(staff);
    return t.tokens.impersonate(session, alice, { reason: 'Ticket 4711' });
  };

  describe('tokens for programs', () => {
    it('are made by a form, shown once on its answer and never in an address', async () => {
      await start();
      const answer = await post('tokens', ORDER);
      const [token] = /eyJ[\w.-]+/.exec(answer.text) ?? [];
      expect([answer.status, answer.headers['cache-control'], answer.headers.location]).toEqual([
        200,
        'no-store',
        undefined,
      ]);
      expect(await t.statusOf(token!)).toBe(204);
      const [row] = await programs();
      expect(row).toMatchObject({ deviceName: ORDER.name, scopes: 'orders:read stock:*' });
      expect(Number(row!.expiresAt) - t.clock.now()).toBe(2_592_000_000);
      const page = await devices();
      expect(page.text).not.toContain(token);
      expect(textOf(page)).toContain('CI of the shop');
      const ended = await post('devices', { action: 'end-token', id: row!.id });
      expect(targetOf('/auth/pages/devices', ended)).toBe('/auth/devices?token-ended');
      expect([await t.statusOf(token!), textOf(await browser.visit('/auth/devices?token-ended')).includes('no access any more')])
        .toEqual([401, true]); // prettier-ignore
    });

    it.each([
      ['a wrong password', { ...ORDER, password: 'wrong' }, 401, 'The password is not right'],
      ['no password', { ...ORDER, password: '' }, 401, 'The password is not right'],
      ['no name', { ...ORDER, name: '' }, 400, 'Give the token a name'],
      ['no scopes', { ...ORDER, scopes: ' ' }, 400, 'choose what it may do'],
      ['a lifetime that is none', { ...ORDER, expires_in: 'x' }, 400, 'Give the token a name'],
    ])('are not made with %s, and the page says why', async (_title, fields, status, text) => {
      await start();
      const answer = await post('tokens', fields);
      expect([answer.status, textOf(answer)]).toEqual([status, expect.stringContaining(text)]);
      expect(await programs()).toEqual([]);
    });

    it('offer the scopes that there are, as boxes', async () => {
      await start({}, { programTokens: { scopes: ['orders:read', 'orders:write'] } });
      expect((await devices()).text).toContain('name="scope:orders:write"');
      const { scopes: _scopes, ...rest } = ORDER;
      expect((await post('tokens', { ...rest, 'scope:orders:write': '1' })).status).toBe(200);
      expect((await programs()).map(({ scopes }) => scopes)).toEqual(['orders:write']);
      expect((await post('tokens', { ...rest, 'scope:orders:delete': '1' })).status).toBe(400);
    });

    it('are not on the page without the routes, nor for staff who act as the user', async () => {
      await start({ tokens: false });
      expect(textOf(await devices())).not.toContain('Access for programs');
      expect((await post('tokens', ORDER)).status).toBe(404);
      await t.close();
      await start();
      const { accessToken: token } = await acting();
      const page = await t.http.get('/auth/devices', { token });
      expect([page.status, textOf(page).includes('Access for programs')]).toEqual([200, false]);
      const made = await t.http.post('/auth/pages/tokens', {
        token,
        body: new URLSearchParams(ORDER).toString(),
        headers: FORM,
      });
      expect([made.status, await programs()]).toEqual([403, []]);
    });
  });

  describe('a login that is not fresh', () => {
    const stale = async () => {
      await start({ freshness: '10m' });
      await t.tokens.issue(alice);
      t.clock.advance('4m');
      await devices();
      t.clock.advance('7m');
    };
    const alive = async () => (await t.tokens.list(String(alice.id))).length;

    it('ends other sessions with the password, in new cookies; without it nothing', async () => {
      await stale();
      const page = await devices();
      expect(page.text).toContain('action="./pages/devices/confirmed"');
      expect((await post('devices', { action: 'end-others' })).status).toBe(303);
      expect(await alive()).toBe(2);
      const before = new Map(browser.jar);
      const wrong = await post('devices/confirmed', { action: 'end-others', password: 'wrong' });
      expect([wrong.status, textOf(wrong)]).toEqual([401, expect.stringContaining('Nothing was changed')]);
      expect(await alive()).toBe(2);
      const done = await post('devices/confirmed', { action: 'end-others', password: 'alice-password' });
      expect(targetOf('/auth/pages/devices/confirmed', done)).toBe('/auth/devices?ended=1');
      expect(await alive()).toBe(1);
      expect([...browser.jar.values()].some((value) => [...before.values()].includes(value))).toBe(false);
      expect((await devices()).status).toBe(200);
    });

    it('gives its new keys to no program that posts the form', async () => {
      await stale();
      const { accessToken: token } = await t.tokens.issue(alice);
      const body = new URLSearchParams({ action: 'end-all', password: 'alice-password' }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await t.http.post('/auth/pages/devices/confirmed', { token, body, headers });
      expect([answer.status, await t.statusOf(token)]).toEqual([400, 204]);
    });
  });

  it.each(['tokens', 'devices/confirmed'])('S8: pages/%s is throttled as the login is', async (path) => {
    const asked: string[] = [];
    await start({ freshness: '10m', guards: { login: [{ canActivate: () => asked.push('login') > 0 }] } });
    asked.length = 0;
    await post(path, { ...ORDER, action: 'end-others', password: 'wrong' });
    expect(asked).toEqual(['login']);
  });

  it('tell staff who act as the user nothing of the password, and let them rename nothing', async () => {
    await start({ freshness: '10m' });
    const { accessToken: token, session } = await acting();
    const send = (path: string, fields: object) =>
      t.http.post(`/auth/pages/${path}`, { token, body: new URLSearchParams({ ...fields }).toString(), headers: FORM });
    expect((await t.http.get('/auth/devices', { token })).text).not.toContain('type="password"');
    for (const password of ['alice-password', 'wrong']) {
      expect((await send('devices/confirmed', { action: 'end-others', password })).status).toBe(403);
    }
    expect((await send('devices', { action: 'rename', id: session.id, device_name: 'My phone' })).status).toBe(403);
    expect((await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: session.id })).deviceName).toBe(
      'Ticket 4711',
    );
  });

  it('let neither programs nor staff who act as an administrator into the administration', async () => {
    await start();
    const program = await t.tokens.issueProgramToken(alice, { name: 'CI', scopes: ['a'] });
    for (const { accessToken: token } of [program, await acting()]) {
      for (const path of ['admin', 'admin/users/1', 'admin/users?user_id=1']) {
        expect([path, (await t.http.get(`/auth/${path}`, { token })).status]).toEqual([path, 403]);
      }
      for (const path of ['admin/purge', 'admin/end', 'admin/end-all']) {
        const body = new URLSearchParams({ user_id: '1', id: program.session.id }).toString();
        const { status } = await t.http.post(`/auth/pages/${path}`, { token, body, headers: FORM });
        expect([path, status]).toEqual([path, 403]);
      }
    }
    expect(await t.statusOf(program.accessToken)).toBe(204);
  });
});
