import {
  type ArgumentsHost, type CanActivate, Catch, type ExceptionFilter, type ExecutionContext, HttpException, Injectable, Module, UnauthorizedException,
} from '@nestjs/common'; // prettier-ignore
import { afterEach, describe, expect, it } from 'vitest';
import { requestOf, UserProvider } from '../../lib';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';

const BARE = 'Bearer realm="jwt-knox"';

/** What a host throws as a 401, in all the ways that hosts do. */
const REFUSALS: Record<string, () => unknown> = {
  UnauthorizedException: () => new UnauthorizedException('own words'),
  'an HttpException': () => new HttpException({ own: 'body' }, 401),
};

let fail: (request: any, response: any) => unknown = () => undefined;

@Injectable()
class OwnLogin implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    const error = fail(request, context.switchToHttp().getResponse());
    if (error) throw error;
    request.user = { id: 1 };
    return request.headers['x-forbidden'] === undefined;
  }
}

@Injectable()
class People extends UserProvider<{ id: string }> {
  async validateCredentials(_credentials: unknown, request: unknown) {
    const error = fail(request, null);
    if (error) throw error;
    return { id: '1' };
  }
  async findById(id: string) {
    const error = fail(null, null);
    if (error) throw error;
    return { id };
  }
}

@Module({ providers: [People], exports: [People] })
class PeopleModule {}

const OWN_PEOPLE = { imports: [PeopleModule], userProvider: People };

describe.each(everyEnvironment)("S7: a 401 of the host's own code: $title", ({ platform, kind }) => {
  let t: TestApp;
  afterEach(async () => {
    fail = () => undefined;
    await t.close();
  });
  const open = async (settings: AppSettings) => (t = await createApp(platform, kind, settings));
  const login = (headers = {}) =>
    t.http.post('/auth/login', { headers, json: { username: 'alice', password: 'alice-password' } });

  it.each(Object.entries(REFUSALS))('S7: of a login guard carries a challenge: %s', async (_title, refusal) => {
    await open({ extras: { ...OWN_PEOPLE, loginGuards: [OwnLogin] } });
    fail = refusal;
    const answer = await login();
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, BARE]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.text).toMatch(/own/);
    fail = () => undefined;
    const good = await login();
    expect([good.status, good.headers['www-authenticate']]).toEqual([200, undefined]);
  });

  it('S7: of a login guard keeps a challenge of its own, and so does a success', async () => {
    await open({ extras: { ...OWN_PEOPLE, loginGuards: [OwnLogin] } });
    fail = (_request, response) => {
      response.header('WWW-Authenticate', 'Basic realm="own"');
      return new UnauthorizedException();
    };
    expect((await login()).headers['www-authenticate']).toBe('Basic realm="own"');
    // RFC 4559 section 5: mutual authentication ends in a header of the 200.
    fail = (_request, response) => void response.header('WWW-Authenticate', 'Negotiate oYG2MIGz');
    expect((await login()).headers['www-authenticate']).toBe('Negotiate oYG2MIGz');
  });

  it.each([
    ['a body that is wrong', 400, undefined, undefined],
    ['a guard that says no', 403, undefined, { 'x-forbidden': '1' }],
    ['a limiter', 429, () => new HttpException('later', 429), undefined],
    ['a mistake in the guard', 500, () => new TypeError('of the guard'), undefined],
  ])('S7: of a login guard is the only one to challenge: %s', async (_title, status, refusal, headers) => {
    await open({ extras: { ...OWN_PEOPLE, loginGuards: [OwnLogin] }, unchecked: 'the guard answers' });
    if (refusal) fail = refusal;
    const answer = await t.http.post('/auth/login', { headers: headers ?? {}, json: { device_name: 1 } });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([status, undefined]);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it("S7: of a login guard is what the host's filter makes of it", async () => {
    @Catch()
    class OwnFilter implements ExceptionFilter {
      catch(_error: unknown, host: ArgumentsHost) {
        host.switchToHttp().getResponse().status(status).send({ own: status });
      }
    }
    let status = 401;
    await open({
      extras: { ...OWN_PEOPLE, loginGuards: [OwnLogin] },
      prepare: (app) => void app.useGlobalFilters(new OwnFilter()),
      unchecked: 'the filter answers',
    });
    fail = () => new TypeError('of the guard');
    const answer = await login();
    expect([answer.status, answer.body, answer.headers['www-authenticate']]).toEqual([401, { own: 401 }, BARE]);
    status = 418;
    fail = () => new UnauthorizedException();
    const other = await login();
    expect([other.status, other.body, other.headers['www-authenticate']]).toEqual([418, { own: 418 }, undefined]);
  });

  it.each(Object.entries(REFUSALS))('S7: of the user provider carries a challenge: %s', async (_title, refusal) => {
    await open({ extras: OWN_PEOPLE, unchecked: () => fail(null, null) !== undefined });
    const { access_token: token, refresh_token: refresh } = (await login()).body;
    fail = refusal;
    const answers = [
      await login(),
      await t.http.get('/auth/verify', { token }),
      await t.http.get('/notes', { token }),
      await t.http.post('/auth/refresh', { json: { refresh_token: refresh } }),
    ];
    for (const answer of answers) {
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, BARE]);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  it('S7: of `tokenResponse` carries a challenge', async () => {
    const tokenResponse = () => {
      throw new UnauthorizedException();
    };
    await open({ options: { tokenResponse }, extras: OWN_PEOPLE, unchecked: 'the exception is its own' });
    const answer = await login();
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, BARE]);
  });
});
