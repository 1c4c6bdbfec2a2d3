import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { OAuthClients } from '../../lib/tokens/oauth-clients';
import { JWT_KNOX_OPTIONS } from '../../lib/options/resolve-options';
import { OAuthService } from '../../lib/sessions/oauth.service';
import { type Control, controlledRepository } from '../support/controlled-repository';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { eventually } from '../support/eventually';
import { forge, headers, rightful } from '../support/forge';
import { type Booty, FORGERIES } from '../support/forgeries';
import type { Answer } from '../support/http-client';
import { AUDIENCE, basic, FORM, formEncoded, GATEWAY, ISSUER, oauthOptions, postForm, SECRETS } from '../support/oauth';
import type { User } from '../support/users';
import { notingLogger } from '../support/noting-logger';

const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' };
const INACTIVE = '{"active":false}';

describe.each(environments)('for other services: $title', ({ platform, kind }) => {
  let t: TestApp;
  let alice: User;
  let tokens: any;
  let inactive: Answer;

  const introspect = (token: string, more: Record<string, string> = {}) =>
    postForm(t.http, '/auth/introspect', { token, ...more });
  const revoke = (token: string, more: Record<string, string> = {}) =>
    postForm(t.http, '/auth/revoke', { token, ...more });
  const refresh = (token: string) => t.http.post('/auth/refresh', { json: { refresh_token: token } });
  const row = () => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: tokens.session_id });
  const sessions = () => t.source.getRepository(JwtKnoxSession).count();
  const claims = () => ({
    locale: 'de',
    'https://example.com/plan': { tier: 1 },
    active: false,
    token_type: 'x',
    username: 'al',
  });

  beforeAll(async () => {
    t = await createApp(platform, kind, { options: { ...oauthOptions, claims }, extras: { routes: { oauth: true } } });
    alice = await t.users.add('alice');
    inactive = await introspect('nonsense');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    tokens = await t.login();
    t.events.length = t.statements.length = 0;
  });
  afterEach(async () => {
    await t.users.rows.update({ id: alice.id }, { isActive: true, validSince: null });
  });

  /** Every inactive token is told in the same bytes and the same headers. */
  const expectInactive = (answer: Answer) => {
    expect([answer.status, answer.text]).toEqual([200, INACTIVE]);
    const { date: _, ...told } = answer.headers;
    const { date: __, ...expected } = inactive.headers;
    expect(told).toEqual(expected);
  };

  describe('introspection', () => {
    it('tells what an access token says and its session confirms', async () => {
      const answer = await introspect(tokens.access_token);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        ...NO_STORE,
        'content-type': expect.stringMatching(/^application\/json/),
      });
      const { sub, sid, jti, iat, exp, auth_time } = claimsOf(tokens.access_token);
      expect(answer.body).toEqual({
        active: true, token_type: 'Bearer', client_id: ISSUER, sub, sid, jti, iat, exp, iss: ISSUER, aud: AUDIENCE,
        auth_time, scope: '*', locale: 'de', 'https://example.com/plan': { tier: 1 }, username: 'al',
      }); // prettier-ignore
      expect([sub, sid]).toEqual([String(alice.id), tokens.session_id]);
    });

    it('takes a token from before it carried a client_id, as every route does', async () => {
      const older = forge(tokens.access_token, rightful.rsa, { payload: { client_id: undefined } });
      expect(claimsOf(older)).not.toHaveProperty('client_id');
      const { body } = await introspect(older);
      expect([body.active, 'client_id' in body]).toEqual([true, false]);
      expect((await t.http.get('/notes', { token: older })).status).toBe(200);
    });

    it('S11: never tells a key of the token', async () => {
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        const { token_key: tokenKey, session_key: sessionKey = tokenKey } = claimsOf(token);
        const { text } = await introspect(token);
        expect(text).toContain('"active":true');
        for (const secret of [tokenKey, sessionKey, 'token_key', 'session_key']) expect(text).not.toContain(secret);
      }
    });

    it('tells the end of the session where that comes before the end of the token', async () => {
      const expiresAt = t.clock.now() + 60_000;
      await t.source.getRepository(JwtKnoxSession).update({ id: tokens.session_id }, { expiresAt });
      expect((await introspect(tokens.access_token)).body.exp).toBe(Math.floor(expiresAt / 1_000));
      expect((await introspect(tokens.refresh_token)).body.exp).toBe(Math.floor(expiresAt / 1_000));
    });

    it('tells a refresh token apart: it has no type that authenticates', async () => {
      const { body } = await introspect(tokens.refresh_token);
      const { sub, sid, jti, iat, exp } = claimsOf(tokens.refresh_token);
      expect(body).toEqual({ active: true, sub, sid, jti, iat, exp, iss: ISSUER, aud: ISSUER });
    });

    it.each(['access_token', 'refresh_token', 'something_else', ''])('takes the hint %j for a hint', async (hint) => {
      const more = { token_type_hint: hint };
      expect((await introspect(tokens.access_token, more)).body).toMatchObject({ active: true, token_type: 'Bearer' });
      expect((await introspect(tokens.refresh_token, more)).body).toMatchObject({ active: true, aud: ISSUER });
    });

    it('is a question: it writes nothing, rotates nothing and emits nothing', async () => {
      t.clock.advance('4m');
      const before = await row();
      for (const token of [tokens.access_token, tokens.refresh_token])
        expect((await introspect(token)).body.active).toBe(true);
      expect(await row()).toEqual(before);
      expect(t.statements.filter((sql) => !/^SELECT/i.test(sql))).toEqual([]);
      expect(t.events).toEqual([]);
    });

    it('never ends a session: a used refresh token is inactive, and that is all', async () => {
      const first = tokens.refresh_token;
      const second = (await refresh(first)).body.refresh_token;
      expect((await introspect(first)).body.active).toBe(true); // within the reuse interval a refresh would succeed
      t.clock.advance('11s');
      await refresh(second);
      t.clock.advance('11s');
      expectInactive(await introspect(first));
      expect((await refresh(second)).status).toBe(200);
      expect(t.events.some(({ name }) => name === 'refresh.reused')).toBe(false);
      // Control: presented to be used, it is a replay.
      expect((await refresh(first)).body.code).toBe('refresh_token_reused');
    });

    describe('answers in the same bytes for every token that is not active:', () => {
      const change = (payload: Record<string, unknown>, token = tokens.access_token) =>
        forge(token, rightful.rsa, { payload });
      const reasons: [string, () => unknown][] = [
        ['one that nobody made', () => 'x'],
        ['one that is too long', () => `${tokens.access_token}${'A'.repeat(5_000)}`],
        ['NUL and other hostile text', () => 'a\0b\ud800.\u202e'],
        ['a broken signature', () => `${tokens.access_token.slice(0, -6)}AAAAAA`],
        ['another issuer', () => change({ iss: 'https://other.example.com' })],
        ['another audience', () => change({ aud: 'https://other.example.com' })],
        ['S2: an unknown session', () => change({ sid: randomUUID() })],
        ['S2: another user', () => change({ sub: '4711' })],
        ['S2: another token key', () => change({ token_key: Buffer.alloc(32).toString('base64url') })],
        ['S2: a refresh token with another key', () => change({ token_key: Buffer.alloc(32).toString('base64url') }, tokens.refresh_token)],
        ['an expired access token', () => t.clock.advance('5m')],
        ['an expired session', () => t.source.getRepository(JwtKnoxSession).update({ id: tokens.session_id }, { expiresAt: t.clock.now() })],
        ['a logged-out session', () => t.http.post('/auth/logout', { token: tokens.access_token })],
        ['an inactive user', () => t.users.rows.update({ id: alice.id }, { isActive: false })],
        ['outdated credentials', () => t.users.rows.update({ id: alice.id }, { validSince: t.clock.now() + 1 })],
        ['S3: a row that was re-pointed to another user', () => t.source.getRepository(JwtKnoxSession).update({ id: tokens.session_id }, { userId: '4711' })],
      ]; // prettier-ignore

      it.each(reasons)('%s', async (_title, spoil) => {
        expect((await introspect(tokens.access_token)).body.active).toBe(true);
        const spoilt = await spoil();
        expectInactive(await introspect(typeof spoilt === 'string' ? spoilt : tokens.access_token));
        expect(t.events.filter(({ name }) => name === 'authentication.rejected')).toEqual([]);
      });

      it('a deleted user', async () => {
        const bob = await t.users.add(`bob-${randomUUID()}`);
        const { access_token: token } = await t.login(bob.username);
        expect((await introspect(token)).body.active).toBe(true);
        await t.users.rows.delete({ id: bob.id });
        expectInactive(await introspect(token));
      });

      it('an expired refresh token', async () => {
        t.clock.advance('1d');
        expectInactive(await introspect(tokens.refresh_token));
      });
    });

    it('S4: every forged token is inactive, and revokes nothing, without asking the database', async () => {
      const booty: Booty = { access: tokens.access_token, refresh: tokens.refresh_token, server: 'http://127.0.0.1:9' };
      // A refresh token is a good token here.
      const corpus = FORGERIES.filter(({ title }) => title !== 'a refresh token');
      expect(corpus.length).toBeGreaterThan(200);
      for (const { title, make } of corpus) {
        const token = make(booty);
        expectInactive(await introspect(token));
        expect([title, (await revoke(token)).status, t.statements]).toEqual([title, 200, []]);
      }
      expect(await row()).toBeTruthy();
    });

    it('control: a token that was forged with nothing changed is active', async () => {
      const token = forge(tokens.access_token, rightful.ec, { header: headers.ec });
      expect((await introspect(token)).body.active).toBe(true);
      expect(t.statements.length).toBeGreaterThan(0);
    });

    it('is there for host code: TokenService.introspect', async () => {
      const known = await t.tokens.introspect(tokens.access_token);
      expect(known).toEqual((await introspect(tokens.access_token)).body);
      for (const bad of ['', 'x', undefined, null, 7, {}]) {
        expect(await t.tokens.introspect(bad as string)).toEqual({ active: false });
      }
    });
  });

  describe('revocation', () => {
    const expectEnded = async () => {
      expect(await t.source.getRepository(JwtKnoxSession).countBy({ id: tokens.session_id })).toBe(0);
      expect((await t.http.get('/notes', { token: tokens.access_token })).status).toBe(401);
      expectInactive(await introspect(tokens.access_token));
      expectInactive(await introspect(tokens.refresh_token));
    };
    const EVENT = () => ({
      name: 'session.revoked',
      event: {
        scope: { sessionId: tokens.session_id },
        userId: String(alice.id),
        sessionId: tokens.session_id,
        count: 1,
        since: expect.any(Number),
        reason: 'revoked',
        actor: null,
      },
    });

    it.each(['access_token', 'refresh_token'] as const)('ends the session of an %s', async (name) => {
      const answer = await revoke(tokens[name], { token_type_hint: 'something_else' });
      expect([answer.status, answer.text]).toEqual([200, '']);
      expect(answer.headers).toMatchObject(NO_STORE);
      expect(t.events).toEqual([EVENT()]);
      await expectEnded();
    });

    it('answers the same for a token that is unknown, spoilt or revoked before', async () => {
      await revoke(tokens.access_token);
      t.events.length = 0;
      for (const token of [tokens.access_token, tokens.refresh_token, 'x', 'a.b.c', '\0']) {
        const answer = await revoke(token);
        expect([answer.status, answer.text]).toEqual([200, '']);
      }
      expect(t.events).toEqual([]);
    });

    it('ends the session of a refresh token that was rotated since: who has it was the holder', async () => {
      const first = tokens.refresh_token;
      const second = (await refresh(first)).body;
      t.clock.advance('11s');
      expect((await refresh(second.refresh_token)).status).toBe(200);
      t.events.length = 0;
      expect((await revoke(first)).status).toBe(200);
      expect(t.events).toEqual([EVENT()]);
      await expectEnded();
    });

    it('leaves the session of an expired access token alone, as logout does; its refresh token ends it', async () => {
      t.clock.advance('5m');
      expect((await revoke(tokens.access_token)).status).toBe(200);
      expect(await row()).toBeTruthy();
      await revoke(tokens.refresh_token);
      await expectEnded();
    });

    it('ends the session of an inactive user too: it does not come back to life with the user', async () => {
      await t.users.rows.update({ id: alice.id }, { isActive: false });
      await revoke(tokens.access_token);
      await t.users.rows.update({ id: alice.id }, { isActive: true });
      await expectEnded();
    });

    it('S2: ends nothing for a token that was forged with the signing key', async () => {
      const wrong = Buffer.alloc(32, 7).toString('base64url');
      const before = await sessions();
      for (const token of [
        forge(tokens.access_token, rightful.rsa, { payload: { token_key: wrong } }),
        forge(tokens.refresh_token, rightful.rsa, { payload: { session_key: wrong } }),
        forge(tokens.access_token, rightful.rsa, { payload: { sub: '4711' } }),
      ]) {
        expect((await revoke(token)).status).toBe(200);
      }
      expect([await sessions(), t.events]).toEqual([before, []]);
      // Control: the token key is what counts, not the claims around it.
      await revoke(forge(tokens.access_token, rightful.rsa, { payload: { jti: 'another' } }));
      await expectEnded();
    });

    it('ends no other session of the user', async () => {
      const other = await t.login();
      await revoke(tokens.access_token);
      expect((await t.http.get('/notes', { token: other.access_token })).status).toBe(200);
    });
  });

  describe.each(['/auth/introspect', '/auth/revoke'])('the clients of %s', (path) => {
    const ask = (more: Record<string, any> = {}) => postForm(t.http, path, { token: tokens.access_token }, more);

    it.each([
      ['form-encoded, as RFC 6749 has it', 'gateway', formEncoded(SECRETS.gateway)],
      ['as it is, as curl sends it', 'gateway', SECRETS.gateway],
      ['of which only the digest is configured', 'audit', formEncoded(SECRETS.audit)],
      ['of which only the digest is configured, as it is', 'audit', SECRETS.audit],
    ])('are known by their secret %s', async (_title, id, secret) => {
      expect((await ask({ authorization: basic(id, secret) })).status).toBe(200);
      expect((await ask({ authorization: basic(id, secret).replace('Basic', 'bAsIc') })).status).toBe(200);
    });

    it.each([
      ['nothing', () => undefined],
      ['an access token', () => `Bearer ${tokens.access_token}`],
      ['a wrong secret', () => basic('gateway', `${SECRETS.gateway}x`)],
      ["another client's secret", () => basic('gateway', formEncoded(SECRETS.audit))],
      ['an unknown client', () => basic('nobody', formEncoded(SECRETS.gateway))],
      ['a member of every object', () => basic('__proto__', 'constructor')],
      ['an empty secret', () => basic('gateway', '')],
      ['no secret', () => `Basic ${Buffer.from('gateway').toString('base64')}`],
      ['the digest for a secret', () => basic('audit', oauthOptions.clients![1]!.secretHash!)],
      ['an empty id', () => basic('', SECRETS.gateway)],
      ['something that is not base64', () => 'Basic ????'],
      ['broken percent signs', () => basic('gateway%', '%zz%')],
      ['another scheme', () => GATEWAY.replace('Basic', 'Digest')],
    ])('are not known by %s', async (_title, authorization) => {
      const answer = await ask({ authorization: authorization() });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Basic realm="jwt-knox"');
      const message = 'Client authentication failed: send the id and secret of a configured client by HTTP Basic.';
      expect(answer.body).toEqual({
        statusCode: 401, error: 'invalid_client', code: 'invalid_client', message, error_description: message,
      }); // prettier-ignore
      expect(t.statements).toEqual([]);
      expect(await row()).toBeTruthy();
    });

    it.each([
      ['no token', 'token_type_hint=access_token', 400],
      ['an empty token', 'token=', 400],
      ['nothing', '', 400],
      ['two tokens', 'token=a&token=b', 400],
      ['two hints', 'token=a&token_type_hint=b&token_type_hint=c', 400],
      ['a parameter that nobody knows, twice', 'token=a&foo=b&foo=c', 400],
      ['a list of tokens', 'token[]=a', 400],
      ['an object for a token', 'token[a]=b', 400],
      ['__proto__', '__proto__=a', 400],
      ['a second way to authenticate', `token=a&client_id=gateway&client_secret=${SECRETS.audit}`, 400],
      ['2 MB', `token=${'x'.repeat(2_000_000)}`, 413],
      ['2,000 parameters', `token=a&${Array.from({ length: 2_000 }, (_, i) => `t=${i}`).join('&')}`, 0],
    ])('S10: are told what is wrong with %s', async (_title, form, status) => {
      const answer = await postForm(t.http, path, form);
      if (status === 0) expect([400, 413]).toContain(answer.status);
      else expect(answer.status).toBe(status);
      if (answer.status === 400 && answer.body.code) {
        const { message } = answer.body;
        expect(answer.body).toEqual({
          statusCode: 400, error: 'invalid_request', code: 'invalid_request', message, error_description: message,
        }); // prettier-ignore
      }
      expect(answer.text).not.toContain(SECRETS.audit);
      expect(t.statements).toEqual([]);
    });

    it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', `${FORM}x`, undefined])(
      'S10: send a form, not %s',
      async (type) => {
        const body =
          type === 'application/json' ? JSON.stringify({ token: tokens.access_token }) : `token=${tokens.access_token}`;
        const answer = await postForm(t.http, path, body, { 'content-type': type });
        expect(answer.status).toBe(415);
        expect(t.statements).toEqual([]);
      },
    );

    it('may say the character set, and send parameters that nobody knows', async () => {
      const answer = await postForm(
        t.http,
        path,
        { token: tokens.access_token, resource: 'x', client_id: 'gateway' },
        {
          'content-type': `${FORM}; charset=UTF-8`,
        },
      );
      expect(answer.status).toBe(200);
    });

    it('S10: send one Authorization header', async () => {
      expect((await ask({ authorization: [GATEWAY, GATEWAY] })).status).toBe(400);
    });

    it('ask by POST', async () => {
      expect(
        (await t.http.get(`${path}?token=${tokens.access_token}`, { headers: { authorization: GATEWAY } })).status,
      ).toBe(404);
    });
  });
});

