import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BearerTransport, type JwtKnoxOptions, KnoxSession } from '../../lib';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import type { Answer } from '../support/http-client';
import { clients, ISSUER, postForm } from '../support/oauth';
import { createLandscape, type Landscape, MODES } from '../support/verified-services';

/** The first is the issuer's own, unless it is said otherwise. */
const AUDIENCES = ['api', 'billing', 'reports'];

describe.each(environments)('audiences: $title', ({ platform, kind }) => {
  let t: TestApp;
  let tokens: any;
  afterEach(() => t.close());

  async function start(options: JwtKnoxOptions = {}): Promise<void> {
    t = await createApp(platform, kind, {
      options: { issuer: ISSUER, audience: AUDIENCES, clients, ...options },
      extras: { routes: { admin: true, debug: true, oauth: true } },
    });
    await t.users.add('alice', { isAdmin: true });
    tokens = await t.login();
  }
  const refresh = (resource?: unknown, token = tokens.refresh_token): Promise<Answer> =>
    t.http.post('/auth/refresh', { json: { refresh_token: token, resource } });
  const narrowed = async (resource: unknown): Promise<string> => (await refresh(resource)).body.access_token;
  const row = (id = tokens.session_id) => t.source.getRepository(KnoxSession).findOneBy({ id });

  it('an access token carries all of them unless less is asked for', async () => {
    await start();
    expect(claimsOf(tokens.access_token).aud).toEqual(AUDIENCES);
    expect(claimsOf((await refresh()).body.access_token).aud).toEqual(AUDIENCES);
    expect(claimsOf((await refresh(null)).body.access_token).aud).toEqual(AUDIENCES);
  });

  it.each([
    ['one, as text', 'billing', 'billing'],
    ['one, in a list', ['billing'], 'billing'],
    ['two', ['reports', 'billing'], ['billing', 'reports']],
    ['one, twice', ['billing', 'billing'], 'billing'],
    ['all', AUDIENCES, AUDIENCES],
  ])('a refresh narrows the access token to %s', async (_title, resource, aud) => {
    await start();
    const { status, body } = await refresh(resource);
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({ aud, iss: ISSUER, client_id: ISSUER, sid: tokens.session_id });
    expect(claimsOf(body.refresh_token).aud).toBe(ISSUER);
    // Only that one token: the session may what it might before.
    const next = (await refresh(undefined, body.refresh_token)).body;
    expect(claimsOf(next.access_token).aud).toEqual(AUDIENCES);
  });

  it('tabs that refresh at once for different services get the same refresh token', async () => {
    await start();
    const [one, other] = [(await refresh('billing')).body, (await refresh('reports')).body];
    expect([one, other].map((body) => claimsOf(body.access_token).aud)).toEqual(['billing', 'reports']);
    const keys = [one, other].map((body) => claimsOf(body.refresh_token).token_key);
    expect(keys[0]).toBe(keys[1]);
  });

  it.each([
    ['an unknown one', 'https://elsewhere.example'],
    ['one of several', ['billing', 'elsewhere']],
    ['the issuer', ISSUER],
    ['nothing', ''],
    ['another spelling', 'Billing'],
    ['two in one text', 'billing reports'],
    ['a member of every object', '__proto__'],
  ])('a refresh for %s is refused in the words of RFC 8707, and uses nothing up', async (_title, resource) => {
    await start();
    const before = await row();
    const answer = await refresh(resource);
    const { message } = answer.body;
    expect([answer.status, answer.body]).toEqual([
      400,
      { statusCode: 400, error: 'invalid_target', code: 'invalid_target', message, error_description: message },
    ]);
    expect(answer.text).not.toContain('elsewhere');
    expect(await row()).toEqual(before);
    expect(t.events.some(({ name }) => name === 'session.refreshed')).toBe(false);
    // Control: the same token, for what it may.
    expect((await refresh('billing')).status).toBe(200);
  });

  it.each([7, true, {}, [], [7], [null], [['billing']], [{}], { billing: 1 }])(
    'S10: a resource that is %j is a 400, and uses nothing up',
    async (resource) => {
      await start();
      const before = await row();
      const answer = await refresh(resource);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      expect(await row()).toEqual(before);
    },
  );

  it('a resource that may not be does not swallow the alarm of a replay', async () => {
    await start();
    const second = (await refresh()).body.refresh_token;
    t.clock.advance('11s');
    await refresh(undefined, second);
    t.clock.advance('11s');
    expect((await refresh('elsewhere')).body.code).toBe('refresh_token_reused');
    expect(await row()).toBeNull();
  });

  it('without audiences there is nothing to ask for', async () => {
    await start({ audience: undefined });
    expect((await refresh('billing')).body.code).toBe('invalid_target');
    expect(claimsOf((await refresh()).body.access_token)).not.toHaveProperty('aud');
  });

  it('a transport of the host reads the refresh token, and the body the resource', async () => {
    class HeaderTransport extends BearerTransport {
      override readRefresh(request: any): string | null {
        return request.headers['x-refresh'] ?? null;
      }
    }
    await start({ transport: new HeaderTransport() });
    const headers = { 'x-refresh': tokens.refresh_token };
    const send = (json?: unknown) => t.http.post('/auth/refresh', { json, headers });
    expect(claimsOf((await send({ resource: 'billing' })).body.access_token).aud).toBe('billing');
    expect(claimsOf((await send()).body.access_token).aud).toEqual(AUDIENCES);
  });

  it('host code has the same: TokenService.refresh', async () => {
    await start();
    const narrow = await t.tokens.refresh(tokens.refresh_token, {}, { resource: 'billing' });
    expect(claimsOf(narrow.accessToken).aud).toBe('billing');
    await expect(t.tokens.refresh(narrow.refreshToken!, {}, { resource: ['elsewhere'] })).rejects.toMatchObject({
      code: 'invalid_target',
      status: 400,
    });
  });

  describe('the issuer itself', () => {
    const ROUTES: [string, string][] = [
      ['GET', '/auth/verify'],
      ['POST', '/auth/verify'],
      ['GET', '/auth/debug-verify'],
      ['POST', '/auth/logout'],
      ['POST', '/auth/logout-other'],
      ['POST', '/auth/logout-all'],
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions/:id'],
      ['GET', '/auth/admin/statistics'],
      ['POST', '/auth/admin/purge-expired'],
      ['GET', '/auth/admin/users/1/sessions'],
      ['DELETE', '/auth/admin/users/1/sessions'],
      ['GET', '/notes'],
    ];
    const send = (method: string, path: string, token: string) =>
      t.http.send(method, path.replace(':id', tokens.session_id), { token });

    it.each(ROUTES)('S5: %s %s is closed to a token for another service', async (method, path) => {
      await start();
      const forBilling = await narrowed('billing');
      t.events.length = 0;
      const answer = await send(method, path, forBilling);
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
      expect(await row()).toBeTruthy();
      expect(t.events).toEqual([
        { name: 'authentication.rejected', event: expect.objectContaining({ reason: 'audience' }) },
      ]);
      // Control: the same route, with a token for the issuer, or for both.
      expect((await send(method, path, await narrowed(['billing', 'api']))).status).toBeLessThan(300);
    });

    it('S5: nor does host code take it: TokenService.authenticate', async () => {
      await start();
      const forBilling = await narrowed('billing');
      await expect(t.tokens.authenticate(forBilling)).rejects.toMatchObject({ reason: 'audience' });
      expect((await t.tokens.authenticate(await narrowed('api'))).session.id).toBe(tokens.session_id);
    });

    it('S5: its own audience is the one that it says', async () => {
      await start({ ownAudience: 'reports' });
      const statuses = [];
      for (const one of AUDIENCES) statuses.push(await t.statusOf(await narrowed(one)));
      expect(statuses).toEqual([401, 401, 204]);
      expect(await t.statusOf(tokens.access_token)).toBe(204);
    });

    it('may answer to several', async () => {
      await start({ ownAudience: ['reports', 'api'] });
      const statuses = [];
      for (const one of AUDIENCES) statuses.push(await t.statusOf(await narrowed(one)));
      expect(statuses).toEqual([204, 401, 204]);
    });

    it('ends the session of a narrowed token by its refresh token, whatever access token comes with it', async () => {
      await start();
      const { access_token: token, refresh_token: refreshToken } = (await refresh('billing')).body;
      const answer = await t.http.post('/auth/logout', { token, json: { refresh_token: refreshToken } });
      expect(answer.status).toBe(204);
      expect(await row()).toBeNull();
    });

    it('tells clients about a token for whichever service, with the audience that it has', async () => {
      await start();
      for (const aud of ['billing', ['billing', 'reports'], 'api']) {
        const token = await narrowed(aud);
        const { body } = await postForm(t.http, '/auth/introspect', { token });
        expect(body).toMatchObject({ active: true, aud, client_id: ISSUER, sid: tokens.session_id });
        expect(await t.tokens.introspect(token)).toEqual(body);
      }
    });

    it('ends the session of such a token for a client that may', async () => {
      await start();
      expect((await postForm(t.http, '/auth/revoke', { token: await narrowed('billing') })).status).toBe(200);
      expect(await row()).toBeNull();
    });
  });
});

