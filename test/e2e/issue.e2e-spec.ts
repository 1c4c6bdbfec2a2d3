import { describe, expect, it } from 'vitest';
import { InvalidCredentialsError, type IssuedTokens, RefreshTokenExpiredError } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import type { User } from '../support/users';
import { useApp } from '../support/use-app';

describe.each(environments)('TokenService.issue: $title', ({ platform, kind }) => {
  let t: TestApp;
  let user: User;
  useApp({ platform, kind }, (app, added) => ([t, user] = [app, added]), {
    options: { session: { bindUserAgent: 'reject' } },
  });

  const rows = () => t.source.getRepository(JwtKnoxSession);
  const row = (tokens: IssuedTokens) => rows().findOneByOrFail({ id: tokens.session.id });

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

    it.each(['soon', ['a'], 7, true, new Map([['a', 1]]), new Date()])(
      'refuses the claims %j, and writes nothing',
      async (claims) => {
        await expect(t.tokens.issue(user, {}, { claims: claims as never })).rejects.toThrow('claims must be an object');
        expect(await rows().countBy({ userId: String(user.id) })).toBe(0);
      },
    );

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

  describe('what was decided for a session', () => {
    const refreshed = async (tokens: IssuedTokens) => t.tokens.refresh(tokens.refreshToken!, { userAgent: 'job/1' });
    const device = { userAgent: 'job/1', deviceName: 'Nightly job' };

    it('ends it at its ttl, however often it is refreshed', async () => {
      const first = await t.tokens.issue(user, device, { ttl: '15m' });
      t.clock.advance('10m');
      const second = await refreshed(first);
      expect([second.expiresIn, second.refreshExpiresIn]).toEqual([300, 300]);
      t.clock.advance('4m');
      const third = await refreshed(second);
      expect([third.expiresIn, third.refreshExpiresIn]).toEqual([60, 60]);
      t.clock.advance('1m');
      await expect(refreshed(third)).rejects.toThrow(RefreshTokenExpiredError);
    });

    it('keeps a ttl that is longer than the idle timeout', async () => {
      const first = await t.tokens.issue(user, device, { ttl: '7d' });
      t.clock.advance('2d');
      const second = await refreshed(first);
      expect(second.refreshExpiresIn).toBe(5 * 86_400);
      t.clock.advance('4d');
      expect((await refreshed(second)).refreshExpiresIn).toBe(86_400);
    });

    it('keeps the short idle timeout, within the ttl', async () => {
      const first = await t.tokens.issue(user, device, { ttl: '45m', remember: false });
      expect(first.refreshExpiresIn).toBe(30 * 60);
      t.clock.advance('20m');
      expect((await refreshed(first)).refreshExpiresIn).toBe(25 * 60);
      const brief = await t.tokens.issue(user, device, { ttl: '10m', remember: false });
      expect(brief.refreshExpiresIn).toBe(10 * 60);
    });

    it('signs its claims at every refresh, retry and renewal of its keys', async () => {
      const claims = { tenant: 7, until: new Date(0), gone: undefined, 'https://example.com/nul': 'a\0😀' };
      const kept = { tenant: 7, until: '1970-01-01T00:00:00.000Z', 'https://example.com/nul': 'a\0😀' };
      const first = await t.tokens.issue(user, device, { claims });
      claims.tenant = 8;
      const claimsIn = async (tokens: IssuedTokens) => (await t.tokens.authenticate(tokens.accessToken)).claims;
      expect(await claimsIn(first)).toEqual(kept);
      t.clock.advance('3m');
      const second = await refreshed(first);
      // Within the reuse interval: the same successor, and the same token again.
      const answers = [second, await refreshed(first), await refreshed(second)];
      answers.push(await t.tokens.reauthenticate(first.session));
      answers.push((await t.tokens.changeCredentials(first.session, () => undefined))!);
      expect(await Promise.all(answers.slice(-1).map(claimsIn))).toEqual([kept]);
      for (const { accessToken } of answers) expect(claimsOf(accessToken)).toMatchObject(kept);
      expect((await row(first)).claims).toEqual(kept);
    });

    it('is not the business of other sessions', async () => {
      await t.tokens.issue(user, device, { ttl: '15m', claims: { tenant: 7 } });
      const other = await t.tokens.issue(user, device);
      t.clock.advance('10m');
      const { accessToken, refreshExpiresIn } = await refreshed(other);
      expect([claimsOf(accessToken).tenant, refreshExpiresIn]).toEqual([undefined, 86_400]);
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
