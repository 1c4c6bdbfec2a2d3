import {
  type CallHandler,
  type ExecutionContext,
  HttpException,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { generateKeyPairSync } from 'node:crypto';
import { catchError, firstValueFrom, map, type Observable, of, tap } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { inMemory } from '../../lib/testing';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';

/** What many hosts send in place of every body. */
@Injectable()
class Envelope implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ success: true, data })));
  }
}

/** As Nest's CacheInterceptor, with one cache for all processes: it may answer without the handler. */
class Cached implements NestInterceptor {
  readonly bodies = new Map<string, unknown>();

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const { url, method } = context.switchToHttp().getRequest<{ url: string; method: string }>();
    if (method !== 'GET') return next.handle();
    if (!this.bodies.has(url)) this.bodies.set(url, await firstValueFrom(next.handle()));
    return of(this.bodies.get(url));
  }
}

/** Notes what it saw, and says how long it took: after the handler, in a header. */
class Timed implements NestInterceptor {
  readonly seen: unknown[] = [];

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<{ header(name: string, value: string): void }>();
    return next.handle().pipe(
      tap((body: unknown) => {
        this.seen.push(body);
        response.header('x-response-time', '1ms');
      }),
    );
  }
}

/** Answers every error with 200, as some hosts do. */
class Forgiving implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next
      .handle()
      .pipe(
        catchError((error: unknown) =>
          of({ success: false, status: error instanceof HttpException && error.getStatus() }),
        ),
      );
  }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ISSUER = 'https://auth.example.com';
const AUTHORIZATION = `Basic ${Buffer.from('gateway:Zz8Jk2nQpR7sTuVwXyZ0123456789abcdefGHIJKLmno').toString('base64')}`;
const FORM = { authorization: AUTHORIZATION, 'content-type': 'application/x-www-form-urlencoded' };
const KEYS = '/.well-known/jwks.json';
const METADATA = '/.well-known/oauth-authorization-server';

describe.each(platforms)('interceptors of the host: $name', (platform) => {
  let t: TestApp;
  afterEach(() => t.close());

  async function open(...interceptors: NestInterceptor[]): Promise<void> {
    const clients = [{ id: 'gateway', secret: 'Zz8Jk2nQpR7sTuVwXyZ0123456789abcdefGHIJKLmno' }];
    t = await createApp(platform, 'sqlite', {
      options: { keys: [{ kid: 'a', algorithm: 'ES256', privateKey }], issuer: ISSUER, clients },
      extras: { storage: inMemory(), routes: { oauth: true, jwks: true } },
      prepare: (app) => app.useGlobalInterceptors(...interceptors),
      unchecked: 'interceptors of the application change the answers',
    });
    await t.users.add('alice');
  }

  const introspect = (token: string) => t.http.post('/auth/introspect', { body: `token=${token}`, headers: FORM });

  it('one that wraps every body does not wrap what an RFC defines', async () => {
    await open(new Envelope());
    const keys = await t.http.get(KEYS);
    expect([keys.status, Object.keys(keys.body), keys.body.keys[0].kid]).toEqual([200, ['keys'], 'a']);
    expect(keys.headers['cache-control']).toBe('public, max-age=60, must-revalidate');
    expect(keys.headers['content-type']).toBe('application/json; charset=utf-8');
    expect((await t.http.get(METADATA)).body).toMatchObject({
      issuer: ISSUER,
      introspection_endpoint: `${ISSUER}/auth/introspect`,
    });
    const { data } = await t.login();
    const answer = await introspect(data.access_token);
    expect([answer.status, answer.body.active, answer.body.sub]).toEqual([200, true, '1']);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect((await introspect('junk')).text).toBe('{"active":false}');
    // The rest is between the host and its clients.
    expect((await t.http.get('/auth/sessions', { token: data.access_token })).body).toMatchObject({ success: true });
  });

  it('HEAD has the headers of GET and no body', async () => {
    await open(new Envelope());
    for (const path of [KEYS, METADATA]) {
      const [get, head] = [await t.http.get(path), await t.http.send('HEAD', path)];
      expect([head.status, head.text]).toEqual([200, '']);
      for (const name of ['cache-control', 'content-type', 'content-length']) {
        expect([name, head.headers[name]]).toEqual([name, get.headers[name]]);
      }
    }
  });

  it('they run, see the body, and set headers after the handler', async () => {
    const [outer, inner] = [new Timed(), new Timed()];
    await open(outer, new Envelope(), inner);
    for (const path of [KEYS, METADATA]) {
      const { status, headers, body } = await t.http.get(path);
      expect([status, headers['x-response-time']]).toEqual([200, '1ms']);
      expect(inner.seen.at(-1)).toEqual(body);
      expect(outer.seen.at(-1)).toEqual({ success: true, data: body });
    }
  });

  it('one that answers from a cache, of another process too, does not bring the wrapping back', async () => {
    const cache = new Cached();
    await open(cache, new Envelope());
    cache.bodies.set(METADATA, { success: true, data: 'of another process' });
    for (const path of [KEYS, KEYS, METADATA, METADATA]) {
      expect([path, (await t.http.get(path)).body]).toEqual([path, expect.not.objectContaining({ success: true })]);
    }
    expect((await t.http.get(METADATA)).body.issuer).toBe(ISSUER);
  });

  it('errors stay errors: an unknown document, a client that is not let in, a wrong form', async () => {
    await open(new Envelope());
    expect((await t.http.get(`${METADATA}/elsewhere`)).status).toBe(404);
    const refused = await t.http.post('/auth/introspect', { body: 'token=x', headers: { ...FORM, authorization: '' } });
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client']);
    const wrong = await t.http.post('/auth/introspect', { body: '', headers: FORM });
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_request']);
  });

  it('one that turns errors into answers gets its own answers sent', async () => {
    await open(new Forgiving());
    expect((await t.http.get(`${METADATA}/elsewhere`)).body).toEqual({ success: false, status: 404 });
    expect((await t.http.post('/auth/introspect', { body: '', headers: FORM })).body).toEqual({
      success: false,
      status: 400,
    });
  });
});
