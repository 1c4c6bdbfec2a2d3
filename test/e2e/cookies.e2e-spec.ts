import { Controller, Post, UseGuards } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AllowCrossOrigin, CookieTransport, CurrentUser, JwtKnoxGuard } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { BrowserLike, cookiesIn } from '../support/browser-like';
import { createApp, everyEnvironment, NotesController, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import type { User } from '../support/users';

const ACCESS = '__Host-knox-access';
const REFRESH = '__Host-knox-refresh';
const TRUSTED = 'https://shop.example.com';
const json = { username: 'alice', password: 'alice-password' };

@Controller('changes')
@UseGuards(JwtKnoxGuard)
class ChangesController {
  @Post() change(@CurrentUser() { username }: User) {
    return { username };
  }
  @Post('open') @AllowCrossOrigin() open(@CurrentUser() { username }: User) {
    return { username };
  }
}

describe.each(everyEnvironment)('cookies: $title', ({ platform, kind }) => {
  let t: TestApp;
  let browser: BrowserLike;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      options: { transport: new CookieTransport({ trustedOrigins: [TRUSTED] }) },
      controllers: [NotesController, ChangesController],
    });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(() => (browser = new BrowserLike(t.http)));
  afterEach(() => t.tokens.revokeAll('1'));

  const logIn = () => browser.post('/auth/login', { json });

  it('B1: a login in a browser sets two cookies that no script reads, and has no token in its body', async () => {
    const answer = await logIn();
    const cookies = cookiesIn(answer);
    expect(Object.keys(cookies)).toEqual([ACCESS, REFRESH]);
    expect(cookies[ACCESS]!.attributes.toSorted()).toEqual(
      ['HttpOnly', 'Max-Age=300', 'Path=/', 'SameSite=Lax', 'Secure'], // prettier-ignore
    );
    expect(cookies[REFRESH]!.attributes.toSorted()).toEqual(
      ['HttpOnly', 'Max-Age=86400', 'Path=/', 'SameSite=Strict', 'Secure'], // prettier-ignore
    );
    const session_id = claimsOf(cookies[ACCESS]!.value).sid;
    expect(answer.body).toEqual({ token_type: 'Bearer', expires_in: 300, refresh_expires_in: 86_400, session_id });
    expect([answer.headers.vary, answer.headers['cache-control']]).toEqual([
      expect.stringMatching(/cookie/i),
      'no-store',
    ]);
    expect((await browser.get('/notes')).body).toMatchObject({ username: 'alice', sessionId: session_id });
  });

  it('tells who is logged in, and refreshes and logs out by cookie alone', async () => {
    const { body } = await logIn();
    expect((await browser.get('/auth/session')).body).toMatchObject({ id: body.session_id, current: true });
    const before = browser.jar.get(REFRESH);
    t.clock.advance('11s');
    const refreshed = await browser.post('/auth/refresh');
    expect([refreshed.status, refreshed.body.access_token]).toEqual([200, undefined]);
    expect(browser.jar.get(REFRESH)).not.toBe(before);
    expect((await browser.post('/auth/logout')).status).toBe(204);
    expect(browser.jar.size).toBe(0);
    expect((await browser.get('/auth/session')).status).toBe(401);
  });

  it('expires the cookies of a refresh that was refused, and never those of a guarded route', async () => {
    await logIn();
    await t.tokens.revokeAll('1');
    expect((await browser.get('/notes')).headers['set-cookie']).toBeUndefined();
    expect((await browser.post('/auth/refresh')).status).toBe(401);
    expect(browser.jar.size).toBe(0);
  });

  it('ends the session that a second login in the same browser takes the place of', async () => {
    const first = (await logIn()).body.session_id;
    const second = (await logIn()).body.session_id;
    expect((await t.tokens.list('1')).map(({ id }) => id)).toEqual([second]);
    expect(first).not.toBe(second);
    const refused = await browser.post('/auth/login', { json: { ...json, password: 'wrong' } });
    expect(refused.status).toBe(401);
    expect((await browser.get('/notes')).status).toBe(200);
    expect(t.events.filter(({ name }) => name === 'session.revoked').at(-1)).toMatchObject({
      event: { sessionId: first, userId: '1', reason: 'replaced', actor: { userId: '1', sessionId: second } },
    });
  });

  describe('of a program', () => {
    it.each([
      ['curl', { 'user-agent': 'curl/8.0' }],
      ['a client without a user-agent', {}],
      ['a client whose load balancer set a cookie', { cookie: 'lb=1' }],
    ])('%s are not set: it has its tokens in the body', async (_title, headers) => {
      const answer = await t.http.post('/auth/login', { json, headers });
      expect(answer.headers['set-cookie']).toBeUndefined();
      const { access_token: token, refresh_token } = answer.body;
      expect((await t.http.get('/notes', { token, headers })).status).toBe(200);
      const refreshed = await t.http.post('/auth/refresh', { json: { refresh_token }, headers });
      expect(refreshed.body.access_token).toEqual(expect.any(String));
      expect(refreshed.headers['set-cookie']).toBeUndefined();
      expect((await t.http.post('/auth/logout', { token, headers })).status).toBe(204);
    });

    it('are set for a browser behind a proxy that strips its headers', async () => {
      const headers = { host: 'app.example.com', 'user-agent': 'Mozilla/5.0' };
      expect(Object.keys(cookiesIn(await t.http.post('/auth/login', { json, headers })))).toEqual([ACCESS, REFRESH]);
    });
  });

  it('judges a request with an Authorization header by that alone', async () => {
    await logIn();
    const token = `${browser.jar.get(ACCESS)!.slice(0, -2)}xx`;
    const answer = await browser.get('/notes', { token });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
    const basic = await browser.get('/notes', { headers: { authorization: 'Basic c3RhZ2luZzpwYXNz' } });
    expect(basic.status).toBe(200);
  });

  it('refuses two cookies of one name, and rids the browser of both', async () => {
    await logIn();
    const [name, value] = [ACCESS, browser.jar.get(ACCESS)];
    const answer = await t.http.get('/notes', {
      headers: { host: 'app.example.com', cookie: `${name}=${value}; ${name}=other` },
    });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    const expired = [answer.headers['set-cookie']!].flat();
    expect(expired.every((line) => line.includes('Max-Age=0'))).toBe(true);
    const domains = expired.map((line) => /Domain=([^;]+)/.exec(line)?.[1]);
    expect(new Set(domains)).toEqual(new Set([undefined, 'app.example.com', 'example.com']));
  });

  it.each([
    ['has many labels', `${'a.'.repeat(3_000)}example`],
    ['is no name', 'my_app..example.com'],
    ['is an address', '10.0.0.7:8080'],
    ['ends with a dot', 'app.example.com.'],
  ])('refuses them at once for a host that %s', async (_title, host) => {
    const cookie = `${ACCESS}=1; ${ACCESS} =2`;
    const answer = await t.http.get('/notes', { headers: { host, cookie } });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect([answer.headers['set-cookie']!].flat().length).toBeLessThan(15);
  });

  it('reads a name with spaces around it as browsers do', async () => {
    await logIn();
    const cookie = `${ACCESS} =${browser.jar.get(ACCESS)}`;
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect((await t.http.post('/changes', { headers: { host: 'app.example.com', cookie, ...foreign } })).status).toBe(
      403,
    );
  });

  it('leaves the cookies alone when a session with a token of its own ends', async () => {
    await logIn();
    const { access_token: token } = (await t.http.post('/auth/login', { json })).body;
    const ended = await browser.post('/auth/logout', { token });
    expect([ended.status, ended.headers['set-cookie']]).toEqual([204, undefined]);
    expect((await browser.get('/notes')).status).toBe(200);
    const { refresh_token } = (await t.http.post('/auth/login', { json })).body;
    const fixed = await browser.post('/auth/refresh', { token: 'x', json: { refresh_token } });
    expect([fixed.status, fixed.headers['set-cookie']]).toEqual([400, undefined]);
  });

  it('refuses to set a cookie that browsers would drop, and starts no session', async () => {
    const big = new CookieTransport();
    const app = await createApp(platform, kind, {
      options: { transport: big, claims: () => ({ filler: 'x'.repeat(3_000) }) },
    });
    try {
      await app.users.add('alice');
      const answer = await new BrowserLike(app.http).post('/auth/login', { json });
      expect([answer.status, answer.headers['set-cookie']]).toEqual([500, undefined]);
      expect(await app.tokens.list('1')).toEqual([]);
    } finally {
      await app.close();
    }
  });

  describe('a navigation whose access token has expired', () => {
    it('goes on by the refresh cookie, without rotation, and prolongs the session', async () => {
      await logIn();
      const [access, refresh] = [browser.jar.get(ACCESS)!, browser.jar.get(REFRESH)!];
      const key = claimsOf(refresh).token_key;
      for (let round = 0; round < 3; round++) {
        t.clock.advance('20h');
        expect((await browser.visit('/notes')).status).toBe(200);
        expect(claimsOf(browser.jar.get(REFRESH)!)).toMatchObject({ token_key: key, gen: 0 });
      }
      expect(browser.jar.get(ACCESS)).not.toBe(access);
      expect((await browser.get('/notes')).status).toBe(200);
      t.clock.advance('11s');
      expect((await browser.post('/auth/refresh')).status).toBe(200);
    });

    it('goes on by the key before, too: an aborted page load is no replay', async () => {
      await logIn();
      const old = new Map(browser.jar);
      t.clock.advance('6m');
      expect((await browser.post('/auth/refresh')).status).toBe(200);
      for (const [name, value] of old) browser.jar.set(name, value);
      t.clock.advance('3s');
      const answer = await browser.visit('/notes');
      expect(answer.status).toBe(200);
      expect(claimsOf(browser.jar.get(REFRESH)!).gen).toBe(1);
    });

    it('ends no session whose client can still retry the refresh that was cut off', async () => {
      await logIn();
      const old = new Map(browser.jar);
      t.clock.advance('6m');
      const attempt = { headers: { 'idempotency-key': 'a-key-of-at-least-sixteen-characters' } };
      expect((await browser.post('/auth/refresh', attempt)).status).toBe(200);
      for (const [name, value] of old) browser.jar.set(name, value);
      t.clock.advance('10m');
      expect((await browser.visit('/notes')).status).toBe(401);
      expect((await browser.post('/auth/refresh', attempt)).status).toBe(200);
      expect((await browser.visit('/notes')).status).toBe(200);
    });

    it('is answered with no-store, since the answer brings tokens', async () => {
      await logIn();
      t.clock.advance('6m');
      expect((await browser.visit('/notes')).headers['cache-control']).toBe('no-store');
    });

    it('is not let in by the cookie of a session that is bound to its device, and changes nothing', async () => {
      await logIn();
      const rows = t.source.getRepository(JwtKnoxSession);
      await rows.update({ userId: '1' }, { boundKind: 'dbsc', boundProofAt: 1 });
      const before = await rows.find();
      t.clock.advance('6m');
      t.events.length = 0;
      const { status, body, headers } = await browser.visit('/notes');
      expect([status, body.code, headers['set-cookie']]).toEqual([401, 'token_expired', undefined]);
      expect(await rows.find()).toEqual(before);
      // Of the access token it is told that it has expired, as ever.
      expect(t.events.map(({ event }) => event.tokenType)).toEqual(['access']);
      await rows.update({ userId: '1' }, { boundKind: null });
      expect((await browser.visit('/notes')).status).toBe(200);
    });

    it('is no help to a fetch, or once the session has ended', async () => {
      await logIn();
      t.clock.advance('6m');
      const fetched = await browser.get('/notes');
      expect([fetched.status, fetched.body.code]).toEqual([401, 'token_expired']);
      await t.tokens.revokeAll('1');
      const visited = await browser.visit('/notes');
      expect([visited.status, visited.body.code, visited.headers['set-cookie']]).toEqual([
        401,
        'token_expired',
        undefined,
      ]);
    });
  });

  describe('B2: a request that another site made the browser send', () => {
    const FOREIGN: [string, Record<string, string>][] = [
      ['by Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
      ['of a sibling', { 'sec-fetch-site': 'same-site', origin: 'https://evil.example.com' }],
      ['without Origin', { 'sec-fetch-site': 'cross-site' }],
      ['by Origin alone', { 'sec-fetch-site': '', origin: 'https://evil.example' }],
      ['of a sandboxed frame', { 'sec-fetch-site': '', origin: 'null' }],
      ['of another port', { 'sec-fetch-site': '', origin: 'https://app.example.com:8443' }],
      ['of a name that begins alike', { 'sec-fetch-site': '', origin: 'https://app.example.com.evil.example' }],
    ];

    it.each(FOREIGN)('%s changes nothing, and logs nobody in or out', async (_title, headers) => {
      await logIn();
      t.statements.length = 0;
      const forged = { ...headers, 'content-type': 'text/plain' };
      const answers = await Promise.all([
        browser.post('/changes', { headers: forged }),
        browser.post('/auth/login', { json, headers }),
        browser.post('/auth/refresh', { headers: forged }),
        browser.post('/auth/logout', { headers: forged }),
        browser.post('/auth/logout-all', { headers: forged }),
        browser.send('DELETE', '/auth/sessions/00000000-0000-4000-8000-000000000000', { headers: forged }),
        browser.send('PATCH', '/auth/sessions/00000000-0000-4000-8000-000000000000', { headers: forged }),
      ]);
      expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
        answers.map(() => [403, 'cross_origin_refused']),
      );
      expect(t.statements).toEqual([]);
      expect((await browser.get('/notes')).status).toBe(200);
    });

    it.each([
      ['of the same origin', {}],
      ['typed by the person', { 'sec-fetch-site': 'none' }],
      ['of an old browser', { 'sec-fetch-site': '', origin: 'https://app.example.com' }],
      [
        'of an old browser, whose port the proxy spells',
        { 'sec-fetch-site': '', origin: 'https://app.example.com', host: 'app.example.com:443' },
      ],
      ['of a site that is trusted', { 'sec-fetch-site': 'cross-site', origin: TRUSTED }],
    ])('control: one %s does', async (_title, headers: Record<string, string>) => {
      expect((await browser.post('/auth/login', { json, headers })).status).toBe(200);
      expect((await browser.post('/changes', { headers })).status).toBe(201);
      expect((await browser.post('/auth/refresh', { headers })).status).toBe(200);
      expect((await browser.post('/auth/logout', { headers })).status).toBe(204);
    });

    it('may change what a route allows by @AllowCrossOrigin()', async () => {
      await logIn();
      const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://partner.example' };
      expect((await browser.post('/changes/open', { headers })).status).toBe(201);
      expect((await browser.post('/changes', { headers })).status).toBe(403);
    });

    it.each(['login', 'refresh', 'logout'])('is no %s, whatever it says of a token of its own', async (path) => {
      const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      const answer = await browser.post(`/auth/${path}`, { json, token: 'x', headers });
      expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined]);
    });

    it('is no concern of a request with its own token, or with none', async () => {
      const { access_token: token } = (await t.http.post('/auth/login', { json })).body;
      const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      expect((await t.http.post('/changes', { token, headers })).status).toBe(201);
      expect((await t.http.post('/changes', { headers })).body.code).toBe('missing_token');
    });
  });
});