describe.each(environments)(
  'S9: introspection and revocation while the storage fails: $title',
  ({ platform, kind }) => {
    const { storage, control } = controlledRepository();
    let t: TestApp;
    let token: string;

    beforeAll(async () => {
      t = await createApp(platform, kind, {
        options: { ...oauthOptions, storageTimeout: '300ms' },
        extras: { storage, routes: { oauth: true } },
        entities: [JwtKnoxSession, JwtKnoxFence],
      });
      await t.users.add('alice');
      ({ access_token: token } = await t.login());
    });
    afterEach(() => control.heal());
    afterAll(() => t.close());

    const FAULTS: [string, Control['intercept']][] = [
      ['never answers', () => new Promise(() => undefined)],
      ['throws', async () => Promise.reject(new Error('relation "jwt_knox_sessions" does not exist'))],
      ['has lost its connection', async () => Promise.reject(Object.assign(new Error('lost'), { code: 'ECONNRESET' }))],
    ];

    it.each(FAULTS.flatMap(([title, fault]) => ['introspect', 'revoke'].map((path) => [path, title, fault] as const)))(
      '%s is 503 when the storage %s, and never an answer',
      async (path, _title, fault) => {
        control.intercept = fault;
        const answer = await postForm(t.http, `/auth/${path}`, { token });
        expect([answer.status, answer.headers['retry-after'], answer.body.code]).toEqual([
          503,
          '1',
          'storage_unavailable',
        ]);
        expect(answer.text).not.toContain('active');
        control.heal();
        // A busy machine answers late, too.
        await eventually(async () =>
          expect((await postForm(t.http, '/auth/introspect', { token })).body.active).toBe(true),
        );
      },
    );

    it('a revocation is not acknowledged before the session is gone', async () => {
      const { access_token: doomed } = await t.login();
      control.intercept = async (method, proceed) => (method === 'deleteById' ? delay(100).then(proceed) : proceed());
      expect((await postForm(t.http, '/auth/revoke', { token: doomed })).status).toBe(200);
      expect((await t.http.get('/notes', { token: doomed })).status).toBe(401);
      // Control: when the DELETE fails, nothing is acknowledged.
      control.intercept = async (method, proceed) =>
        method === 'deleteById' ? Promise.reject(new Error('read-only')) : proceed();
      expect((await postForm(t.http, '/auth/revoke', { token })).status).toBe(503);
    });
  },
);