describe.each(environments)('audiences, at other services: $title', ({ platform, kind }) => {
  let t: Landscape;
  beforeAll(async () => {
    t = await createLandscape(platform, kind, { audience: AUDIENCES });
    await t.issuer.users.add('alice');
  });
  afterAll(() => t?.close());

  describe.each(MODES)('mode %s', (mode) => {
    it('S5: a token for one service is worth nothing at another, and at the issuer', async () => {
      const billing = await t.service(mode, { audience: 'billing' });
      const reports = await t.service(mode, { audience: 'reports' });
      const login = await t.issuer.login();
      const statuses = async (token: string) => [
        (await billing.http.get('/notes', { token })).status,
        (await reports.http.get('/notes', { token })).status,
        await t.issuer.statusOf(token),
      ];
      expect(await statuses(login.access_token)).toEqual([200, 200, 204]);
      const json = { refresh_token: login.refresh_token, resource: 'billing' };
      const { access_token: forBilling } = (await t.issuer.http.post('/auth/refresh', { json })).body;
      const asked = t.gate.requests.length;
      expect(await statuses(forBilling)).toEqual([200, 401, 401]);
      // Refused without asking the issuer: only billing asked.
      expect(t.gate.requests.length - asked).toBeLessThanOrEqual(1);
      expect(reports.rejections.map(({ reason }) => reason)).toEqual(['audience']);
    });
  });
});
