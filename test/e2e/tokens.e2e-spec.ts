import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Controller, Get, Req, UseGuards } from '@nestjs/common';
import { type Algorithm, sign, verify } from 'jsonwebtoken';
import { compactVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { BearerTransport, InvalidRequestError, type IssuedTokens, JwtKnoxGuard, type JwtKnoxAlgorithm, type JwtKnoxKey, type JwtKnoxOptions, TokenTransport } from '../../lib'; // prettier-ignore
import { JwtKnoxSession } from '../../lib/typeorm';
import {
  type AppSettings,
  createApp,
  environments,
  NotesController,
  SECRET,
  type TestApp,
} from '../support/create-app';
import { claimsOf, headerOf } from '../support/decode';
import type { User } from '../support/users';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const KEY = /^[A-Za-z0-9_-]{43}$/;
const DAY = 86_400;

@Controller('claims')
@UseGuards(JwtKnoxGuard)
class ClaimsController {
  @Get() claims(@Req() request: any) {
    return request.knox.claims;
  }
}

/** Tokens in headers of the host's own, and a cookie. */
class HeaderTransport extends TokenTransport {
  readonly seen: string[] = [];

  readAccess(request: any): string | null {
    if (request.headers['x-access'] && request.headers.authorization) throw new InvalidRequestError('Send one token.');
    return request.headers['x-access'] ?? null;
  }
  readRefresh(request: any): string | null {
    return request.headers['x-refresh'] ?? null;
  }
  write(response: any, tokens: IssuedTokens) {
    this.seen.push('write');
    response.header('X-Access', tokens.accessToken);
    response.header('X-Refresh', String(tokens.refreshToken));
    return { ok: true };
  }
  clear(response: any): void {
    this.seen.push('clear');
    response.header('X-Access', '');
  }
}

/** The refresh token in a cookie; nobody gets the access token. */
class CookieTransport extends BearerTransport {
  override readRefresh(request: any): string | null {
    return /^refresh=(.+)$/.exec(request.headers.cookie ?? '')?.[1] ?? null;
  }
  override write(response: any, tokens: IssuedTokens, request: any) {
    response.header('Set-Cookie', `refresh=${tokens.refreshToken}; HttpOnly`);
    return { session_id: tokens.session.id, via: request.method as string };
  }
  override clear(response: any): void {
    response.header('Set-Cookie', 'refresh=; Max-Age=0');
  }
}

describe.each(environments)('the tokens: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  const start = async (options: JwtKnoxOptions = {}, settings: AppSettings = {}) => {
    t = await createApp(platform, kind, { options, controllers: [NotesController, ClaimsController], ...settings });
    return t.users.add('alice');
  };
  const row = (id: string) => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id });

  it('say what they must, and nothing else', async () => {
    const user = await start();
    const { access_token: access, refresh_token: refresh, session_id: sid } = await t.login();
    const now = Math.floor(t.clock.now() / 1_000);
    const jti = expect.stringMatching(UUID);
    const common = { sub: String(user.id), sid, jti, iat: now, gen: 0, token_key: expect.stringMatching(KEY) };
    expect(headerOf(access)).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: 'default' });
    expect(headerOf(refresh)).toEqual({ alg: 'HS256', typ: 'rt+jwt', kid: 'default' });
    expect(claimsOf(access)).toEqual({ ...common, exp: now + 300, scope: '*', auth_time: now });
    expect(claimsOf(refresh)).toEqual({ ...common, exp: now + DAY, session_key: expect.stringMatching(KEY) });
  });

  it('share no key with each other, with other sessions or with the row', async () => {
    await start();
    const logins = [await t.login(), await t.login()];
    const all = logins.flatMap(({ access_token: access, refresh_token: refresh }) => {
      const { token_key: refreshKey, session_key: sessionKey } = claimsOf(refresh);
      return [claimsOf(access).token_key, refreshKey, sessionKey, claimsOf(access).jti, claimsOf(refresh).jti];
    });
    expect(new Set(all).size).toBe(10);
    const stored = JSON.stringify(await t.source.getRepository(JwtKnoxSession).find());
    const secrets = all
      .filter((one) => KEY.test(one))
      .flatMap((key) => [key, Buffer.from(key, 'base64url').toString('hex')]);
    expect(secrets).toHaveLength(12);
    for (const secret of secrets) expect(stored).not.toContain(secret);
  });

  it('are signed with the secret, as any JWT library can tell', async () => {
    await start();
    const { access_token: access, refresh_token: refresh } = await t.login();
    for (const token of [access, refresh]) {
      expect(verify(token, SECRET, { algorithms: ['HS256'] })).toEqual(claimsOf(token));
      expect(() => verify(token, `${SECRET}x`, { algorithms: ['HS256'] })).toThrow('invalid signature');
    }
  });

  it('live as long as the options say', async () => {
    await start({ accessToken: { ttl: '90s' }, session: { idleTimeout: 7_200 } });
    const body = await t.login();
    expect([body.expires_in, body.refresh_expires_in]).toEqual([90, 7_200]);
    t.clock.advance('89s');
    expect(await t.statusOf(body.access_token)).toBe(204);
    t.clock.advance('1s');
    expect((await t.http.get('/auth/verify', { token: body.access_token })).body.code).toBe('token_expired');
  });

  it('carry the user id as text, and issuer and audience where there are some', async () => {
    const user = await start({ issuer: 'https://knox.example', audience: 'notes' });
    const { access_token: access, refresh_token: refresh } = await t.login();
    expect(claimsOf(access)).toMatchObject({ iss: 'https://knox.example', aud: 'notes', sub: String(user.id) });
    expect(claimsOf(refresh)).toMatchObject({ iss: 'https://knox.example', aud: 'https://knox.example' });
    expect(await t.statusOf(access)).toBe(204);
  });

  it('of another issuer or audience are refused though the key is right (S5)', async () => {
    await start({ issuer: 'https://knox.example', audience: ['notes', 'files'] });
    const good = claimsOf((await t.login()).access_token);
    expect(good.aud).toEqual(['notes', 'files']);
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'default' } as const;
    const status = (change: object) => t.statusOf(sign({ ...good, ...change }, SECRET, { header }));
    expect(await status({})).toBe(204);
    expect(await status({ aud: 'notes' })).toBe(204);
    expect(await status({ aud: ['elsewhere', 'notes'] })).toBe(204);
    for (const change of [
      { aud: 'files' }, { aud: 'elsewhere' }, { aud: [] }, { aud: ['elsewhere'] }, { aud: 'NOTES' }, { aud: [['notes']] }, { aud: { 0: 'notes' } },
      { iss: 'https://knox.example/' }, { iss: ['https://knox.example'] }, { iss: '' },
    ]) expect([change, await status(change)]).toEqual([change, 401]); // prettier-ignore
    const { iss: _iss, ...anonymous } = good;
    expect(await t.statusOf(sign(anonymous, SECRET, { header }))).toBe(401);
    const { aud: _aud, ...forAll } = good;
    expect(await t.statusOf(sign(forAll, SECRET, { header }))).toBe(401);
  });

  describe('in single-token mode', () => {
    it('are one, which lives as long as its session', async () => {
      await start({ refreshToken: false, session: { maxLifetime: '2h' } });
      const body = await t.login();
      expect(body).toEqual({
        token_type: 'Bearer',
        access_token: expect.any(String),
        expires_in: 7_200,
        session_id: expect.stringMatching(UUID),
      });
      const { exp, iat } = claimsOf(body.access_token);
      expect(exp - iat).toBe(7_200);
      const { refreshDigest, expiresAt, createdAt } = await row(body.session_id);
      expect([refreshDigest, expiresAt - createdAt]).toEqual([null, 7_200_000]);
      t.clock.advance('119m');
      expect(await t.statusOf(body.access_token)).toBe(204);
      t.clock.advance('1m');
      expect(await t.statusOf(body.access_token)).toBe(401);
    });

    it('live ten hours unless told otherwise, and end at logout', async () => {
      await start({ refreshToken: false });
      const { access_token: token, expires_in: seconds } = await t.login();
      expect(seconds).toBe(36_000);
      expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
      expect(await t.statusOf(token)).toBe(401);
    });
  });

  describe('with custom claims', () => {
    it('carry them in the access token alone, and hand them to the handler', async () => {
      await start({
        claims: async (user: User, session) => ({
          tier: 'gold',
          name: user.username,
          since: session.createdAt,
          list: [1, { a: null }],
        }),
      });
      const { access_token: access, refresh_token: refresh } = await t.login();
      const custom = { tier: 'gold', name: 'alice', since: t.clock.now(), list: [1, { a: null }] };
      expect(claimsOf(access)).toMatchObject(custom);
      expect(claimsOf(refresh)).not.toHaveProperty('tier');
      expect((await t.http.get('/claims', { token: access })).body).toEqual(custom);
    });

    it.each([
      'iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'gen', 'typ', 'token_key', 'session_key', 'client_id', 'scope', 'cnf',
      'act', 'auth_time', 'acr', 'amr', 'realm',
    ])('refuse the reserved %s, and leave no session behind', async (name) => {
      const user = await start({ claims: () => ({ [name]: 'mine' }) });
      const json = { username: 'alice', password: 'alice-password' };
      expect((await t.http.post('/auth/login', { json })).status).toBe(500);
      await expect(t.tokens.issue(user)).rejects.toThrow(`reserved ${name}`);
      await expect(t.tokens.issue(user, {}, { claims: { [name]: 1 } })).rejects.toThrow(`reserved ${name}`);
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(0);
    }); // prettier-ignore

    it('refuse more than a header can carry, and leave no session behind', async () => {
      const user = await start({ claims: () => ({ essay: 'x'.repeat(4_000) }) });
      await expect(t.tokens.issue(user)).rejects.toThrow('make the custom claims smaller');
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(0);
    });

    it('refuse what the signed token could not carry, and leave no session behind', async () => {
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      const user = await start();
      await expect(t.tokens.issue(user, {}, { claims: circular })).rejects.toThrow();
      await expect(t.tokens.issue(user, {}, { claims: { big: 1n } })).rejects.toThrow();
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(0);
    });
  });

  it('are answered in the shape that the tokenResponse hook gives them', async () => {
    await start({
      tokenResponse: (tokens, user: User, request) => ({
        token: `Bearer ${tokens.accessToken}`,
        for: user.username,
        via: request.method,
      }),
    });
    const json = { username: 'alice', password: 'alice-password' };
    const answer = await t.http.post('/auth/login', { json });
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(answer.body).toEqual({ token: expect.stringMatching(/^Bearer /), for: 'alice', via: 'POST' });
    expect(await t.statusOf(answer.body.token.slice(7))).toBe(204);
  });

  it('travel as the transport of the host says, and in no other way', async () => {
    const transport = new HeaderTransport();
    await start({ transport });
    const json = { username: 'alice', password: 'alice-password' };
    const answer = await t.http.post('/auth/login', { json });
    expect(answer.body).toEqual({ ok: true });
    const access = String(answer.headers['x-access']);
    const refresh = String(answer.headers['x-refresh']);
    expect((await t.http.get('/notes', { headers: { 'x-access': access } })).status).toBe(200);
    expect((await t.http.get('/notes', { token: access })).body.code).toBe('missing_token');
    expect((await t.http.get('/notes', { token: access, headers: { 'x-access': access } })).status).toBe(400);
    t.clock.advance('5m');
    const headers = { 'x-access': access, 'x-refresh': refresh };
    const logout = await t.http.post('/auth/logout', { headers });
    expect([logout.status, logout.headers['x-access'], transport.seen]).toEqual([204, '', ['write', 'clear']]);
  });

  it('of a transport that keeps them in cookies are in no body, though nothing reshapes it', async () => {
    await start({ transport: new CookieTransport() });
    const json = { username: 'alice', password: 'alice-password' };
    const login = await t.http.post('/auth/login', { json });
    const [cookie] = String(login.headers['set-cookie']).split(';');
    const refresh = await t.http.post('/auth/refresh', { headers: { cookie: cookie! } });
    for (const { status, text, body } of [login, refresh])
      expect([status, Object.keys(body), text.includes('eyJ')]).toEqual([200, ['session_id', 'via'], false]);
    expect(refresh.body).toEqual({ session_id: login.body.session_id, via: 'POST' });
  });

  it('let a cookie go when it is refused for good, and only then', async () => {
    await start({ transport: new CookieTransport() });
    const cleared = async (path: string, cookie: string, json?: unknown) => {
      const { status, headers } = await t.http.post(path, { headers: { cookie }, json });
      return [status, headers['set-cookie']?.[0]];
    };
    const json = { username: 'alice', password: 'alice-password' };
    const [cookie = ''] = String((await t.http.post('/auth/login', { json })).headers['set-cookie']).split(';');
    const gone = 'refresh=; Max-Age=0';
    expect(await cleared('/auth/refresh', cookie, { resource: 'unknown' })).toEqual([400, undefined]);
    expect(await cleared('/auth/refresh', '')).toEqual([400, undefined]);
    expect(await cleared('/auth/refresh', 'refresh=no.to.ken')).toEqual([401, gone]);
    expect(await cleared('/auth/logout', cookie)).toEqual([204, gone]);
    expect(await cleared('/auth/refresh', cookie)).toEqual([401, gone]);
    expect(await cleared('/auth/logout', cookie)).toEqual([401, gone]);
    expect(await cleared('/auth/logout', '')).toEqual([401, undefined]);
  });

  it('are handed over by nobody when a transport returns no body', async () => {
    class SilentTransport extends CookieTransport {
      override write = (() => undefined) as never;
    }
    await start({ transport: new SilentTransport() });
    const json = { username: 'alice', password: 'alice-password' };
    expect((await t.http.post('/auth/login', { json })).status).toBe(500);
    expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(0);
  });

  it('take the shape that a transport is given', async () => {
    const tokenResponse = (tokens: IssuedTokens) => ({ token: tokens.accessToken });
    await start({ transport: new BearerTransport({ tokenResponse }) });
    const answer = await t.http.post('/auth/login', { json: { username: 'alice', password: 'alice-password' } });
    expect(Object.keys(answer.body)).toEqual(['token']);
  });

  describe('signed with other keys', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' }).toString();
    const pairs: [JwtKnoxAlgorithm, { privateKey: KeyObject; publicKey: KeyObject }][] = [
      ['RS256', rsa],
      ['PS256', rsa],
      ['ES256', ec],
      ['Ed25519', generateKeyPairSync('ed25519')],
      ['EdDSA', generateKeyPairSync('ed25519')],
    ];

    it.each(pairs)('%s: are verified by the public key', async (algorithm, { privateKey, publicKey }) => {
      await start({ keys: [{ kid: 'a', algorithm, privateKey: pem(privateKey) }] });
      const { access_token: access, refresh_token: refresh } = await t.login();
      expect(headerOf(access)).toEqual({ alg: algorithm, typ: 'at+jwt', kid: 'a' });
      expect(await t.statusOf(access)).toBe(204);
      for (const token of [access, refresh]) {
        const { payload } = await compactVerify(token, publicKey, { algorithms: [algorithm] });
        expect(JSON.parse(Buffer.from(payload).toString())).toEqual(claimsOf(token));
      }
      const header = { alg: 'HS256', typ: 'at+jwt', kid: 'a' } as const;
      const confused = sign(claimsOf(access), publicKey.export({ format: 'pem', type: 'spki' }).toString(), { header });
      expect(await t.statusOf(confused)).toBe(401);
      t.clock.advance('5m');
      const json = { refresh_token: refresh };
      expect((await t.http.post('/auth/logout', { token: access, json })).status).toBe(204);
    });

    it('the first that can signs, all verify by their kid, and no other', async () => {
      const old: JwtKnoxKey = { kid: '2025', algorithm: 'HS256', secret: SECRET };
      const current: JwtKnoxKey = { kid: '2026', algorithm: 'ES256', privateKey: ec.privateKey };
      const foreign: JwtKnoxKey = { kid: 'partner', algorithm: 'RS256', publicKey: rsa.publicKey };
      await start({ keys: [foreign, current, old] });
      const { access_token: token } = await t.login();
      expect(headerOf(token)).toMatchObject({ kid: '2026', alg: 'ES256' });
      expect(await t.statusOf(token)).toBe(204);
      const own = claimsOf(token);
      const signed = (kid: string, alg: Algorithm, key: any) =>
        sign(own, key, { algorithm: alg, header: { alg, typ: 'at+jwt', kid } });
      expect(await t.statusOf(signed('2025', 'HS256', SECRET))).toBe(204);
      expect(await t.statusOf(signed('partner', 'RS256', rsa.privateKey))).toBe(204);
      expect(await t.statusOf(signed('2026', 'HS256', SECRET))).toBe(401);
      expect(await t.statusOf(signed('2025', 'ES256', ec.privateKey))).toBe(401);
      expect(await t.statusOf(signed('partner', 'PS256', rsa.privateKey))).toBe(401);
      expect(await t.statusOf(signed('2024', 'HS256', SECRET))).toBe(401);
    });
  });

  describe('with a clock tolerance', () => {
    it('count for that much longer, their session living on', async () => {
      await start({ clockTolerance: '30s' });
      const { access_token: token } = await t.login();
      t.clock.advance('329s');
      expect(await t.statusOf(token)).toBe(204);
      t.clock.advance('1s');
      expect((await t.http.get('/auth/verify', { token })).body.code).toBe('token_expired');
    });

    it('end with their session all the same', async () => {
      await start({ clockTolerance: '30s', refreshToken: false, session: { maxLifetime: '1h' } });
      const { access_token: token } = await t.login();
      t.clock.advance('3599s');
      expect(await t.statusOf(token)).toBe(204);
      t.clock.advance('1s');
      expect((await t.http.get('/auth/verify', { token })).body.code).toBe('invalid_token');
      expect(t.events.at(-1)).toMatchObject({ name: 'authentication.rejected', event: { reason: 'session_expired' } });
    });
  });
});
