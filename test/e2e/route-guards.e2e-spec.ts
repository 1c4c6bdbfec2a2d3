import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxConfigurationError, type JwtKnoxExtras, requestOf } from '../../lib';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { basic, clients, GATEWAY, ISSUER, postForm } from '../support/oauth';

const BARE = 'Bearer realm="jwt-knox"';

let fail: () => unknown = () => undefined;
const met: string[] = [];

/** A captcha, a limit: whatever a host puts before a route. */
@Injectable()
class Gate implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    met.push(requestOf(context).url);
    const error = fail();
    if (error) throw error;
    return true;
  }
}

/** The login guard of the host's, which says who the user is. */
@Injectable()
class AliceGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    met.push('login guard');
    requestOf(context).user = { id: 1 };
    return true;
  }
}

const EVERYWHERE = { login: [Gate], refresh: [Gate], logout: [Gate], introspect: [Gate], revoke: [new Gate()] };

describe.each(everyEnvironment)("the host's own guards of routes: $title", ({ platform, kind }) => {
  let t: TestApp;
  afterEach(async () => {
    fail = () => undefined;
    await t.close();
  });

  async function start(extras: JwtKnoxExtras, settings: AppSettings = {}) {
    t = await createApp(platform, kind, { options: { issuer: ISSUER, clients }, extras, ...settings });
    await t.users.add('alice');
    met.length = 0;
  }
  const gateway = { authorization: GATEWAY };
  const json = { username: 'alice', password: 'alice-password' };

  it('are passed before each route that they are named for, and no other', async () => {
    await start({ routes: { oauth: true, guards: EVERYWHERE } });
    const { access_token: token, refresh_token } = await t.login();
    expect((await t.http.get('/auth/verify', { token })).status).toBe(204);
    expect((await t.http.get('/auth/sessions', { token })).status).toBe(200);
    const refreshed = await t.http.post('/auth/refresh', { json: { refresh_token } });
    expect(refreshed.status).toBe(200);
    expect((await postForm(t.http, '/auth/introspect', { token }, gateway)).body.active).toBe(true);
    expect((await t.http.post('/auth/logout-other', { token })).status).toBe(200);
    expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    expect((await postForm(t.http, '/auth/revoke', { token }, gateway)).status).toBe(200);
    expect(met).toEqual(['/auth/login', '/auth/refresh', '/auth/introspect', '/auth/logout', '/auth/revoke']);
  });

  it.each([
    ['a limit', 429, () => new HttpException('later', 429), undefined],
    ['a challenge of its own', 401, () => new UnauthorizedException('own'), BARE],
  ])('answer before the library looks at anything: %s', async (_title, status, refusal, challenge) => {
    const unchecked = () => fail() !== undefined;
    await start({ routes: { oauth: true, guards: EVERYWHERE } }, { unchecked });
    const { access_token: token, refresh_token } = await t.login();
    [fail, t.statements.length, t.events.length] = [refusal, 0, 0];
    const answers = [
      await t.http.post('/auth/login', { json: { ...json, password: 'wrong' } }),
      await t.http.post('/auth/login', { json: { username: 1 } }),
      await t.http.post('/auth/refresh', { json: { refresh_token } }),
      await t.http.post('/auth/logout', { token }),
      await postForm(t.http, '/auth/introspect', { token }, { authorization: basic('gateway', 'a wrong secret') }),
      await postForm(t.http, '/auth/revoke', { token }, gateway),
    ];
    for (const { status: got, headers } of answers)
      expect([got, headers['www-authenticate'], headers['cache-control']]).toEqual([status, challenge, 'no-store']);
    expect([t.statements, t.events]).toEqual([[], []]);
    expect(await t.statusOf(token)).toBe(204);
  });

  it('are passed before the login guards, which say who the user is', async () => {
    const imports = { loginGuards: [AliceGuard], routes: { guards: { login: [Gate] } } };
    await start(imports);
    const answer = await t.http.post('/auth/login');
    expect([answer.status, answer.headers['www-authenticate'], met]).toEqual([
      200,
      undefined,
      ['/auth/login', 'login guard'],
    ]);
    fail = () => new UnauthorizedException();
    t.statements.length = 0;
    const refused = await t.http.post('/auth/login');
    expect([refused.status, refused.headers['www-authenticate'], t.statements]).toEqual([401, BARE, []]);
    expect(met.filter((one) => one === 'login guard')).toHaveLength(1);
  });

  it('control: the client of an introspection is asked for its secret all the same', async () => {
    await start({ routes: { oauth: true, guards: EVERYWHERE } });
    for (const path of ['/auth/introspect', '/auth/revoke']) {
      const answer = await postForm(t.http, path, { token: 'x' }, { authorization: '' });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Basic realm="jwt-knox"']);
    }
  });
});

describe('lists of guards that are none', () => {
  const refusal = async (extras: object) => {
    const options = { issuer: ISSUER, clients };
    const [{ platform, kind }] = everyEnvironment as [(typeof everyEnvironment)[0]];
    const started = await createApp(platform, kind, { options, extras }).catch((error: unknown) => error);
    return started instanceof JwtKnoxConfigurationError ? started.problems : started;
  };

  // Written without types, or undefined because two files import each other.
  it.each<[string, unknown]>([
    ['null', null],
    ['a class', Gate],
    ['an instance', new Gate()],
    ['a list with undefined', [undefined]],
  ])('are refused at start-up, and never ignored: %s', async (_title, list) => {
    const ofRoute = 'routes.guards.login: must be a list of guards, classes or instances.';
    const ofLogin = 'loginGuards: must be a list of guards, classes or instances.';
    const routes = { guards: { login: list } };
    expect(await refusal({ routes })).toEqual([ofRoute]);
    expect(await refusal({ loginGuards: list })).toEqual([ofLogin]);
    expect(await refusal({ routes, loginGuards: [Gate] })).toEqual([ofRoute]);
    expect(await refusal({ routes, loginGuards: list })).toEqual([ofRoute, ofLogin]);
  });
});
