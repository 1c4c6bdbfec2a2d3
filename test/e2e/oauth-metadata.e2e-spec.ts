import type { INestApplication } from '@nestjs/common';
import { VersioningType } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxModule } from '../../lib';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { ISSUER, oauthOptions, postForm } from '../support/oauth';
import { notingLogger } from '../support/noting-logger';

const PATH = '/.well-known/oauth-authorization-server';

describe.each(everyEnvironment)('the metadata: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  const start = async (issuer = ISSUER, settings: AppSettings = {}) => {
    t = await createApp(platform, kind, {
      options: { ...oauthOptions, issuer },
      extras: { routes: { oauth: true } },
      ...settings,
    });
  };
  const endpoints = async (path = PATH) => {
    const { body } = await t.http.get(path);
    return [body.introspection_endpoint, body.revocation_endpoint, body.jwks_uri];
  };

  it('say what there is, and nothing that there is not', async () => {
    await start(ISSUER, { extras: { routes: { oauth: true, jwks: true } } });
    const answer = await t.http.get(PATH);
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'public, max-age=300']);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.body).toEqual({
      issuer: ISSUER,
      response_types_supported: [],
      grant_types_supported: [],
      introspection_endpoint: `${ISSUER}/auth/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
      revocation_endpoint: `${ISSUER}/auth/revoke`,
      revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
      jwks_uri: `${ISSUER}/.well-known/jwks.json`,
    });
  });

  it('leave the public keys out when they are not shown', async () => {
    await start();
    expect((await t.http.get(PATH)).body).not.toHaveProperty('jwks_uri');
  });

  it.each([
    ['http://localhost:3000', '', 'http://localhost:3000'],
    ['https://auth.example.com/', '', 'https://auth.example.com'],
    ['https://auth.example.com/tenant', '/tenant', 'https://auth.example.com'],
    ['https://auth.example.com:8443/tenant/', '/tenant', 'https://auth.example.com:8443'],
    ['https://auth.example.com/a/b/c/d', '/a/b/c/d', 'https://auth.example.com'],
  ])('of the issuer %s are at its own path, and nowhere else', async (issuer, path, origin) => {
    await start(issuer);
    const answer = await t.http.get(`${PATH}${path}?x=1`);
    expect([answer.status, answer.body.issuer]).toEqual([200, issuer]);
    expect(answer.body.introspection_endpoint).toBe(`${origin}/auth/introspect`);
    for (const other of ['', '/other', '/tenant/other', '/a/b', '/a/b/c/d/e', '/a%2Fb'].filter((one) => one !== path)) {
      expect([other, (await t.http.get(PATH + other)).status]).toEqual([other, 404]);
    }
  });

  it.each([
    ['', '/introspect'],
    ['/auth/', '/auth/introspect'],
    ['api/v1/auth', '/api/v1/auth/introspect'],
  ])('name the endpoints where they are: prefix %j', async (prefix, path) => {
    await start(ISSUER, { extras: { routes: { oauth: true, prefix } } });
    expect((await endpoints())[0]).toBe(ISSUER + path);
    expect((await postForm(t.http, path, { token: 'x' })).text).toBe('{"active":false}');
  });

  it.each([
    ['with the global prefix', ['.well-known/{*path}'], '/api/auth'],
    ['without a global prefix that they are excluded from', ['.well-known/{*path}', 'auth/{*path}'], '/auth'],
  ])('name the endpoints %s', async (_title, exclude, base) => {
    const prepare = (app: INestApplication) => void app.setGlobalPrefix('api', { exclude });
    await start(ISSUER, { prepare, extras: { routes: { oauth: true, jwks: true } } });
    expect(await endpoints()).toEqual([
      `${ISSUER}${base}/introspect`,
      `${ISSUER}${base}/revoke`,
      `${ISSUER}/.well-known/jwks.json`,
    ]);
    for (const name of ['introspect', 'revoke']) {
      expect((await postForm(t.http, `${base}/${name}`, { token: 'x' })).status).toBe(200);
    }
    expect((await t.http.get('/.well-known/jwks.json')).status).toBe(200);
  });

  it.each([
    ['alone', () => undefined, ''],
    ['below the global prefix', (app: INestApplication) => void app.setGlobalPrefix('v0'), '/v0'],
  ])(
    'name the endpoints below the path of RouterModule, %s, and the start says what that moves',
    async (_title, prepare, base) => {
      const errors: string[] = [];
      const logger = notingLogger((line) => errors.push(String(line)), 'error');
      await start(ISSUER, {
        prepare,
        logger,
        imports: [RouterModule.register([{ path: 'api', module: JwtKnoxModule }])],
        extras: { routes: { oauth: true, jwks: true } },
      });
      const moved = `${base}/api/.well-known`;
      expect(await endpoints(`${moved}/oauth-authorization-server`)).toEqual([
        `${ISSUER}${base}/api/auth/introspect`,
        `${ISSUER}${base}/api/auth/revoke`,
        `${ISSUER}${moved}/jwks.json`,
      ]);
      for (const name of ['introspect', 'revoke']) {
        expect((await postForm(t.http, `${base}/api/auth/${name}`, { token: 'x' })).status).toBe(200);
      }
      expect((await t.http.get(`${moved}/jwks.json`)).status).toBe(200);
      const told = errors.filter((line) => line.includes('where no client looks for it'));
      expect(told).toEqual(
        ['jwks.json', 'oauth-authorization-server']
          .map(
            (name) =>
              `/.well-known/${name} is served at ${moved}/${name}, where no client looks for it: leave JwtKnoxModule out of ` +
              "RouterModule, and write its path in routes.prefix, such as 'api/auth'.",
          )
          .map((line) => expect.stringContaining(line))
          .toReversed(),
      );
    },
  );

  it('name the endpoints of an application with versions in its paths: these have none', async () => {
    await start(ISSUER, {
      prepare: (app) => void app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    });
    expect((await endpoints())[0]).toBe(`${ISSUER}/auth/introspect`);
    expect((await postForm(t.http, '/auth/introspect', { token: 'x' })).status).toBe(200);
  });
});
