import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Credentials, InvalidTokenError, type IssuedTokens, TokenExpiredError } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { deferred } from '../support/controlled-repository';
import { environments, SECRET, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import type { User } from '../support/users';
import { isAuthentic, useApp } from '../support/use-app';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

const HEADER = { alg: 'HS256', typ: 'at+jwt', kid: 'default' };

function forge(payload: unknown, header: unknown = HEADER): string {
  const parts = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${parts}.${createHmac('sha256', SECRET).update(parts).digest('base64url')}`;
}

describe.each(environments)('the TokenService: $title', ({ platform, kind }) => {
  let t: TestApp;
  let user: User;
  useApp({ platform, kind }, (app, added) => ([t, user] = [app, added]), {
    options: { session: { bindUserAgent: 'reject' } },
  });

  const rows = () => t.source.getRepository(JwtKnoxSession);
  const row = (tokens: IssuedTokens) => rows().findOneByOrFail({ id: tokens.session.id });
  const isGood = ({ accessToken }: IssuedTokens) => isAuthentic(t, accessToken);

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
          since: expect.any(Number),
          reason: 'revoked',
          actor: null,
        },
        {
          scope: { realm: '', userId, except: two.session.id, kinds: ['login', 'impersonation'] },
          userId,
          sessionId: null,
          count: 2,
          since: expect.any(Number),
          reason: 'logout_other',
          actor: { userId, sessionId: two.session.id },
        },
        {
          scope: { realm: '', userId },
          userId,
          sessionId: null,
          count: 1,
          since: expect.any(Number),
          reason: 'logout_all',
          actor: null,
        },
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
            since: expect.any(Number),
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
});
