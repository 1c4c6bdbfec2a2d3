import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BearerTransport, type Session } from '../../lib';
import { pages } from '../../lib/pages';
import { boundBrowser, createBoundApp, logInAs, rowOf } from '../support/bound-app';
import { cookiesIn } from '../support/browser-like';
import { environments, type TestApp } from '../support/create-app';
import { DbscBrowser, makeKey, type ProofChange, publicJwk } from '../support/dbsc-browser';

const ACCESS = '__Host-knox-access';
const REFRESH = '__Host-knox-refresh';
const OFFER = 'secure-session-registration';

describe.each(environments)('DBSC, the registration: $title', ({ platform, kind }) => {
  let t: TestApp;
  let name: string;
  let count = 0;
  beforeAll(async () => {
    t = await createBoundApp(platform, kind);
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    name = `user${++count}`;
    await t.users.add(name);
    t.events.length = 0;
  });

  /** Logged in, and offered a registration that nobody has taken up yet. */
  async function offered() {
    const browser = new DbscBrowser(t.http);
    browser.registers = false;
    const login = await logInAs(browser, name);
    return { browser, offer: String(login.headers[OFFER]), id: login.body.session_id as string };
  }

  it('is offered once with a login, and not with a refresh or a page', async () => {
    const { browser, offer } = await offered();
    expect(offer).toMatch(/^\(ES256 RS256\);path="\/auth\/dbsc\/register";challenge="[\w.-]+"$/);
    const refreshed = await browser.post('/auth/refresh');
    expect(refreshed.status).toBe(200);
    expect(refreshed.headers[OFFER]).toBeUndefined();
    expect((await browser.get('/notes')).headers[OFFER]).toBeUndefined();
  });

  it('is not offered to a program, nor on plain http', async () => {
    const json = { username: name, password: `${name}-password` };
    expect((await t.http.post('/auth/login', { json })).headers[OFFER]).toBeUndefined();
    const local = new DbscBrowser(t.http, 'localhost:3000');
    expect((await logInAs(local, name)).headers[OFFER]).toBeUndefined();
  });

  it.each(['ES256', 'RS256'] as const)('binds the session to a key of %s, and says how to prolong it', async (alg) => {
    const browser = new DbscBrowser(t.http);
    browser.algorithm = alg;
    const { session_id: id } = (await logInAs(browser, name)).body;
    const [answer] = browser.answers;
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    const access = cookiesIn(answer!)[ACCESS]!;
    expect(answer!.body).toEqual({
      session_identifier: id,
      refresh_url: '/auth/dbsc/refresh',
      scope: {
        include_site: false,
        scope_specification: ['dbsc', 'login', 'refresh', 'pages/login'].map((path) => ({
          type: 'exclude',
          path: `/auth/${path}`,
        })),
      },
      credentials: [{ type: 'cookie', name: ACCESS, attributes: access.attributes.slice(1).join('; ') }],
    });
    expect(access.attributes).toEqual(['Max-Age=270', 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']);
    const row = await rowOf(t, id);
    expect(row).toMatchObject({ boundKind: 'dbsc', boundProofAt: null, boundAt: t.clock.now(), generation: 1 });
    expect(JSON.parse(row!.boundKey!)).toEqual(publicJwk(browser.bound.privateKey));
    expect(t.events.map((one) => one.name)).toContain('session.bound');
    expect((await browser.get('/notes')).status).toBe(200);
  });

  it('K1 makes worthless what was copied before it', async () => {
    const { browser, offer } = await offered();
    const copied = new Map(browser.jar);
    await browser.register(offer);
    expect((await browser.get('/notes')).status).toBe(200);
    const thief = new DbscBrowser(t.http);
    for (const [cookie, value] of copied) thief.jar.set(cookie, value);
    t.clock.advance('20s');
    // The access token counts until it ends: requests of the page may be under way with it.
    expect((await thief.get('/notes')).status).toBe(200);
    t.clock.advance('5m');
    expect((await thief.get('/notes')).status).toBe(401);
    expect((await thief.post('/auth/refresh')).status).toBe(401);
  });

  describe('refuses, and binds nothing', () => {
    async function refused(
      change: ProofChange,
      status = 401,
      prepare: (browser: DbscBrowser) => void = () => undefined,
    ) {
      const { browser, offer, id } = await offered();
      prepare(browser);
      expect((await browser.register(offer, change)).status).toBe(status);
      expect(await rowOf(t, id)).toMatchObject({ boundKind: null, generation: 0 });
    }

    it('a proof of another type', () => refused({ header: { typ: 'dpop+jwt' } }));
    it('no algorithm', () => refused({ header: { alg: 'none' } }));
    it('another algorithm than that of the key', () => refused({ header: { alg: 'RS256' } }));
    it('an algorithm that was not offered', () =>
      refused({ header: { alg: 'PS256' }, key: makeKey('RS256').privateKey }));
    it('a key that has not signed', () => refused({ header: { jwk: publicJwk(makeKey().privateKey) } }));
    it('no key', () => refused({ header: { jwk: undefined } }));
    it('a key with private members', async () => {
      const { privateKey } = makeKey();
      await refused({ key: privateKey, header: { jwk: privateKey.export({ format: 'jwk' }) } });
    });
    it('a header with members that change what a proof means', () => refused({ header: { crit: ['exp'] } }));
    it('a challenge that was made up', () => refused({ payload: { jti: 'mwxnrleb.4MKaqyaOIF36.aaaa' } }));
    it('no challenge', () => refused({ payload: { jti: undefined } }));
    it('K6 a request without the refresh cookie', () =>
      refused({}, 401, (browser) => void browser.jar.delete(REFRESH)));
    it('K6 an access cookie in place of the refresh cookie', () =>
      refused({}, 401, (browser) => void browser.jar.set(REFRESH, browser.jar.get(ACCESS)!)));
    it('K4 a challenge of more than two minutes ago', () => refused({}, 401, () => t.clock.advance('121s')));
  });

  it('refuses a request without a proof as 400', async () => {
    const { browser } = await offered();
    expect((await browser.post('/auth/dbsc/register')).status).toBe(400);
  });

  it('refuses as 400 what is sent wrong: that is no failure of the server, and none for its log', async () => {
    const { browser, offer } = await offered();
    const token = browser.jar.get(REFRESH)!;
    browser.jar.set(REFRESH, `${token}; ${REFRESH}=${token}`);
    const logged = vi.spyOn(Logger.prototype, 'error');
    const answer = await browser.register(offer);
    const lines = logged.mock.calls.flat();
    logged.mockRestore();
    expect(answer.status).toBe(400);
    expect(lines).toEqual([]);
  });

  it('K6 takes a challenge for the session only that it was made for', async () => {
    const [one, other] = [await offered(), await offered()];
    expect((await one.browser.register(other.offer)).status).toBe(401);
    expect(await rowOf(t, one.id)).toMatchObject({ boundKind: null });
    expect((await one.browser.register(one.offer)).status).toBe(200);
  });

  it('K6 binds a session once: not to a second key, nor to the same once more', async () => {
    const { browser, offer, id } = await offered();
    const { privateKey } = makeKey();
    expect((await browser.register(offer, { key: privateKey })).status).toBe(200);
    const before = await rowOf(t, id);
    for (const key of [privateKey, makeKey().privateKey])
      expect((await browser.register(offer, { key })).status).toBe(409);
    expect(await rowOf(t, id)).toEqual(before);
  });

  it('K6 of keys that are sent at once binds one', async () => {
    const { browser, offer, id } = await offered();
    const jar = [...browser.jar];
    const rivals = Array.from({ length: 5 }, () => {
      const rival = new DbscBrowser(t.http);
      for (const [cookie, value] of jar) rival.jar.set(cookie, value);
      return rival;
    });
    const statuses = await Promise.all(rivals.map(async (rival) => (await rival.register(offer)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(await rowOf(t, id)).toMatchObject({ boundKind: 'dbsc', generation: 1 });
  });

  it('K5 whose answer is lost leaves a session that goes on as one that is not bound', async () => {
    const browser = new DbscBrowser(t.http);
    browser.loses = () => true;
    const { session_id: id } = (await logInAs(browser, name)).body;
    expect(browser.sessions.size).toBe(0);
    expect(await rowOf(t, id)).toMatchObject({ boundKind: 'dbsc', boundProofAt: null });
    t.clock.advance('4m');
    const headers = { 'idempotency-key': '1234567890abcdef' };
    expect((await browser.post('/auth/refresh', { headers })).status).toBe(200);
    for (let hours = 0; hours < 3; hours++) {
      t.clock.advance('1h');
      expect((await browser.post('/auth/refresh')).status).toBe(200);
    }
  });

  it('K5 whose answer is lost leaves pages without scripts logged in, too', async () => {
    const browser = new DbscBrowser(t.http);
    browser.loses = () => true;
    await logInAs(browser, name);
    for (let turns = 0; turns < 3; turns++) {
      t.clock.advance('4m');
      browser.expire();
      expect((await browser.visit('/notes')).status).toBe(200);
    }
  });

  it('takes headers in quotes too, as the draft has them', async () => {
    const { browser } = await offered();
    const bound = await boundBrowser(t, name);
    const first = await bound.ask({ 'sec-secure-session-id': `"${bound.bound.id}"` });
    expect(first.status).toBe(403);
    const challenge = /^"([^"]*)"/.exec(String(first.headers['secure-session-challenge']))![1]!;
    const proof = `"${bound.proofFor(challenge)}"`;
    expect((await bound.ask({ 'secure-session-response': proof })).status).toBe(200);
    expect(browser.jar.size).toBe(2);
  });
});

describe.each(environments)('DBSC, enforced from the registration: $title', ({ platform, kind }) => {
  it('K3 needs a proof from then on', async () => {
    const t = await createBoundApp(platform, kind, {
      binding: { dbsc: 'prefer', dpop: 'off', enforceFrom: 'registration' },
    });
    try {
      await t.users.add('alice');
      const browser = await boundBrowser(t, 'alice');
      const refused = await browser.post('/auth/refresh');
      expect(refused).toMatchObject({ status: 401, body: { code: 'binding_required' } });
      browser.expire();
      expect((await browser.get('/notes')).status).toBe(200);
    } finally {
      await t.close();
    }
  });
});

describe.each(environments)('DBSC, where tokens are in no cookies: $title', ({ platform, kind }) => {
  it('refuses a registration as 400, whatever is sent, and logs nothing', async () => {
    const t = await createBoundApp(platform, kind, { options: { transport: new BearerTransport() } });
    const logged = vi.spyOn(Logger.prototype, 'error');
    try {
      const headers = { 'secure-session-response': 'a.b.c', 'content-type': 'text/plain' };
      const answers = [
        await t.http.post('/auth/dbsc/register', { headers }),
        await t.http.post('/auth/dbsc/register', { headers, body: 'x' }),
        await t.http.post('/auth/dbsc/register', { headers: { 'secure-session-response': 'a.b.c' } }),
      ];
      for (const { status } of answers) expect([400, 401]).toContain(status);
      expect(logged.mock.calls).toEqual([]);
    } finally {
      logged.mockRestore();
      await t.close();
    }
  });
});

describe.each(environments)('staff whose session a browser has bound: $title', ({ platform, kind }) => {
  it.each([
    ['5m', undefined, 300],
    ['5m', '15m', 300],
    ['5m', '1m', 60],
    ['20m', '15m', 900],
  ])('K3 act as a user no longer than an access token counts: %s, asked for %s', async (accessTtl, ttl, expected) => {
    const t = await createBoundApp(platform, kind, { options: { accessToken: { ttl: accessTtl } } });
    const [, bob] = [await t.users.add('alice'), await t.users.add('bob')];
    const browser = await boundBrowser(t, 'alice');
    const [own] = await t.tokens.list('1');
    const order = { reason: 'Ticket 4711', ...(ttl !== undefined && { ttl }) };
    const { accessToken: token, expiresIn, session } = await t.tokens.impersonate(own!, bob, order);
    expect([expiresIn, session.expiresAt - t.clock.now()]).toEqual([expected, expected * 1_000]);
    expect((await t.http.get('/notes', { token })).body).toMatchObject({ username: 'bob' });
    t.clock.advance(`${expected - 1}s`);
    expect((await t.http.get('/notes', { token })).status).toBe(200);
    t.clock.advance('1s');
    expect((await t.http.get('/notes', { token })).status).toBe(401);
    expect(await browser.renew()).toBe('renewed');
    await t.close();
  });
});

describe.each(environments)('DBSC, where sessions must be bound: $title', ({ platform, kind }) => {
  let t: TestApp;
  beforeAll(async () => {
    t = await createBoundApp(platform, kind, {
      binding: { dbsc: 'prefer', dpop: 'off', policy: 'require' },
      extras: { features: [pages()] },
    });
    await t.users.add('alice');
  });
  afterAll(() => t.close());

  it('K3 lets nobody in before the registration, and everybody after it', async () => {
    const browser = new DbscBrowser(t.http);
    browser.registers = false;
    const offer = String((await logInAs(browser, 'alice')).headers[OFFER]);
    const refused = { status: 401, body: { code: 'binding_required' } };
    expect(await browser.get('/notes')).toMatchObject(refused);
    expect(await browser.post('/auth/refresh')).toMatchObject(refused);
    expect((await browser.register(offer)).status).toBe(200);
    expect((await browser.get('/notes')).status).toBe(200);
    expect((await browser.post('/auth/logout')).status).toBe(204);
  });

  it('lets a session that is not bound log out', async () => {
    const browser = new DbscBrowser(t.http);
    browser.registers = false;
    await logInAs(browser, 'alice');
    expect((await browser.post('/auth/logout')).status).toBe(204);
  });

  it('K3 lets staff act as a user from a session that is bound, and from no other', async () => {
    const bob = await t.users.add('bob');
    const browser = await boundBrowser(t, 'alice');
    const own = (await t.tokens.list('1')).find(({ id }) => id === browser.bound.id)!;
    const unbound = (await t.tokens.issue((await t.users.findById('1'))!)).session;
    t.events.length = 0;
    const act = (actor: Session) => t.tokens.impersonate(actor, bob, { reason: 'Ticket 4711' });
    await expect(act(unbound)).rejects.toMatchObject({ code: 'binding_required', refusal: 'not_bound' });
    expect(t.events).toMatchObject([{ name: 'binding.refused', event: { reason: 'not_bound', isCopy: false } }, { name: 'login.failed' }]);
    const { accessToken: token } = await act(own);
    expect((await t.http.get('/notes', { token })).body).toMatchObject({ username: 'bob' });
  }); // prettier-ignore

  it('has the first page that comes before the registration asked for once more', async () => {
    const browser = new DbscBrowser(t.http);
    browser.registers = false;
    const offer = String((await logInAs(browser, 'alice')).headers[OFFER]);
    const early = await browser.visit('/notes');
    expect(early).toMatchObject({ status: 401, headers: { refresh: '1' } });
    expect((await browser.visit('/notes')).headers.refresh).toBeUndefined();
    for (const cookie of browser.jar.keys()) if (cookie.endsWith('-again')) browser.jar.delete(cookie);
    const page = await browser.visit('/auth/devices');
    expect(page.text).toContain('content="1; url=/auth/devices?reloaded"');
    await browser.register(offer);
    expect((await browser.visit('/auth/devices?reloaded')).status).toBe(200);
  });
});