describe.each(environments)('for other services, in other applications: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());
  const start = async (settings: AppSettings) => {
    t = await createApp(platform, kind, {
      ...settings,
      options: { ...oauthOptions, ...settings.options },
      extras: { routes: { oauth: true }, ...settings.extras },
    });
    await t.users.add('alice');
    return t.login().catch(() => undefined);
  };

  it.each(['/auth/introspect', '/auth/revoke', '/.well-known/oauth-authorization-server'])(
    '%s is not there unless it is asked for',
    async (path) => {
      await start({ extras: { routes: {} } });
      const answer = path.startsWith('/.') ? t.http.get(path) : postForm(t.http, path, { token: 'x' });
      expect((await answer).status).toBe(404);
    },
  );

  it('works in single-token mode, with a global guard, without a user provider', async () => {
    await start({
      options: { refreshToken: false },
      extras: { guard: 'global', userProvider: undefined, routes: { oauth: true } },
    });
    const { accessToken: token } = await t.tokens.issue({ id: 7 } as User);
    expect((await postForm(t.http, '/auth/introspect', { token })).body).toMatchObject({ active: true, sub: '7' });
    expect((await postForm(t.http, '/auth/revoke', { token })).status).toBe(200);
    expect((await postForm(t.http, '/auth/introspect', { token })).text).toBe(INACTIVE);
  });

  it('counts a token as the guard does: on the second whole', async () => {
    const { access_token: token } = await start({ options: { clockTolerance: '30s' } });
    const active = async () => (await postForm(t.http, '/auth/introspect', { token })).body.active;
    t.clock.set(claimsOf(token).exp * 1_000 + 29_999);
    expect([await active(), (await t.http.get('/notes', { token })).status]).toEqual([true, 200]);
    t.clock.advance('1ms');
    expect([await active(), (await t.http.get('/notes', { token })).status]).toEqual([false, 401]);
  });

  it('is not bound to a user-agent: who asks is not who uses the token', async () => {
    const { access_token: token } = await start({ options: { session: { bindUserAgent: 'reject' } } });
    const answer = await postForm(t.http, '/auth/introspect', { token }, { 'user-agent': 'gateway/1' });
    expect(answer.body.active).toBe(true);
  });

  it.each([
    ['off', { bodyParser: false }],
    ['another, which leaves forms as text', { bodyParser: false, prepare: readForms(platform.name) }],
  ])('S10: a host whose body parser is %s is told so by a 415', async (_title, settings) => {
    await start(settings);
    for (const path of ['/auth/introspect', '/auth/revoke']) {
      const answer = await postForm(t.http, path, { token: 'x' });
      expect([answer.status, answer.body.message]).toEqual([415, expect.stringMatching(/\S{3}/)]);
    }
  });

  it.each([
    ['simple', false],
    ['extended', true],
  ])('reads forms by the %s parser of Express', async (_title, extended) => {
    const { access_token: token } = await start({
      prepare: (app) => {
        if (platform.name === 'express') (app as NestExpressApplication).useBodyParser('urlencoded', { extended });
      },
    });
    expect((await postForm(t.http, '/auth/introspect', { token })).body.active).toBe(true);
    expect((await postForm(t.http, '/auth/introspect', 'token=a&token=b')).status).toBe(400);
  });

  it('S11: shows no secret of a client, whatever is logged', async () => {
    const lines: unknown[] = [];
    await start({ logger: notingLogger((...args) => lines.push(...args)) });
    await postForm(
      t.http,
      '/auth/introspect',
      { token: 'x' },
      { authorization: basic('gateway', 'wrong-secret-of-mine') },
    );
    const shown = [lines, t.app.get(JWT_KNOX_OPTIONS), t.app.get(OAuthService), t.app.get(OAuthClients)]
      .map((one) => inspect(one, { depth: 12, showHidden: true }))
      .join();
    for (const secret of [...Object.values(SECRETS), 'wrong-secret-of-mine', GATEWAY])
      expect(shown).not.toContain(secret);
  });
});

function readForms(platform: string) {
  return (app: INestApplication) => {
    if (platform === 'express') (app as NestExpressApplication).useBodyParser('text', { type: FORM });
    else (app as any).useBodyParser(FORM, {}, (_request: unknown, body: Buffer, done: any) => done(null, String(body)));
  };
}
