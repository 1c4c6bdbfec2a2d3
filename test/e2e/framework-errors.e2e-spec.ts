import { Body, Controller, Get, type INestApplication, Post, VersioningType } from '@nestjs/common';
import { APP_FILTER, RouterModule } from '@nestjs/core';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxModule } from '../../lib';
import { inMemory } from '../../lib/testing';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import { FORM, GATEWAY, oauthOptions } from '../support/oauth';
import { platforms } from '../support/platforms';
import { QuietHangUps } from '../support/recipes';
import { eventually } from '../support/eventually';
import { notingLogger } from '../support/noting-logger';

/** The code of a connection of the application's own that broke: no client that hung up. */
const BROKEN = 'ECONNRESET';

@Controller('orders')
class OrdersController {
  @Post() add(@Body() body: unknown) {
    return { body };
  }
  @Get('broken') fail() {
    throw Object.assign(new Error('broken'), { code: BROKEN });
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };
const MALFORMED = `{"username":"alice","password":'x-secret'}`;

describe.each(platforms)('what the framework refuses before a route of the library begins: $name', (platform) => {
  let t: TestApp;
  afterEach(() => t.close());

  async function open(settings: Partial<AppSettings> = {}): Promise<void> {
    t = await createApp(platform, 'sqlite', {
      options: oauthOptions,
      extras: { storage: inMemory(), routes: { admin: true, oauth: true } },
      controllers: [OrdersController],
      ...settings,
    });
    await t.users.add('alice');
    await t.users.add('admin', { isAdmin: true });
  }

  const refused = (status: number, error: string) => ({
    status,
    headers: expect.objectContaining({ 'cache-control': 'no-store' }),
    body: { statusCode: status, error, code: 'invalid_request', message: expect.any(String) },
  });

  it('a malformed, oversized or unreadable body has a code, and nothing of the body in its answer', async () => {
    await open();
    for (const path of ['login', 'refresh', 'logout', 'logout-all', 'verify', 'admin/purge-expired']) {
      const send = (body: string, headers = {}) =>
        t.http.post(`/auth/${path}`, { body, headers: { ...JSON_TYPE, ...headers } });
      const answers = [
        await send(MALFORMED),
        await send('{"__proto__":{"a":"x-secret"}'),
        await send('{"a":"x-secret'),
      ];
      for (const answer of answers) {
        expect(answer).toMatchObject(refused(400, 'Bad Request'));
        expect(answer.text).not.toMatch(/secret|alice/);
      }
      expect(await send(JSON.stringify('x'.repeat(2_000_000)))).toMatchObject(refused(413, 'Payload Too Large'));
      const encoded = await send('{}', { 'content-type': 'application/json; charset=x-secret' });
      if (platform.name === 'express') expect(encoded).toMatchObject(refused(415, 'Unsupported Media Type'));
      expect(encoded.text).not.toContain('x-secret');
    }
    expect((await t.http.delete('/auth/sessions/x', { body: MALFORMED, headers: JSON_TYPE })).text).not.toContain(
      'secret',
    );
  });

  it('a form of OAuth is refused as RFC 6749 section 5.2 has it', async () => {
    await open();
    const body = `token=${'x'.repeat(2_000_000)}`;
    const answer = await t.http.post('/auth/introspect', {
      body,
      headers: { authorization: GATEWAY, 'content-type': FORM },
    });
    expect([answer.status, answer.body.error, typeof answer.body.error_description]).toEqual([
      413,
      'invalid_request',
      'string',
    ]);
  });

  it.each<[string, string, Partial<AppSettings>]>([
    ['another prefix', '/api/v2/login', { extras: { storage: inMemory(), routes: { prefix: 'api/v2' } } }],
    ['a global prefix', '/api/auth/login', { prepare: (app) => void app.setGlobalPrefix('api') }],
    [
      'a global prefix that it is excluded from',
      '/auth/login',
      { prepare: (app) => void app.setGlobalPrefix('api', { exclude: ['auth/{*path}'] }) },
    ],
    [
      'a version in the path, and a global prefix',
      '/api/v1/auth/login',
      {
        prepare: (app) => {
          app.setGlobalPrefix('api');
          app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
        },
      },
    ],
    [
      'a version in a header',
      '/auth/login',
      { prepare: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }) },
    ],
    [
      'a version in the media type',
      '/auth/login',
      { prepare: (app) => void app.enableVersioning({ type: VersioningType.MEDIA_TYPE, key: 'v=' }) },
    ],
    ['CORS', '/auth/login', { prepare: (app) => void app.enableCors({ origin: 'https://app.example.com' }) }],
    [
      'a path of RouterModule',
      '/inner/auth/login',
      { imports: [RouterModule.register([{ path: 'inner', module: JwtKnoxModule }])] },
    ],
    ['a path in another case, with a slash', platform.name === 'express' ? '/AUTH/Login/' : '/auth/login', {}],
  ])('with %s too', async (_title, path, settings) => {
    await open(settings);
    expect(await t.http.post(path, { body: MALFORMED, headers: JSON_TYPE })).toMatchObject(refused(400, 'Bad Request'));
    const json = { username: 'alice', password: 'alice-password' };
    expect((await t.http.post(path, { json })).status).toBe(200);
  });