describe('the options of CookieTransport', () => {
  it.each([
    [{ secure: 'yes' }, 'secure: must be one of'],
    [{ samesite: 'lax' }, 'samesite: no such option'],
    [{ trustedOrigins: ['https://a.example.com/'] }, 'trustedOrigins: "https://a.example.com/" is no origin'],
    [{ trustedOrigins: ['null'] }, 'trustedOrigins: "null" is no origin'],
    [{ secure: false, sameSite: 'none' }, 'secure: browsers take no cookie'],
    [{ names: { access: '__Host-a' }, domain: 'example.com' }, 'names.access: __Host- needs'],
    [{ names: { access: 'a b' } }, 'names.access: no name'],
    [{ names: { access: 'a', refresh: 'a' } }, 'names: the two cookies need different names'],
    [{ domain: 'https://example.com' }, 'domain: must be a host name'],
    [{ path: '../auth' }, 'path: must be a plain path'],
  ])('%j: %s', (options, problem) => {
    expect(() => new CookieTransport(options as object)).toThrow(problem);
  });
});

it('one CookieTransport serves one realm', () => {
  const transport = new CookieTransport();
  transport.configure({ realm: 'staff', publicOrigins: [] });
  expect(() => transport.configure({ realm: 'customers', publicOrigins: [] })).toThrow('serves one realm');
});

