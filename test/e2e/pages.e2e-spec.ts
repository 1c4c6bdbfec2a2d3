import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CookieTransport } from '../../lib';
import { pages } from '../../lib/pages';
import { JwtKnoxSession } from '../../lib/typeorm';
import { BrowserLike } from '../support/browser-like';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { postForm, targetOf, textOf } from '../support/forms';
import type { User } from '../support/users';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0';
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const CREDENTIALS = { username: 'alice', password: 'alice-password', remember: '1' };

describe.each(everyEnvironment)('pages: $title', ({ platform, kind }) => {
  let t: TestApp;
  let alice: User;
  let browser: BrowserLike;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      options: { transport: new CookieTransport() },
      extras: { features: [pages()], routes: { admin: true } },
    });
    alice = await t.users.add('alice');
    await t.users.add('root', { isAdmin: true });
  });
  afterAll(() => t.close());
  beforeEach(() => (browser = new BrowserLike(t.http)));
  afterEach(async () => {
    for (const id of ['1', '2']) await t.tokens.revokeAll(id);
  });

  const logIn = async (username = 'alice', of = browser) => {
    const fields = { ...CREDENTIALS, username, password: `${username}-password` };
    const answer = await postForm(of, '/auth/pages/login', fields);
    expect([answer.status, targetOf('/auth/pages/login', answer)]).toEqual([303, '/auth/devices']);
    const { body } = await of.get('/auth/session');
    return body.id as string;
  };
  const post = (fields: Record<string, string>) => postForm(browser, '/auth/pages/devices', fields);
  const idsOf = async () => (await t.tokens.list('1')).map(({ id }) => id);

  describe('headers', () => {
    it.each([
      ['the login', '/auth/login', 200],
      ['a redirect', '/auth/devices', 303],
      ['a page', '/auth/devices', 200],
      ['a page that is refused', '/auth/admin', 403],
    ])('of %s are those of a page', async (_title, path, status) => {
      if (status !== 303) await logIn();
      const answer = await browser.visit(path);
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(String(answer.headers.vary).toLowerCase()).toContain('accept-language');
      if (status === 200) expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.text).not.toMatch(/<script|\son\w+=|\sstyle=/i);
    });

    it('the style sheet may be kept for ever, under a name that changes with it', async () => {
      const { text } = await browser.visit('/auth/login');
      const [, href] = /<link rel="stylesheet" href="([^"]+)">/.exec(text)!;
      const sheet = await browser.get(new URL(href!, 'http://site.invalid/auth/login').pathname);
      expect([sheet.status, sheet.headers['content-type'], sheet.headers['cache-control']]).toEqual([
        200,
        'text/css; charset=utf-8',
        'public, max-age=31536000, immutable',
      ]);
      expect(href).toMatch(/style\.[0-9a-f]{16}\.css$/);
      for (const feature of ['prefers-color-scheme: dark', 'prefers-reduced-motion', ':focus-visible'])
        expect(sheet.text).toContain(feature);
    });
  });

  describe('login', () => {
    it('logs in by a form alone, and goes on to the page that was asked for', async () => {
      const asked = await browser.visit('/auth/devices?ended=1');
      const login = targetOf('/auth/devices', asked)!;
      expect(login).toBe('/auth/login?next=%2Fauth%2Fdevices%3Fended%3D1');
      const [, next] = /name="next" value="([^"]+)"/.exec((await browser.visit(login)).text)!;
      const answer = await postForm(browser, '/auth/pages/login', { ...CREDENTIALS, next: next! });
      expect(targetOf('/auth/pages/login', answer)).toBe('/auth/devices?ended=1');
      expect(answer.text).toBe('');
      expect((await browser.visit('/auth/devices')).status).toBe(200);
    });

    it.each([
      ['wrong', { password: 'wrong' }, 401],
      ['missing', { password: '' }, 400],
      ['too long', { password: 'x'.repeat(1_025) }, 400],
    ])('shows the form again for a password that is %s, and keeps nothing but the username', async (_title, wrong, status) => {
      const answer = await postForm(browser, '/auth/pages/login', { ...CREDENTIALS, ...wrong, username: 'al"<b>ice' });
      expect(answer.status).toBe(status);
      expect(textOf(answer)).toContain('The username or the password is not right.');
      expect(answer.text).toContain('value="al&quot;&lt;b&gt;ice"');
      expect(answer.text.match(/ value="[^"]*"/g)).toEqual([' value="al&quot;&lt;b&gt;ice"', ' value="1"']);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }); // prettier-ignore

    it.each([
      '//evil.example', '/\\evil.example', 'https://evil.example/', 'evil', '', '/.//evil.example', '/\t/evil.example',
      'javascript:alert(1)', '/..//evil.example', '\\/evil.example', '/%5cevil/../..//evil.example',
    ])('does not go on to %j', async (next) => {
      const { text } = await browser.visit(`/auth/login?next=${encodeURIComponent(next)}`);
      expect(text).not.toContain('name="next"');
      const answer = await postForm(browser, '/auth/pages/login', { ...CREDENTIALS, next });
      expect(targetOf('/auth/pages/login', answer)).toBe('/auth/devices');
    }); // prettier-ignore

    it.each([
      ['/', '/'],
      ['/notes?a=1&b=é', '/notes?a=1&b=%C3%A9'],
      ['/a/../b', '/b'],
    ])('goes on to %j of the same site', async (next, target) => {
      const answer = await postForm(browser, '/auth/pages/login', { ...CREDENTIALS, next });
      expect(targetOf('/auth/pages/login', answer)).toBe(target);
    });

    it('lets an unticked box end the session early', async () => {
      const { remember: _, ...fields } = CREDENTIALS;
      const answer = await postForm(browser, '/auth/pages/login', fields);
      expect(String(answer.headers['set-cookie'])).toContain('Max-Age=1800');
    });

    it('takes forms only, and of browsers only, and starts no session for others', async () => {
      const json = await browser.post('/auth/pages/login', { json: CREDENTIALS });
      const body = new URLSearchParams(CREDENTIALS).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'curl/8' };
      const curl = await t.http.post('/auth/pages/login', { body, headers });
      expect([json.status, curl.status, await idsOf()]).toEqual([415, 400, []]);
      const form = await browser.post('/auth/login', { body, headers });
      expect([form.status, form.body.code]).toEqual([415, 'invalid_request']);
    });
  });

  describe('of another site', () => {
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };

    it('B2: a form changes nothing, and logs nobody in or out', async () => {
      const id = await logIn();
      t.statements.length = 0;
      const answers = await Promise.all([
        postForm(browser, '/auth/pages/login', CREDENTIALS, foreign),
        postForm(browser, '/auth/pages/devices', { action: 'end-all' }, foreign),
        postForm(browser, '/auth/pages/admin/purge', {}, foreign),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
      expect(textOf(answers[1]!)).toContain('Another site made your browser send this.');
      expect(t.statements).toEqual([]);
      expect(await idsOf()).toEqual([id]);
    });

    it('a link gets one reload, which brings the cookies that are Strict', async () => {
      await logIn();
      t.clock.advance('6m');
      const refresh = [...browser.jar].find(([name]) => name.includes('refresh'))!;
      browser.jar.clear();
      const link = await browser.visit('/auth/devices', { 'sec-fetch-site': 'cross-site' });
      const [, next] = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(link.text)!;
      expect([link.status, next]).toEqual([401, '/auth/devices?reloaded']);
      expect((await browser.visit(next!, { 'sec-fetch-site': 'cross-site' })).status).toBe(303);
      browser.jar.set(...refresh);
      expect((await browser.visit(next!)).status).toBe(200);
    });

    it('a link that leads to the login gets one reload, and whoever is logged in goes on', async () => {
      await logIn();
      t.clock.advance('6m');
      const refresh = [...browser.jar].find(([name]) => name.includes('refresh'))!;
      browser.jar.clear();
      const elsewhere = { 'sec-fetch-site': 'cross-site' };
      const link = await browser.visit('/auth/login?next=/orders', elsewhere);
      const [, again] = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(link.text)!;
      const target = again!.replaceAll('&amp;', '&');
      expect([link.status, target]).toEqual([200, '/auth/login?next=/orders&reloaded']);
      // Where there is nobody, a form; and no second reload.
      for (const headers of [{}, elsewhere]) expect(textOf(await browser.visit(target, headers))).toContain('Password');
      browser.jar.set(...refresh);
      const answer = await browser.visit(target);
      expect([targetOf(target, answer), browser.jar.size]).toEqual(['/orders', 2]);
      // Without a reload before it: who is sent back here after that sees the form.
      expect(textOf(await browser.visit('/auth/login?next=/orders'))).toContain('Password');
    });
  });

  describe('cookies of a session that has ended', () => {
    const isRefresh = ([name]: [string, string]) => name.includes('refresh');
    /** As a browser does it with a cookie whose time is over. */
    const dropAccess = () => {
      browser = Object.assign(new BrowserLike(t.http), { jar: new Map([...browser.jar].filter(isRefresh)) });
    };

    it.each(['/auth/devices', '/auth/login?reloaded'])('are expired when %s is refused by them', async (path) => {
      await logIn();
      await t.tokens.revokeAll('1');
      dropAccess();
      const answer = await browser.visit(path);
      expect(targetOf(path, answer) ?? textOf(answer)).toMatch(/^\/auth\/login\?next=|Password/);
      expect(answer.headers['set-cookie']).toHaveLength(2);
      expect(browser.jar.size).toBe(0);
      expect((await browser.visit(path)).headers['set-cookie']).toBeUndefined();
    });

    it('stay when nobody could say whether it has ended', async () => {
      await logIn();
      dropAccess();
      await t.source.query('ALTER TABLE jwt_knox_sessions RENAME TO jwt_knox_elsewhere');
      const answer = await browser.visit('/auth/devices');
      await t.source.query('ALTER TABLE jwt_knox_elsewhere RENAME TO jwt_knox_sessions');
      expect([answer.status, answer.headers['set-cookie'], browser.jar.size]).toEqual([503, undefined, 1]);
    });

    it('stay when a client of the browser may still repeat the refresh that was cut off', async () => {
      await logIn();
      dropAccess();
      const old = new Map(browser.jar);
      const attempt = { headers: { 'idempotency-key': 'a-key-of-at-least-sixteen-characters' } };
      t.clock.advance('6m');
      await browser.post('/auth/refresh', attempt);
      Object.assign(browser, { jar: old });
      t.clock.advance('10m');
      const answer = await browser.visit('/auth/devices');
      expect([answer.status, answer.headers['set-cookie']]).toEqual([303, undefined]);
      expect((await browser.post('/auth/refresh', attempt)).status).toBe(200);
    });

    it('stay of a session that is bound to its device', async () => {
      await logIn();
      dropAccess();
      await t.source.getRepository(JwtKnoxSession).update({ userId: '1' }, { boundKind: 'dbsc' });
      const answer = await browser.visit('/auth/devices');
      expect([answer.status, answer.headers['set-cookie'], browser.jar.size]).toEqual([303, undefined, 1]);
    });
  });

  describe('devices', () => {
    it('shows the present device first, and of each what it is, where and when', async () => {
      await t.tokens.issue(alice, { userAgent: FIREFOX, deviceName: 'Work laptop', ip: '192.0.2.7' });
      t.clock.advance('2h');
      const id = await logIn();
      const answer = await browser.visit('/auth/devices');
      const text = textOf(answer);
      expect(text.indexOf('Chrome on Linux')).toBeLessThan(text.indexOf('Work laptop'));
      expect(text).toMatch(/This device Chrome on Linux/);
      expect(text).toMatch(/Work laptop Firefox on Windows IP address 192\.0\.2\.7 Signed in 2 hours ago/);
      const iso = new Date(t.clock.now() - 7_200_000).toISOString();
      expect(answer.text).toContain(`<time datetime="${iso}">2 hours ago <span class="absolute">`);
      expect(answer.text.indexOf(id)).toBeGreaterThan(0);
    });

    it('ends another session once, however often the form is posted', async () => {
      const other = (await t.tokens.issue(alice)).session.id;
      const mine = await logIn();
      const answers = [await post({ action: 'end', id: other }), await post({ action: 'end', id: other })];
      expect(answers.map(({ status }) => status)).toEqual([303, 404]);
      expect(targetOf('/auth/pages/devices', answers[0]!)).toBe('/auth/devices?ended=1');
      expect(textOf(await browser.visit('/auth/devices?ended=1'))).toContain('Signed out on one device.');
      expect(answers[1]!.text).toContain('<a href="../devices">Back</a>');
      expect(await idsOf()).toEqual([mine]);
      expect(t.events.filter(({ event }) => event.sessionId === other && event.reason === 'logout')).toHaveLength(1);
    });

    it('ends the own session, and the browser is logged out', async () => {
      const id = await logIn();
      const answer = await post({ action: 'end', id });
      expect([targetOf('/auth/pages/devices', answer), browser.jar.size]).toEqual(['/auth/login', 0]);
      const late = await post({ action: 'end', id });
      expect(targetOf('/auth/pages/devices', late)).toBe('/auth/login?next=%2Fauth%2Fdevices');
    });

    it('ends all others, then everything', async () => {
      for (let i = 0; i < 3; i++) await t.tokens.issue(alice);
      const mine = await logIn();
      expect(targetOf('/auth/pages/devices', await post({ action: 'end-others' }))).toBe('/auth/devices?ended=3');
      expect(await idsOf()).toEqual([mine]);
      expect(targetOf('/auth/pages/devices', await post({ action: 'end-all' }))).toBe('/auth/login');
      expect([await idsOf(), browser.jar.size]).toEqual([[], 0]);
    });

    it('renames a device', async () => {
      const id = await logIn();
      const answer = await post({ action: 'rename', id, device_name: ' Küche\u202e ' });
      expect(targetOf('/auth/pages/devices', answer)).toBe('/auth/devices?renamed');
      expect((await t.tokens.list('1'))[0]!.deviceName).toBe('Küche');
      await post({ action: 'rename', id, device_name: '' });
      expect((await t.tokens.list('1'))[0]!.deviceName).toBeNull();
    });

    it("touches nobody else's session", async () => {
      const [root] = await t.users.rows.findBy({ username: 'root' });
      const theirs = (await t.tokens.issue(root!)).session.id;
      await logIn();
      for (const action of ['end', 'rename']) expect((await post({ action, id: theirs })).status).toBe(404);
      expect(await t.tokens.list('2')).toMatchObject([{ id: theirs, deviceName: null }]);
    });

    it.each([
      { action: '' },
      { action: 'delete' },
      { action: 'end' },
      { action: 'end', id: UNKNOWN },
      { action: 'rename', id: 'x' },
    ])('explains that %j does not work', async (fields) => {
      const id = await logIn();
      const answer = await post(fields as Record<string, string>);
      expect([400, 404]).toContain(answer.status);
      expect(textOf(answer)).toContain('That did not work');
      expect(await idsOf()).toEqual([id]);
    });

    it('B5: shows what a client says of itself as text', async () => {
      const hostile = '</bdi><script>alert(1)</script><img src=x onerror=alert(2)>"\'&\u202e\u2066';
      await t.tokens.issue(alice, { userAgent: hostile, deviceName: `${hostile}${'x'.repeat(10_000)}` });
      await t.tokens.issue(alice, { userAgent: hostile.repeat(200) });
      await logIn();
      const answer = await browser.visit('/auth/devices');
      expect(answer.text).not.toMatch(/<script|<img|\u202e|\u2066/);
      expect(answer.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      expect(answer.text.length).toBeLessThan(20_000);
    });

    it('goes on by the refresh cookie, page and form alike, when the access token has expired', async () => {
      const id = await logIn();
      t.clock.advance('6m');
      expect((await browser.visit('/auth/devices')).status).toBe(200);
      t.clock.advance('6m');
      expect((await post({ action: 'rename', id, device_name: 'Desk' })).status).toBe(303);
    });

    it('is in the language of whoever asks', async () => {
      await logIn();
      const inGerman = await browser.visit('/auth/devices', { 'accept-language': 'de-AT,en;q=0.5' });
      expect(inGerman.text).toContain('<html lang="de">');
      expect(textOf(inGerman)).toContain('Ihre Geräte');
      expect(textOf(inGerman)).toContain('Chrome auf Linux');
      const others = await browser.visit('/auth/devices', { 'accept-language': 'fr' });
      expect(others.text).toContain('<html lang="en">');
    });
  });

  describe('admin', () => {
    const admin = (path: string, fields: Record<string, string>) =>
      postForm(browser, `/auth/pages/admin/${path}`, fields);

    it('shows statistics, and a chart of browsers', async () => {
      await logIn('root');
      for (let i = 0; i < 3; i++) await t.tokens.issue(alice, { userAgent: FIREFOX });
      const answer = await browser.visit('/auth/admin');
      expect(textOf(answer)).toMatch(/Users 2 Active sessions 4 Expired sessions \d+ Active sessions per user 2 /);
      expect(textOf(answer)).toContain('Firefox: 3, Chrome: 1');
      expect(answer.text).toMatch(/<rect class="bar" [^>]*width="260"/);
    });

    it('shows the sessions of a user, by path and by query, and ends one with a reason', async () => {
      const id = (await t.tokens.issue(alice, { deviceName: 'Phone' })).session.id;
      await logIn('root');
      for (const path of ['/auth/admin/users/1', '/auth/admin/users?user_id=1'])
        expect(textOf(await browser.visit(path))).toMatch(/Sessions of user 1 Phone/);
      t.events.length = 0;
      const answer = await admin('end', { user_id: '1', id, reason: 'revoked' });
      expect(targetOf('/auth/pages/admin/end', answer)).toBe('/auth/admin/users?user_id=1&ended=1');
      const ends = t.events.filter(({ name }) => name === 'session.revoked');
      expect(ends).toMatchObject([{ event: { sessionId: id, reason: 'revoked', actor: { userId: '2' } } }]);
      const again = await admin('end', { user_id: '1', id, reason: 'revoked' });
      expect([again.status, again.text.includes('href="../../admin"')]).toEqual([404, true]);
    });

    it('ends all sessions of a user, and of the administrator too', async () => {
      for (let i = 0; i < 2; i++) await t.tokens.issue(alice);
      await logIn('root');
      const answer = await admin('end-all', { user_id: '1', reason: 'reused' });
      expect(targetOf('/auth/pages/admin/end-all', answer)).toBe('/auth/admin/users?user_id=1&ended=2');
      expect(await idsOf()).toEqual([]);
      expect(targetOf('/auth/pages/admin/end-all', await admin('end-all', { user_id: '2' }))).toBe('/auth/login');
      expect(browser.jar.size).toBe(0);
    });

    it('purges, and says how many', async () => {
      await t.tokens.issue(alice);
      t.clock.advance('2d');
      await logIn('root');
      const target = targetOf('/auth/pages/admin/purge', await admin('purge', {}))!;
      expect(target).toMatch(/^\/auth\/admin\?purged=[1-9]\d*$/);
      expect(textOf(await browser.visit(target))).toMatch(/One session was deleted\.|\d+ sessions were deleted\./);
    });

    it.each(['/auth/admin', '/auth/admin/users/1', '/auth/admin/users?user_id=1'])(
      '%s is for administrators',
      async (path) => {
        expect(targetOf(path, await browser.visit(path))).toBe(`/auth/login?next=${encodeURIComponent(path)}`);
        await logIn();
        const answer = await browser.visit(path);
        expect([answer.status, textOf(answer).includes('You may not do this.')]).toEqual([403, true]);
      },
    );

    it('B5: a user id in the address is text', async () => {
      await logIn('root');
      const answer = await browser.visit(`/auth/admin/users?user_id=${encodeURIComponent('"><script>x</script>')}`);
      expect([answer.status, answer.text.includes('<script')]).toEqual([200, false]);
    });
  });
});
