import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { Injectable, Module } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, InvalidCredentialsError, InvalidTokenError, type IssuedTokens, JwtKnoxEvents, JwtKnoxGuard, JwtKnoxModule, JwtKnoxStrategy, SessionRepository, TokenExpiredError, TokenService, TokenTransport, UserProvider } from '../../lib'; // prettier-ignore
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { JwtCodec } from '../../lib/tokens/jwt-codec';
import { Keyring } from '../../lib/tokens/keyring';
import { JWT_KNOX_OPTIONS } from '../../lib/options/resolve-options';
import { InMemorySessionRepository } from '../../lib/testing';
import { SessionIssuer } from '../../lib/sessions/session-issuer';
import { SessionLimiter } from '../../lib/sessions/session-limiter';
import { SessionChecker } from '../../lib/sessions/session-checker';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { createApp, environments, SECRET, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import type { User } from '../support/users';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const HEADER = { alg: 'HS256', typ: 'at+jwt', kid: 'default' };

function forge(payload: unknown, header: unknown = HEADER): string {
  const parts = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${parts}.${createHmac('sha256', SECRET).update(parts).digest('base64url')}`;
}

describe.each(environments)('the TokenService: $title', ({ platform, kind }) => {
  let t: TestApp;
  let user: User;
  let count = 0;

  beforeAll(async () => {
    t = await createApp(platform, kind, { options: { session: { bindUserAgent: 'reject' } } });
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    user = await t.users.add(`user${++count}`);
    t.events.length = 0;
  });

  const rows = () => t.source.getRepository(JwtKnoxSession);
  const row = (tokens: IssuedTokens) => rows().findOneByOrFail({ id: tokens.session.id });
  const isGood = async (tokens: IssuedTokens) =>
    t.tokens.authenticate(tokens.accessToken).then(
      () => true,
      (error: unknown) => {
        if (error instanceof InvalidTokenError) return false;
        throw error;
      },
    );

  describe('issue', () => {
    it('starts a session without a password, for the device it is told', async () => {
      const tokens = await t.tokens.issue(user, { userAgent: 'job/1', ip: '10.0.0.1', deviceName: 'Nightly job' });
      expect(tokens.user).toBe(user);
      expect(tokens.expiresIn).toBe(300);
      expect(tokens.refreshExpiresIn).toBe(86_400);
      expect(tokens.session).toMatchObject({ userAgent: 'job/1', ipAddress: '10.0.0.1', deviceName: 'Nightly job' });
      const found = await t.tokens.authenticate(tokens.accessToken);
      expect(found).toEqual({ user: { ...user, logins: 1 }, session: tokens.session, claims: {} });
      expect(t.events).toEqual([
        { name: 'session.created', event: { session: tokens.session, user, isNewDevice: expect.any(Function) } },
      ]);
    });

    it('takes the lifetime, the claims and the moment of proof that it is told', async () => {
      const authenticatedAt = new Date(t.clock.now() - 3_600_000);
      const tokens = await t.tokens.issue(user, {}, { ttl: '2m', claims: { tier: 'gold' }, authenticatedAt });
      const { exp, iat, tier } = claimsOf(tokens.accessToken);
      expect([exp - iat, tier, tokens.expiresIn, tokens.refreshExpiresIn]).toEqual([120, 'gold', 120, 120]);
      const { createdAt, expiresAt, authenticatedAt: stored } = await row(tokens);
      expect([createdAt, expiresAt - createdAt, stored]).toEqual([t.clock.now(), 120_000, authenticatedAt.getTime()]);
      expect((await t.tokens.authenticate(tokens.accessToken)).claims).toEqual({ tier: 'gold' });
    });

    it('never lets a session outlive maxLifetime', async () => {
      const { createdAt, expiresAt } = await row(await t.tokens.issue(user, {}, { ttl: '365d' }));
      expect(expiresAt - createdAt).toBe(30 * 86_400_000);
    });

    it.each(['0s', 'soon', -5, Number.NaN])('refuses the lifetime %s, and writes nothing', async (ttl) => {
      await expect(t.tokens.issue(user, {}, { ttl })).rejects.toThrow(TypeError);
      expect(await rows().countBy({ userId: String(user.id) })).toBe(0);
    });

    it('refuses an inactive user, and writes nothing', async () => {
      await expect(t.tokens.issue({ ...user, isActive: false })).rejects.toThrow(InvalidCredentialsError);
      expect(await rows().countBy({ userId: String(user.id) })).toBe(0);
      expect(t.events).toEqual([
        {
          name: 'login.failed',
          event: { username: null, presenter: { userAgent: null, ip: null }, reason: 'inactive' },
        },
      ]);
    });

    it('cuts and cleans what the device says of itself', async () => {
      const device = {
        userAgent: `a\0b\u202ec\ud800${'😀'.repeat(600)}`,
        deviceName: ` ${'x'.repeat(200)}`,
        ip: 'y'.repeat(99),
      };
      const { userAgent, deviceName, ipAddress } = await row(await t.tokens.issue(user, device));
      expect(userAgent).toBe(`abc${'😀'.repeat(509)}`);
      expect([deviceName, ipAddress]).toEqual(['x'.repeat(128), 'y'.repeat(64)]);
      expect((await row(await t.tokens.issue(user, { deviceName: ' \u200f\n ' }))).deviceName).toBeNull();
    });
  });

  describe('onLogin', () => {
    it('hears of every login, and a failure in it does not undo the login', async () => {
      await t.login(user.username);
      await t.tokens.issue(user);
      expect((await t.users.rows.findOneByOrFail({ id: user.id })).logins).toBe(2);
      const real = t.users.onLogin.bind(t.users);
      const heard: string[] = [];
      t.users.onLogin = async (_user, session) => {
        heard.push(session.id);
        throw new Error('no room in the log');
      };
      const { session_id: id, access_token: token } = await t.login(user.username);
      t.users.onLogin = real;
      expect(heard).toEqual([id]);
      expect((await t.http.get('/auth/verify', { token })).status).toBe(204);
    });

    it('does not hear of a login that failed', async () => {
      await t.http.post('/auth/login', { json: { username: user.username, password: 'wrong' } });
      expect((await t.users.rows.findOneByOrFail({ id: user.id })).logins).toBe(0);
    });
  });

  describe('authenticate', () => {
    it('says precisely why it refuses, to the host alone', async () => {
      const tokens = await t.tokens.issue(user);
      const claims = claimsOf(tokens.accessToken);
      const key = Buffer.alloc(32, 7).toString('base64url');
      const presenter = { userAgent: 'test', ip: '10.0.0.9' };
      const known = { sessionId: claims.sid, userId: claims.sub };
      const cases: [string, string, object?][] = [
        ['malformed', 'junk'],
        ['header', forge(claims, { ...HEADER, typ: 'JWT' })],
        ['header', tokens.refreshToken!],
        ['unknown_key', forge(claims, { ...HEADER, kid: 'x' })],
        ['algorithm', forge(claims, { ...HEADER, alg: 'none' })],
        ['signature', tokens.accessToken.replace(/[^.]+$/, 'A'.repeat(43))],
        ['claims', forge({ ...claims, sid: 'x' })],
        ['issuer', forge({ ...claims, iss: 'x' })],
        ['audience', forge({ ...claims, aud: 'x' })],
        ['session_not_found', forge({ ...claims, sid: UNKNOWN }), { ...known, sessionId: UNKNOWN }],
        ['key_mismatch', forge({ ...claims, token_key: key }), known],
        ['user_mismatch', forge({ ...claims, sub: '0' }), { ...known, userId: '0' }],
      ];
      for (const [reason, token, whose] of cases) {
        t.events.length = 0;
        await expect(t.tokens.authenticate(token, presenter)).rejects.toMatchObject({ reason, code: 'invalid_token' });
        const event = { reason, tokenType: 'access', sessionId: null, userId: null, presenter, ...whose };
        expect(t.events).toEqual([{ name: 'authentication.rejected', event }]);
      }
    });

    it('says precisely what is wrong with the user', async () => {
      const tokens = await t.tokens.issue(user);
      const reason = () => t.tokens.authenticate(tokens.accessToken).catch((error: InvalidTokenError) => error.reason);
      await t.users.rows.update(user.id, { isActive: false });
      expect(await reason()).toBe('user_inactive');
      await t.users.rows.update(user.id, { isActive: true, validSince: t.clock.now() + 1 });
      expect(await reason()).toBe('credentials_outdated');
      await t.users.rows.delete(user.id);
      expect(await reason()).toBe('user_not_found');
    });

    it('tells an expired token from an expired session', async () => {
      const short = await t.tokens.issue(user);
      t.clock.advance('5m');
      await expect(t.tokens.authenticate(short.accessToken)).rejects.toThrow(TokenExpiredError);
      expect(t.events.at(-1)).toMatchObject({ event: { reason: 'expired' } });
      const good = await t.tokens.issue(user);
      await rows().update(good.session.id, { expiresAt: t.clock.now() });
      await expect(t.tokens.authenticate(good.accessToken)).rejects.toMatchObject({ reason: 'session_expired' });
    });

    it('checks the user-agent of whoever presents the token, and only then', async () => {
      const { accessToken } = await t.tokens.issue(user, { userAgent: 'phone' });
      expect((await t.tokens.authenticate(accessToken)).user).toMatchObject({ id: user.id });
      expect((await t.tokens.authenticate(accessToken, { userAgent: 'phone' })).user).toMatchObject({ id: user.id });
      const thief = t.tokens.authenticate(accessToken, { userAgent: 'other' });
      await expect(thief).rejects.toMatchObject({ reason: 'user_agent_mismatch', code: 'invalid_token', status: 401 });
      await expect(t.tokens.authenticate(accessToken, {})).rejects.toMatchObject({ reason: 'user_agent_mismatch' });
      const header = { 'user-agent': 'phone' };
      expect((await t.http.get('/auth/verify', { token: accessToken, headers: header })).status).toBe(204);
      expect((await t.http.get('/auth/verify', { token: accessToken })).status).toBe(401);
    });
  });

  describe('revoke, revokeOther, revokeAll and revokeBefore', () => {
    it('end what they say, and tell how many', async () => {
      const userId = String(user.id);
      const issue = () => t.tokens.issue(user);
      const [one, two, three, four] = [await issue(), await issue(), await issue(), await issue()];
      t.events.length = 0;
      expect(await t.tokens.revoke(one.session.id)).toBe(true);
      expect(await t.tokens.revoke(one.session.id)).toBe(false);
      expect(await t.tokens.revoke('junk')).toBe(false);
      expect(await t.tokens.revoke(two.session.id, { userId: 'somebody else' })).toBe(false);
      expect(await t.tokens.revokeOther(two.session)).toBe(2);
      expect([await isGood(one), await isGood(two), await isGood(three), await isGood(four)]).toEqual([
        false, true, false, false,
      ]); // prettier-ignore
      expect(await t.tokens.revokeAll(userId)).toBe(1);
      expect(await t.tokens.revokeAll(userId)).toBe(0);
      expect(await isGood(two)).toBe(false);
      const revoked = t.events.filter(({ name }) => name === 'session.revoked').map(({ event }) => event);
      expect(revoked).toEqual([
        {
          scope: { sessionId: one.session.id },
          userId: null,
          sessionId: one.session.id,
          count: 1,
          reason: 'revoked',
          actor: null,
        },
        {
          scope: { realm: '', userId, except: two.session.id },
          userId,
          sessionId: null,
          count: 2,
          reason: 'logout_other',
          actor: { userId, sessionId: two.session.id },
        },
        { scope: { realm: '', userId }, userId, sessionId: null, count: 1, reason: 'logout_all', actor: null },
      ]);
    });

    it('end every session created before a moment, of all users', async () => {
      await t.tokens.revokeBefore(new Date(t.clock.now() + 1));
      const other = await t.users.add(`${user.username}-other`);
      const [old, oldOther] = [await t.tokens.issue(user), await t.tokens.issue(other)];
      t.clock.advance('1s');
      const moment = new Date(t.clock.now());
      const recent = await t.tokens.issue(user);
      t.clock.advance('1m');
      t.events.length = 0;
      expect(await t.tokens.revokeBefore(moment)).toBe(2);
      expect(t.events).toEqual([
        {
          name: 'session.revoked',
          event: {
            scope: { realm: '', createdBefore: moment.getTime() },
            userId: null,
            sessionId: null,
            count: 2,
            reason: 'revoked_before',
            actor: null,
          },
        },
      ]);
      expect([await isGood(old), await isGood(oldOther), await isGood(recent)]).toEqual([false, false, true]);
      await expect(t.tokens.revokeBefore(new Date('nonsense'))).rejects.toThrow(TypeError);
    });
  });

  it('lists live sessions, newest first, as many as asked for', async () => {
    const issued: IssuedTokens[] = [];
    for (let i = 0; i < 4; i++) {
      issued.push(await t.tokens.issue(user, { deviceName: `device ${i}` }, i === 0 ? { ttl: '2s' } : {}));
      t.clock.advance('1s');
    }
    const names = async (query?: object) =>
      (await t.tokens.list(String(user.id), query)).map((session) => session.deviceName);
    expect(await names()).toEqual(['device 3', 'device 2', 'device 1']);
    expect(await names({ limit: 1 })).toEqual(['device 3']);
    expect(await names({ before: { createdAt: issued[3]!.session.createdAt } })).toEqual(['device 2', 'device 1']);
    expect(await t.tokens.list('nobody')).toEqual([]);
    expect(Object.keys((await t.tokens.list(String(user.id)))[0]!)).not.toContain('accessDigest');
  });

  describe('reauthenticate', () => {
    it('moves the proof on, gives the session new keys, and ends what its old tokens could do', async () => {
      const mine = await t.tokens.issue(user);
      t.clock.advance('10s');
      const fresh = await t.tokens.reauthenticate(mine.session);
      expect(fresh.session.id).toBe(mine.session.id);
      expect([await isGood(mine), await isGood(fresh)]).toEqual([false, true]);
      await expect(t.tokens.refresh(mine.refreshToken!)).rejects.toMatchObject({ code: 'invalid_refresh_token' });
      expect(await isGood(await t.tokens.refresh(fresh.refreshToken!))).toBe(true);
      expect((await row(mine)).authenticatedAt).toBe(fresh.session.authenticatedAt);
      expect(fresh.session.authenticatedAt).toBe(t.clock.now());
    });

    it('never moves the proof back, and not behind what the user provider asks for', async () => {
      const tokens = await t.tokens.issue(user);
      const { authenticatedAt } = tokens.session;
      const earlier = { at: new Date(authenticatedAt - 1) };
      expect((await t.tokens.reauthenticate(tokens.session, earlier)).session.authenticatedAt).toBe(authenticatedAt);
      // A column that rounds up to whole seconds, say.
      const since = t.clock.now() + 700;
      await t.users.rows.update(user.id, { validSince: since });
      const fresh = await t.tokens.reauthenticate(tokens.session);
      expect([fresh.session.authenticatedAt, await isGood(fresh)]).toEqual([since, true]);
    });

    it('refuses a session that has ended, and a moment to come', async () => {
      const tokens = await t.tokens.issue(user);
      const tomorrow = { at: new Date(t.clock.now() + 86_400_000) };
      await expect(t.tokens.reauthenticate(tokens.session, tomorrow)).rejects.toThrow('lies in the future');
      await t.tokens.revoke(tokens.session.id);
      await expect(t.tokens.reauthenticate(tokens.session)).rejects.toMatchObject({ code: 'invalid_token' });
    });

    it('cannot be outrun by a login that was under way with the old password', async () => {
      const [checked, changed] = [deferred(), deferred()];
      const real = t.users.validateCredentials.bind(t.users);
      t.users.validateCredentials = async (credentials: Credentials, request, exclude) => {
        const found = await real(credentials, request, exclude);
        checked.resolve();
        await changed.promise;
        return found;
      };
      const login = t.login(user.username);
      await checked.promise;
      t.clock.advance('1s');
      await t.tokens.changeCredentials({ userId: String(user.id) }, async () => undefined);
      changed.resolve();
      await expect(login).rejects.toThrow('401');
      t.users.validateCredentials = real;
      expect(await t.tokens.list(String(user.id))).toEqual([]);
    });
  });

  it('emits what happens over HTTP, with the reason', async () => {
    const userId = String(user.id);
    const json = { username: user.username, password: 'wrong' };
    await t.http.post('/auth/login', { json, headers: { 'user-agent': 'x' } });
    await t.http.post('/auth/login', { json: { ...json, username: 'nobody at all' } });
    await t.users.rows.update(user.id, { isActive: false });
    await t.http.post('/auth/login', { json: { ...json, password: `${user.username}-password` } });
    await t.users.rows.update(user.id, { isActive: true });
    const [a, b, c] = [await t.login(user.username), await t.login(user.username), await t.login(user.username)];
    await t.http.delete(`/auth/sessions/${b.session_id}`, { token: a.access_token });
    await t.http.post('/auth/logout', { token: c.access_token });
    await t.http.post('/auth/logout-all', { token: a.access_token });
    await t.http.get('/auth/verify', { token: a.access_token });
    await t.http.get('/auth/verify');
    const presenter = { userAgent: null, ip: expect.stringContaining('127.0.0.1') };
    const username = user.username;
    const isNewDevice = expect.any(Function);
    const by = (session: { session_id: string }) => ({ userId, sessionId: session.session_id });
    expect(t.events.map(({ name, event: { user: _user, session, ...event } }) => [name, event, session?.id])).toEqual([
      ['login.failed', { username, presenter: { ...presenter, userAgent: 'x' }, reason: 'credentials' }, undefined],
      ['login.failed', { username: 'nobody at all', presenter, reason: 'credentials' }, undefined],
      ['login.failed', { username, presenter, reason: 'inactive' }, undefined],
      ['session.created', { isNewDevice }, a.session_id],
      ['session.created', { isNewDevice }, b.session_id],
      ['session.created', { isNewDevice }, c.session_id],
      [
        'session.revoked',
        {
          scope: { sessionId: b.session_id },
          userId,
          sessionId: b.session_id,
          count: 1,
          reason: 'logout',
          actor: by(a),
        },
        undefined,
      ],
      [
        'session.revoked',
        {
          scope: { sessionId: c.session_id },
          userId,
          sessionId: c.session_id,
          count: 1,
          reason: 'logout',
          actor: by(c),
        },
        undefined,
      ],
      [
        'session.revoked',
        { scope: { realm: '', userId }, userId, sessionId: null, count: 1, reason: 'logout_all', actor: by(a) },
        undefined,
      ],
      [
        'authentication.rejected',
        { reason: 'session_not_found', tokenType: 'access', sessionId: a.session_id, userId, presenter },
        undefined,
      ],
    ]);
  });

  it('lets no listener disturb it', async () => {
    const events = t.app.get(JwtKnoxEvents);
    const stop = [
      events.on('session.created', () => {
        throw new Error('a listener that throws');
      }),
      events.on('session.created', () => Promise.reject(new Error('a listener that rejects'))),
    ];
    expect(await isGood(await t.tokens.issue(user))).toBe(true);
    expect(t.events).toHaveLength(1);
    for (const one of stop) one();
  });
});

describe.each(environments)('the TokenService under bindUserAgent: warn: $title', ({ platform, kind }) => {
  it('accepts another user-agent, and says so', async () => {
    const t = await createApp(platform, kind, { options: { session: { bindUserAgent: 'warn' } } });
    try {
      const tokens = await t.tokens.issue(await t.users.add('alice'), { userAgent: 'phone' });
      t.events.length = 0;
      const presenter = { userAgent: 'other', ip: null };
      await t.tokens.authenticate(tokens.accessToken, presenter);
      await t.tokens.authenticate(tokens.accessToken, { userAgent: 'phone' });
      expect(t.events).toEqual([{ name: 'user-agent.changed', event: { session: tokens.session, presenter } }]);
    } finally {
      await t.close();
    }
  });
});

describe.each(environments)('the TokenService without a userProvider: $title', ({ platform, kind }) => {
  it('issues for users of the host, and there is no login', async () => {
    const t = await createApp(platform, kind, { extras: { userProvider: undefined } });
    try {
      const json = { username: 'alice', password: 'alice-password' };
      expect((await t.http.post('/auth/login', { json })).status).toBe(404);
      await expect(t.tokens.login(json, {}, {})).rejects.toThrow('userProvider');
      const { accessToken: token, session } = await t.tokens.issue({ id: 'user-7' } as never);
      const { user } = await t.tokens.authenticate(token);
      expect([user, session.userId]).toEqual([{ id: 'user-7' }, 'user-7']);
      expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
      for (const id of ['', null, undefined, {}, 'x'.repeat(256), 'a\0b', 'a\ud800']) {
        await expect(t.tokens.issue({ id } as never)).rejects.toThrow("The user's id cannot be used");
      }
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(0);
    } finally {
      await t.close();
    }
  });
});

/** In memory, and out of sight: what is inspected below is the library, not the storage. */
class HiddenRepository extends InMemorySessionRepository {
  constructor() {
    super();
    const rows = this['rows'];
    Object.defineProperty(this, 'rows', { get: () => rows });
  }
}

@Injectable()
class PlainUsers extends UserProvider<{ id: string }> {
  async validateCredentials() {
    return { id: 'alice' };
  }
  async findById(id: string) {
    return { id };
  }
}

@Module({ providers: [PlainUsers], exports: [PlainUsers] })
class PlainUsersModule {}

const EVERYTHING = {
  depth: 20,
  showHidden: true,
  maxArrayLength: null,
  maxStringLength: null,
  getters: false,
} as const;

/** What must never be seen: the secret, the tokens with their parts, their keys, and the digests of the row. */
function secretsOf(tokens: IssuedTokens, row: Record<string, any>): string[] {
  const raw = [tokens.accessToken, tokens.refreshToken!];
  const { token_key: a } = claimsOf(raw[0]!);
  const { token_key: r, session_key: f } = claimsOf(raw[1]!);
  const keys = [a, r, f].flatMap((key: string) => [key, Buffer.from(key, 'base64url').toString('hex')]);
  return [
    SECRET,
    'alice-password',
    ...raw.flatMap((one) => one.split('.').slice(1)),
    ...keys,
    row.accessDigest,
    row.refreshDigest,
  ];
}

function expectNoneOf(secrets: string[], text: string): void {
  for (const secret of secrets) expect(text.includes(secret)).toBe(false);
}

describe.each(environments)('S11: secrets stay out of sight: $title', ({ platform, kind }) => {
  let t: TestApp;
  const lines: unknown[] = [];
  const note = (...args: unknown[]) => void lines.push(args);
  const logger = { log: note, error: note, warn: note, debug: note, verbose: note, fatal: note };
  const { storage, control } = controlledRepository();

  beforeEach(() => {
    lines.length = 0;
    control.heal();
  });
  afterEach(() => t.close());

  it('S11: in the error of a database that refuses a statement', async () => {
    t = await createApp(platform, kind, { logger });
    const user = await t.users.add('alice');
    const tokens = await t.tokens.issue(user);
    const row = { ...(await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: tokens.session.id })) };
    await t.source.query('DROP TABLE jwt_knox_sessions');
    const refused = await t.tokens.issue(user).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'storage_unavailable' });
    const text = inspect(refused, EVERYTHING) + JSON.stringify(refused) + inspect(lines, EVERYTHING);
    expectNoneOf(secretsOf(tokens, row), text);
    // SHA-256 in hex: a digest of the session that was not written.
    expect(text).not.toMatch(/\b[0-9a-f]{64}\b/);
  });

  it('S11: in events, errors, logs and issued tokens', async () => {
    t = await createApp(platform, kind, {
      logger,
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    const user = await t.users.add('alice');
    const request = { username: 'alice', password: 'alice-password' };
    const tokens = await t.tokens.login(request, {}, {});
    const { accessToken: access, refreshToken: refresh } = tokens;
    const row = { ...(await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: tokens.session.id })) };
    const secrets = secretsOf(tokens, row);
    expect(secrets.every((one) => typeof one === 'string' && one.length >= 14)).toBe(true);
    const errors: unknown[] = [];
    const fail = async (work: Promise<unknown>) =>
      void errors.push(
        await work.then(
          () => 'no error',
          (error) => error,
        ),
      );
    await fail(t.tokens.authenticate(refresh!));
    await fail(t.tokens.authenticate(`${access}x`));
    await fail(t.tokens.login({ ...request, username: 'bob' }, {}, {}));
    await fail(t.tokens.issue(user, {}, { claims: { sub: 'x' } }));
    await t.http.get('/notes', { token: access });
    await t.http.post('/auth/logout-other', { token: access });
    t.clock.advance('5m');
    await fail(t.tokens.authenticate(access));
    await t.http.post('/auth/logout', { json: { refresh_token: refresh } });
    await fail(t.tokens.authenticate(access));
    const { accessToken: fresh } = await t.tokens.issue(user);
    control.intercept = async (method) => Promise.reject(new Error(`no ${method} today`));
    await fail(t.tokens.issue(user));
    expect((await t.http.get('/notes', { token: fresh })).status).toBe(503);
    expect(errors).toHaveLength(7);
    expect(errors.filter((one) => !(one instanceof Error))).toEqual([]);
    expect(t.events.length).toBeGreaterThan(5);
    for (const seen of [t.events, errors, lines, tokens, { tokens }, [tokens.session]]) {
      expectNoneOf(secrets, inspect(seen, EVERYTHING));
      expectNoneOf(secrets, JSON.stringify(seen));
    }
    expect(inspect(lines)).toContain('Session storage unavailable');
    expect(`${tokens}`).not.toContain(access);
  });

  it('S11: in objects that lead to the data source and to requests', async () => {
    t = await createApp(platform, kind, { logger });
    await t.users.add('alice');
    const { access_token: token } = await t.login('alice');
    expect((await t.http.get('/notes', { token })).status).toBe(200);
    const parts = [SessionRepository, UserProvider, SessionIssuer, TokenService, JwtKnoxGuard];
    for (const part of parts) {
      const object: unknown = t.app.get(part as never, { strict: false });
      const text = inspect(object, EVERYTHING) + JSON.stringify({ object });
      expect(text).not.toMatch(/DataSource|IncomingMessage/);
      expectNoneOf([token], text);
    }
  });

  it('S11: in the options, the services, the guard and the strategy', async () => {
    t = await createApp(platform, kind, {
      extras: {
        storage: { useFactory: () => new HiddenRepository() },
        imports: [PlainUsersModule],
        userProvider: PlainUsers,
      },
    });
    const tokens = await t.tokens.login({ username: 'alice', password: 'alice-password' }, {}, {});
    const found = await t.app.get(SessionRepository).findById(tokens.session.id);
    const secrets = secretsOf(tokens, found!.record);
    const parts = [
      JWT_KNOX_OPTIONS, TokenService, SessionIssuer, SessionChecker, SessionLimiter, JwtCodec, Keyring, JwtKnoxGuard, JwtKnoxStrategy,
      JwtKnoxEvents, TokenTransport, JwtKnoxModule,
    ]; // prettier-ignore
    for (const part of parts) {
      const text = inspect(t.app.get(part as never, { strict: false }), { ...EVERYTHING });
      expect(text.length).toBeGreaterThan(2);
      expectNoneOf(secrets, text);
    }
  });
});