  it("filters of the application see the library's error", async () => {
    const seen: unknown[] = [];
    const filter = {
      catch(error: any, host: any) {
        seen.push(error.code);
        const response = host.getArgByIndex(1);
        if (platform.name === 'express') response.status(418).json({});
        else response.code(418).send({});
      },
    };
    Reflect.defineMetadata('__filterCatchExceptions__', [], filter.constructor);
    await open({
      prepare: (app: INestApplication) => app.useGlobalFilters(filter),
      unchecked: 'the filter of the application answers',
    });
    expect((await t.http.post('/auth/login', { body: MALFORMED, headers: JSON_TYPE })).status).toBe(418);
    expect(seen).toEqual(['invalid_request']);
  });

  it("control: errors on the application's own routes are the framework's", async () => {
    await open();
    const answer = await t.http.post('/orders', { body: MALFORMED, headers: JSON_TYPE });
    expect([answer.status, answer.body.code, answer.headers['cache-control']]).toEqual([400, undefined, undefined]);
  });

  it('a content type without a body counts for nothing: logout and its kin work', async () => {
    await open();
    const cases: [string, (id: string) => string, number][] = [
      ['POST', () => '/auth/verify', 204],
      ['POST', () => '/auth/logout', 204],
      ['POST', () => '/auth/logout-other', 200],
      ['POST', () => '/auth/logout-all', 200],
      ['DELETE', (id) => `/auth/sessions/${id}`, 204],
      ['POST', () => '/auth/admin/purge-expired', 200],
      ['DELETE', () => '/auth/admin/users/9/sessions', 200],
      ['DELETE', () => '/auth/admin/sessions?user_id=9', 200],
    ];
    for (const length of [{}, { 'content-length': '0' }] as Record<string, string>[]) {
      for (const [method, path, status] of cases) {
        const { access_token: token, session_id: id } = await t.login('admin');
        const headers = { ...JSON_TYPE, ...length };
        expect([method, path(id), (await t.http.send(method, path(id), { token, headers })).status]).toEqual([
          method,
          path(id),
          status,
        ]);
        const isEnded = /logout$|logout-all|sessions\/[^/]+$/.test(path(id));
        expect([path(id), await t.statusOf(token)]).toEqual([path(id), isEnded ? 401 : 204]);
      }
      const nothing = await t.http.post('/auth/login', { headers: { ...JSON_TYPE, ...length } });
      expect([nothing.status, nothing.body.code]).toEqual([400, 'invalid_request']);
    }
  });

  const hangUp = async (path: string) => {
    const server = t.app.getHttpServer();
    const accepted = once(server, 'connection');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"user`,
    );
    const [socket] = await accepted;
    const closed = new Promise((resolve) => void socket.once('close', resolve));
    await once(server, 'request');
    client.destroy();
    await closed;
  };

  /** Opens an application; gives the errors that it logs. */
  async function openWithLog(settings: Partial<AppSettings> = {}): Promise<unknown[]> {
    const errors: unknown[] = [];
    const logger = notingLogger((...line) => errors.push(line), 'error');
    await open({ logger, ...settings });
    return errors;
  }

  it('a client that hangs up in the middle of its body leaves no error in the log', async () => {
    const errors = await openWithLog();
    for (const path of ['/auth/login', '/auth/refresh', '/auth/logout', '/auth/introspect']) await hangUp(path);
    // On Fastify, that of a route of the application comes after those of the library would have come.
    await hangUp('/orders');
    if (platform.name === 'fastify') await eventually(() => expect(errors.length).toBeGreaterThan(0));
    await t.login();
    expect(errors).toHaveLength(platform.name === 'fastify' ? 1 : 0);
  });

  it.runIf(platform.name === 'fastify')(
    'the recipe for hang-ups leaves none of a route of the application either, and hides no other',
    async () => {
      const errors = await openWithLog({ providers: [{ provide: APP_FILTER, useClass: QuietHangUps }] });
      for (let count = 0; count < 3; count++) await hangUp('/orders');
      expect((await t.http.get('/orders/broken')).status).toBe(500);
      await eventually(() => expect(errors.length).toBeGreaterThan(0));
      expect(errors.map(([error]: any) => error.code ?? error.message ?? error)).toEqual([BROKEN]);
    },
  );
});
