import { type CanActivate, Controller, Delete, type ExecutionContext, Injectable, UseGuards } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { CookieTransport, JwtKnoxGuard, type JwtKnoxExtras, type JwtKnoxOptions, RequireFresh } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { TestUsers, type User } from '../support/users';

@Controller('account')
@UseGuards(JwtKnoxGuard)
class AccountController {
  @Delete() @RequireFresh('15m') close() {
    return { closed: true };
  }
}

/** Finds the user by a header: what stands for a passkey here. */
@Injectable()
class HeaderGuard implements CanActivate {
  constructor(private readonly users: TestUsers) {}
  async canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest();
    expect(request.user).toBeUndefined();
    request.user = await this.users.rows.findOneBy({ username: String(request.headers['x-proof']) });
    return true;
  }
}

describe.each(environments)('credentials that are proven again: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;
  let alice: User;
  const start = async (options: JwtKnoxOptions = {}, extras: JwtKnoxExtras = {}) => {
    control.heal();
    const entities = [JwtKnoxSession, JwtKnoxFence];
    t = await createApp(platform, kind, {
      options,
      extras: { storage, ...extras },
      entities,
      controllers: [AccountController],
    });
    alice = await t.users.add('alice');
  };
  afterEach(() => t.close());

  const prove = (token: string, json: object = { password: 'alice-password' }, headers: Record<string, string> = {}) =>
    t.http.post('/auth/reauthenticate', {
      token,
      json,
      headers,
      ...(headers['x-stop'] !== undefined && { unchecked: 'a guard of the application answers' }),
    });
  const close = (token: string) => t.http.delete('/account', { token });
  const codeOf = ({ status, body }: any) => [status, body.code];

  describe('@RequireFresh', () => {
    it('lets in who proved their credentials within the time, by the row and not by the token', async () => {
      await start();
      const { access_token: token } = await t.login();
      t.clock.advance('4m');
      expect((await close(token)).status).toBe(200);
    });

    it('refuses who proved them longer ago, however new the token, and says how fresh they must be (RFC 9470)', async () => {
      await start();
      const { refresh_token: first } = await t.login();
      t.clock.advance('15m');
      const { body } = await t.http.post('/auth/refresh', { json: { refresh_token: first } });
      expect((await close(body.access_token)).status).toBe(200);
      t.clock.advance('1s');
      const { status, body: refusal, headers } = await close(body.access_token);
      expect([status, refusal.code]).toEqual([401, 'insufficient_user_authentication']);
      expect(headers['www-authenticate']).toBe(
        'Bearer realm="jwt-knox", error="insufficient_user_authentication", max_age="900"',
      );
      const again = (await prove(body.access_token)).body;
      expect((await close(again.access_token)).status).toBe(200);
    });

    it('says in the token, and to introspection, when they were proven', async () => {
      await start();
      const { access_token: token } = await t.login();
      const provenAt = Math.floor(t.clock.now() / 1_000);
      expect(claimsOf(token).auth_time).toBe(provenAt);
      expect(await t.tokens.introspect(token)).toMatchObject({ auth_time: provenAt });
      t.clock.advance('3m');
      const { body } = await prove(token);
      expect(claimsOf(body.access_token).auth_time).toBe(provenAt + 180);
    });
  });

  describe('POST reauthenticate', () => {
    it('answers like refresh; what was issued before, and copies of it, counts no more (ASVS V7.2.4)', async () => {
      await start();
      const before = await t.login();
      t.clock.advance('2m');
      const { status, body, headers } = await prove(before.access_token);
      expect([status, headers['cache-control'], body.session_id]).toEqual([200, 'no-store', before.session_id]);
      expect(Object.keys(body).toSorted()).toEqual(Object.keys(before).toSorted());
      expect([await t.statusOf(before.access_token), await t.statusOf(body.access_token)]).toEqual([401, 204]);
      const old = await t.http.post('/auth/refresh', { json: { refresh_token: before.refresh_token } });
      expect(codeOf(old)).toEqual([401, 'invalid_refresh_token']);
      t.clock.advance('1m');
      const next = await t.http.post('/auth/refresh', { json: { refresh_token: body.refresh_token } });
      expect(next.status).toBe(200);
    });

    it.each(['wrong', 'ALICE-PASSWORD'])('changes nothing by the password %j', async (password) => {
      await start();
      const { access_token: token, refresh_token } = await t.login();
      t.events.length = 0;
      const refusal = await prove(token, { password });
      expect(codeOf(refusal)).toEqual([401, 'invalid_credentials']);
      expect(refusal.headers['www-authenticate']).toBe('Bearer realm="jwt-knox"');
      expect(t.events.map(({ name, event }) => [name, event.reason, event.username])).toEqual([
        ['login.failed', 'credentials', 'alice'],
      ]);
      expect(await t.statusOf(token)).toBe(204);
      t.clock.advance('1m');
      expect((await t.http.post('/auth/refresh', { json: { refresh_token } })).status).toBe(200);
    });

    it.each([{}, { password: 7 }, { password: '' }, { password: 'a\0b' }, [], 'text'])(
      'refuses the body %j',
      async (json) => {
        await start();
        const { access_token: token } = await t.login();
        expect(codeOf(await prove(token, json as object))).toEqual([400, 'invalid_request']);
      },
    );

    it('wants an access token, and no refresh token', async () => {
      await start();
      const { refresh_token: refresh } = await t.login();
      expect(codeOf(await t.http.post('/auth/reauthenticate', { json: { password: 'alice-password' } }))).toEqual([
        401,
        'missing_token',
      ]);
      expect(codeOf(await prove(refresh))).toEqual([401, 'invalid_token']);
    });

    it('is not for the password of somebody else', async () => {
      await start();
      await t.users.add('bob');
      const { access_token: token } = await t.login();
      expect(codeOf(await prove(token, { password: 'bob-password' }))).toEqual([401, 'invalid_credentials']);
    });

    it('is nothing for a disabled user, and for a session that ended meanwhile', async () => {
      await start();
      const { access_token: token, session_id: id } = await t.login();
      const ended = t.users.verifyPassword;
      t.users.verifyPassword = async (user, password) => {
        await t.tokens.revoke(id);
        return ended.call(t.users, user, password);
      };
      expect(codeOf(await prove(token))).toEqual([401, 'invalid_token']);
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(0);
    });

    it('gives no keys to whoever proves the old password while it is being changed', async () => {
      await start();
      const { access_token: stolen, session_id: id } = await t.login();
      const verify = t.users.verifyPassword;
      let honest: any;
      t.users.verifyPassword = async (user, password) => {
        const matches = await verify.call(t.users, user, password);
        // Between the check of the old password and the new keys.
        honest = await t.tokens.changeCredentials({ id, userId: String(alice.id) }, () => undefined);
        return matches;
      };
      expect(codeOf(await prove(stolen))).toEqual([401, 'invalid_token']);
      expect(await t.statusOf(honest.accessToken)).toBe(204);
    });

    it('gives keys to who refreshed meanwhile in another tab', async () => {
      await start();
      const pair = await t.login();
      t.clock.advance('1m');
      const verify = t.users.verifyPassword;
      t.users.verifyPassword = async (user, password) => {
        await t.http.post('/auth/refresh', { json: { refresh_token: pair.refresh_token } });
        return verify.call(t.users, user, password);
      };
      expect((await prove(pair.access_token)).status).toBe(200);
    });

    it('S9: is 503 when the storage fails, and the session keeps its keys', async () => {
      await start();
      const { access_token: token } = await t.login();
      control.intercept = (method, proceed) => (method === 'renewKeys' ? Promise.reject(new Error('down')) : proceed());
      expect((await prove(token)).status).toBe(503);
      control.heal();
      expect(await t.statusOf(token)).toBe(204);
    });

    it('runs your guards of the login, unless it has its own', async () => {
      const refuses = (name: string) => ({ canActivate: (context: ExecutionContext) => context.switchToHttp().getRequest().headers['x-stop'] !== name });
      await start({}, { routes: { guards: { login: [refuses('login')] } } });
      const { access_token: token } = await t.login();
      expect((await prove(token, undefined, { 'x-stop': 'login' })).status).toBe(403);
      await t.close();
      await start({}, { routes: { guards: { login: [refuses('login')], reauthenticate: [refuses('own')] } } });
      const other = await t.login();
      expect((await prove(other.access_token, undefined, { 'x-stop': 'own' })).status).toBe(403);
      expect((await prove(other.access_token, undefined, { 'x-stop': 'login' })).status).toBe(200);
    }); // prettier-ignore

    it('says what to implement where a user has no username', async () => {
      await start();
      const { access_token: token } = await t.login();
      t.users.getUsername = () => null;
      expect((await prove(token)).status).toBe(500);
      expect(await t.statusOf(token)).toBe(204);
    });

    it('B1: sets new cookies in a browser, and no token is in the body', async () => {
      await start({ transport: new CookieTransport({ bearer: false }) });
      const headers = { 'sec-fetch-site': 'same-origin' };
      const login = await t.http.post('/auth/login', { json: { username: 'alice', password: 'alice-password' }, headers });
      const jar = (answer: any) => [answer.headers['set-cookie']].flat().map((one: string) => one.split(';')[0]).join('; ');
      const proven = await t.http.post('/auth/reauthenticate', {
        json: { password: 'alice-password' },
        headers: { ...headers, cookie: jar(login) },
      });
      expect([proven.status, Object.keys(proven.body).toSorted()]).toEqual([
        200,
        ['expires_in', 'refresh_expires_in', 'session_id', 'token_type'],
      ]);
      const verify = (cookie: string) => t.http.get('/auth/verify', { headers: { ...headers, cookie } });
      expect([(await verify(jar(login))).status, (await verify(jar(proven))).status]).toEqual([401, 204]);
      const foreign = { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example', cookie: jar(proven) };
      const refused = await t.http.post('/auth/reauthenticate', { json: { password: 'alice-password' }, headers: foreign });
      expect(codeOf(refused)).toEqual([403, 'cross_origin_refused']);
    }); // prettier-ignore
  });

  describe('behind login guards of your own', () => {
    const guarded: JwtKnoxExtras = { loginGuards: [HeaderGuard] };

    it('takes their proof, of the same user only', async () => {
      await start({}, guarded);
      await t.users.add('bob');
      const issued = await t.tokens.issue(alice);
      const by = (username: string) => prove(issued.accessToken, {}, { 'x-proof': username });
      expect(codeOf(await by('bob'))).toEqual([401, 'invalid_credentials']);
      expect(codeOf(await by('nobody'))).toEqual([401, 'invalid_credentials']);
      t.clock.advance('1m');
      const { status, body } = await by('alice');
      expect([status, claimsOf(body.access_token).auth_time]).toEqual([200, Math.floor(t.clock.now() / 1_000)]);
      expect(await t.statusOf(issued.accessToken)).toBe(401);
    });
  });

  describe('routes.freshness', () => {
    const ends = (id: string): [string, 'post' | 'delete'][] => [
      [`/auth/sessions/${id}`, 'delete'],
      ['/auth/logout-other', 'post'],
      ['/auth/logout-all', 'post'],
    ];

    it('lets nobody end other sessions on a proof that is too old', async () => {
      await start({}, { routes: { freshness: '10m' } });
      const other = await t.login();
      const { refresh_token } = await t.login();
      t.clock.advance('11m');
      const { body: stale } = await t.http.post('/auth/refresh', { json: { refresh_token } });
      for (const [path, method] of ends(other.session_id)) {
        const refusal = await t.http[method](path, { token: stale.access_token });
        expect(codeOf(refusal)).toEqual([401, 'insufficient_user_authentication']);
        expect(refusal.headers['www-authenticate']).toContain('max_age="600"');
      }
      expect(await t.tokens.list(String(alice.id))).toHaveLength(2);
      let { access_token: token } = (await prove(stale.access_token)).body;
      for (const [path, method] of ends(other.session_id)) {
        expect((await t.http[method](path, { token })).status).toBeLessThan(300);
      }
      ({ access_token: token } = await t.login());
      expect(await t.statusOf(token)).toBe(204);
    });

    it('never keeps anybody from ending their own session', async () => {
      await start({}, { routes: { freshness: '10m' } });
      const [first, second] = [await t.tokens.issue(alice), await t.tokens.issue(alice)];
      t.clock.advance('11m');
      const fresh = async ({ refreshToken }: typeof first) => (await t.tokens.refresh(refreshToken!)).accessToken;
      const own = await t.http.delete(`/auth/sessions/${first.session.id}`, { token: await fresh(first) });
      const logout = await t.http.post('/auth/logout', { token: await fresh(second) });
      expect([own.status, logout.status]).toEqual([204, 204]);
    });

    it.each(['0s', 'soon', -1, 0])('must be a duration: %j is refused at the start', async (freshness) => {
      await start();
      const wrong = createApp(platform, kind, { extras: { routes: { freshness } } });
      await expect(wrong).rejects.toThrow(/routes\.freshness: not a duration of more than zero/);
    });
  });
});