it.each([
  ['a proxy', { 'x-forwarded-proto': 'https' }],
  ['a page over https', { origin: 'https://app.example.com' }],
])('cookies are secure behind %s that asks for localhost', (_title, headers) => {
  const transport = new CookieTransport({ bearer: false });
  const lines: string[] = [];
  const response = { header: (_name: string, value: string) => lines.push(value) };
  transport.clear(response, { headers: { host: 'localhost:3000', ...headers } });
  expect(lines).toEqual([expect.stringMatching(/^__Host-.*Secure/), expect.stringMatching(/^__Host-.*Secure/)]);
});

it('a context without headers is no request of a browser, and no error', () => {
  const transport = new CookieTransport();
  transport.admit({}, undefined, { wantsTokens: false, allowsCrossOrigin: false });
  expect([transport.readAccess({}), transport.readRenewal({})]).toEqual([null, null]);
});

describe('the names of the cookies', () => {
  const namesIn = async (options: ConstructorParameters<typeof CookieTransport>[0], host: string, realm?: string) => {
    const { platform } = everyEnvironment[0]!;
    const app = await createApp(platform, 'sqlite', {
      options: { transport: new CookieTransport(options) },
      extras: { ...(realm && { realm }) },
    });
    try {
      await app.users.add('alice');
      const cookies = cookiesIn(await new BrowserLike(app.http, host).post('/auth/login', { json }));
      return Object.entries(cookies).map(([name, { attributes }]) => `${name} ${attributes.join(' ')}`);
    } finally {
      await app.close();
    }
  };

  it.each([
    ['a realm', {}, 'app.example.com', 'staff', /^__Host-knox-staff-access .*Secure/, /^__Host-knox-staff-refresh /],
    ['a developer', {}, 'localhost:3000', undefined, /^knox-access-3000 (?!.*Secure)/, /^knox-refresh-3000 /],
    [
      'a domain',
      { domain: 'example.com' },
      'a.example.com',
      undefined,
      /^__Secure-knox-access .*Domain=example\.com/,
      /^__Secure-/,
    ],
    [
      'a path',
      { path: 'auth' },
      'a.example.com',
      undefined,
      /^__Host-knox-access .*Path=\/ /,
      /^__Secure-knox-refresh .*Path=\/auth /,
    ],
    [
      'an embedded app',
      { sameSite: 'none', partitioned: true },
      'a.example.com',
      undefined,
      /Partitioned.*SameSite=None/,
      /SameSite=None/,
    ],
    ['http', { secure: false }, 'intranet', undefined, /^knox-access (?!.*Secure)/, /^knox-refresh /],
  ] as const)('of %s', async (_title, options, host, realm, access, refresh) => {
    const [first, second] = await namesIn(options, host, realm);
    expect(first).toMatch(access);
    expect(second).toMatch(refresh);
  });
});
