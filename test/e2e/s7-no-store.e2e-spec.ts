import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import type { Answer, Options } from '../support/http-client';
import { FORM, GATEWAY, oauthOptions } from '../support/oauth';

const AS_CLIENT = { authorization: GATEWAY, 'content-type': FORM };
const AS_NOBODY = { 'content-type': FORM };
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const ROUTES = { admin: true, oauth: true, jwks: true, debug: true };

const cases = everyEnvironment.flatMap((environment) =>
  (['manual', 'global'] as const).map((guard) => ({
    ...environment,
    guard,
    title: `${environment.title}, ${guard} guard`,
  })),
);

describe.each(cases)('S7: what caches may keep: $title', ({ platform, kind, guard }) => {
  let t: TestApp;
  let token: string;
  let admin: string;
  let refresh: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      options: oauthOptions,
      extras: { routes: ROUTES, guard },
    });
    await t.users.add('alice');
    await t.users.add('admin', { isAdmin: true });
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    ({ access_token: token, refresh_token: refresh } = await t.login());
    admin = (await t.login('admin')).access_token;
  });

  type Request = [status: number, method: string, path: string, options?: Options];

  const expectEach = async (requests: Request[], check: (answer: Answer, title: string) => void) => {
    for (const [status, method, path, options] of requests) {
      const answer = await t.http.send(method, path, options);
      expect([method, path, answer.status]).toEqual([method, path, status]);
      check(answer, `${method} ${path}`);
    }
  };
  const notStored = (answer: Answer, title: string) =>
    expect([title, answer.headers['cache-control']]).toEqual([title, 'no-store']);

  it('S7: no answer of the library, good or bad, is stored', async () => {
    const good = { username: 'alice', password: 'alice-password' };
    await expectEach(
      [
        [200, 'POST', '/auth/login', { json: good }],
        [401, 'POST', '/auth/login', { json: { ...good, password: 'wrong' } }],
        [400, 'POST', '/auth/login', { json: {} }],
        [415, 'POST', '/auth/login', { body: 'x', headers: AS_NOBODY }],
        [200, 'POST', '/auth/refresh', { json: { refresh_token: refresh } }],
        [401, 'POST', '/auth/refresh', { json: { refresh_token: token } }],
        [400, 'POST', '/auth/refresh', { json: {} }],
        [204, 'GET', '/auth/verify', { token }],
        [204, 'HEAD', '/auth/verify', { token }],
        [204, 'POST', '/auth/verify', { token }],
        [401, 'GET', '/auth/verify'],
        [401, 'GET', '/auth/verify', { token: refresh }],
        [400, 'GET', '/auth/verify', { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } }],
        [200, 'GET', '/auth/sessions', { token }],
        [400, 'GET', '/auth/sessions?limit=0', { token }],
        [401, 'GET', '/auth/sessions'],
        [404, 'DELETE', `/auth/sessions/${UNKNOWN}`, { token }],
        [404, 'PATCH', `/auth/sessions/${UNKNOWN}`, { token, json: { device_name: 'Phone' } }],
        [400, 'PATCH', `/auth/sessions/${UNKNOWN}`, { token }],
        [200, 'GET', '/auth/debug-verify', { token }],
        [401, 'GET', '/auth/debug-verify'],
        [200, 'GET', '/auth/admin/statistics', { token: admin }],
        [200, 'GET', '/auth/admin/users/1/sessions', { token: admin }],
        [200, 'POST', '/auth/admin/purge-expired', { token: admin }],
        [200, 'DELETE', '/auth/admin/users/999/sessions', { token: admin }],
        [403, 'GET', '/auth/admin/statistics', { token }],
        [401, 'GET', '/auth/admin/statistics'],
        [200, 'POST', '/auth/introspect', { body: `token=${token}`, headers: AS_CLIENT }],
        [400, 'POST', '/auth/introspect', { body: '', headers: AS_CLIENT }],
        [401, 'POST', '/auth/introspect', { body: `token=${token}`, headers: AS_NOBODY }],
        [
          400,
          'POST',
          '/auth/introspect',
          { body: 'token=x', headers: { ...AS_NOBODY, authorization: [GATEWAY, GATEWAY] } },
        ],
        [200, 'POST', '/auth/revoke', { body: 'token=x', headers: AS_CLIENT }],
        [401, 'POST', '/auth/revoke', { body: 'token=x', headers: AS_NOBODY }],
        [200, 'POST', '/auth/logout-other', { token }],
        [200, 'POST', '/auth/logout-all', { token }],
        [401, 'POST', '/auth/logout-all', { token }],
        [204, 'POST', '/auth/logout', { token: admin }],
        [401, 'POST', '/auth/logout'],
      ],
      notStored,
    );
  });

  it('S7: token responses, introspections and revocations say so to HTTP/1.0 too', async () => {
    const json = { username: 'alice', password: 'alice-password' };
    await expectEach(
      [
        [200, 'POST', '/auth/login', { json }],
        [200, 'POST', '/auth/refresh', { json: { refresh_token: refresh } }],
        [200, 'POST', '/auth/introspect', { body: 'token=x', headers: AS_CLIENT }],
        [200, 'POST', '/auth/revoke', { body: 'token=x', headers: AS_CLIENT }],
      ],
      ({ headers }, title) => expect([title, headers.pragma]).toEqual([title, 'no-cache']),
    );
  });

  it("S7: nor is a refusal of the guard on a host's own route, whose answers are the host's", async () => {
    await expectEach(
      [
        [401, 'GET', '/notes'],
        [401, 'GET', '/notes', { token: 'junk' }],
        [400, 'GET', '/notes', { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } }],
      ],
      notStored,
    );
    await expectEach(
      [
        [200, 'GET', '/notes', { token }],
        [200, 'GET', '/notes/about'],
        [200, 'GET', '/notes/greeting'],
      ],
      ({ headers }) => expect(headers).not.toHaveProperty('cache-control'),
    );
  });

  it('S7: public keys and metadata may be kept', async () => {
    await expectEach(
      [
        [200, 'GET', '/.well-known/jwks.json'],
        [200, 'GET', '/.well-known/oauth-authorization-server'],
      ],
      ({ headers }, title) =>
        expect([title, headers['cache-control']]).toEqual([title, expect.stringMatching(/^public, max-age=/)]),
    );
  });
});

describe.each(everyEnvironment)('S7: what caches may keep of a failure: $title', ({ platform, kind }) => {
  it('S7: a 503 is not stored', async () => {
    const t = await createApp(platform, kind);
    try {
      await t.users.add('alice');
      const { access_token: token, refresh_token: refresh } = await t.login();
      await t.source.destroy();
      for (const answer of [
        await t.http.get('/auth/verify', { token }),
        await t.http.get('/notes', { token }),
        await t.http.post('/auth/logout', { token }),
        await t.http.post('/auth/refresh', { json: { refresh_token: refresh } }),
      ]) {
        expect([answer.status, answer.headers['cache-control'], answer.headers['retry-after']]).toEqual([
          503,
          'no-store',
          '1',
        ]);
      }
    } finally {
      await t.close();
    }
  });
});
