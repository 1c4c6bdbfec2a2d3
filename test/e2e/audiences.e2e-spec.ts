import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BearerTransport, type IssueOverrides, type JwtKnoxOptions } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { InMemorySessionRepository } from '../../lib/testing';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { configuredKeys, forge, rightful } from '../support/forge';
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
  const row = (id = tokens.session_id) => t.source.getRepository(JwtKnoxSession).findOneBy({ id });

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
      ['PATCH', '/auth/sessions/:id'],
      ['GET', '/auth/admin/statistics'],
      ['POST', '/auth/admin/purge-expired'],
      ['GET', '/auth/admin/users/1/sessions'],
      ['DELETE', '/auth/admin/users/1/sessions'],
      ['GET', '/notes'],
    ];
    const send = (method: string, path: string, token: string) =>
      t.http.send(method, path.replace(':id', tokens.session_id), {
        token,
        ...(method === 'PATCH' && { json: { device_name: 'Phone' } }),
      });

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

  describe('of a session that was issued for less', () => {
    const issueTokens = async (audience: unknown) =>
      t.tokens.issue(await t.users.rows.findOneByOrFail({ username: 'alice' }), {}, { audience } as IssueOverrides);
    const issue = async (audience: unknown) => {
      const { accessToken, refreshToken, session } = await issueTokens(audience);
      return { access: accessToken, refresh: refreshToken!, id: session.id };
    };
    const audOf = (answer: Answer) => claimsOf(answer.body.access_token).aud;

    it.each([
      ['one', 'billing', 'billing', 'billing'],
      ['a list of one', ['billing'], 'billing', 'billing'],
      ['two, in any order', ['reports', 'billing'], ['billing', 'reports'], 'billing reports'],
      ['all of them', AUDIENCES, AUDIENCES, 'api billing reports'],
    ])('are %s, in every token, and the row keeps them', async (_title, audience, aud, stored) => {
      await start();
      const issued = await issue(audience);
      expect(claimsOf(issued.access)).toMatchObject({ aud, client_id: ISSUER });
      expect((await row(issued.id))!.audience).toBe(stored);
      for (let token = issued.refresh, round = 0; round < 3; round++) {
        const answer = await refresh(undefined, token);
        expect(audOf(answer)).toEqual(aud);
        token = answer.body.refresh_token;
        t.clock.advance('1m');
      }
      // Control: a session that nobody narrowed carries all, and its row says so.
      expect((await row())!.audience).toBeNull();
    });

    it('a refresh narrows further, and never widens', async () => {
      await start();
      const issued = await issue(['billing', 'reports']);
      expect(audOf(await refresh('reports', issued.refresh))).toBe('reports');
      for (const resource of ['api', ['billing', 'api'], AUDIENCES]) {
        expect((await refresh(resource, issued.refresh)).body.code).toBe('invalid_target');
      }
      expect(audOf(await refresh(undefined, issued.refresh))).toEqual(['billing', 'reports']);
    });

    it('S5: opens nothing at the issuer, and its refresh token ends it', async () => {
      await start();
      const issued = await issue('billing');
      expect(await t.statusOf(issued.access)).toBe(401);
      const json = { refresh_token: issued.refresh };
      expect((await t.http.post('/auth/logout', { json })).status).toBe(204);
      expect(await row(issued.id)).toBeNull();
    });

    it('S2: with the signing key leaked, its token is not widened: the row says what it is for', async () => {
      await start({ keys: configuredKeys });
      const issued = await issue(['billing', 'reports']);
      for (const aud of ['api', ['billing', 'api'], AUDIENCES]) {
        const forged = forge(issued.access, rightful.rsa, { payload: { aud } });
        t.events.length = 0;
        expect(await t.statusOf(forged)).toBe(401);
        expect(t.events[0]!.event).toMatchObject({ reason: 'audience', sessionId: issued.id });
        expect((await postForm(t.http, '/auth/introspect', { token: forged })).text).toBe('{"active":false}');
      }
      // Controls: forged with nothing gained, and for a session that is for all.
      const same = forge(issued.access, rightful.rsa, { payload: { aud: 'reports' } });
      expect((await postForm(t.http, '/auth/introspect', { token: same })).body.active).toBe(true);
      expect(await t.statusOf(forge(await narrowed('billing'), rightful.rsa, { payload: { aud: 'api' } }))).toBe(204);
    });

    it.each([
      ['an unknown one', 'elsewhere', /issue: audience .*api, billing, reports/],
      ['one too many', ['billing', 'elsewhere'], /issue: audience .*api, billing, reports/],
      ['none', [], /issue: audience .*api, billing, reports/],
      ['an empty one', '', /issue: audience .*api, billing, reports/],
      ['no text', 7, /issue: audience .*api, billing, reports/],
      ['a list of no text', [['billing']], /issue: audience .*api, billing, reports/],
      ['null', null, /issue: audience .*api, billing, reports/],
    ])('is refused for %s, with the remedy, and leaves no session behind', async (_title, audience, message) => {
      await start();
      await expect(issueTokens(audience)).rejects.toThrow(message);
      await expect(issueTokens(audience)).rejects.toBeInstanceOf(TypeError);
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(1);
    });

    it('is refused for what a row cannot keep', async () => {
      await start({ audience: ['an api', 'x'.repeat(513), 'y'.repeat(512)] });
      await expect(issueTokens('an api')).rejects.toThrow(/issue: audience .*white space.*rename/);
      await expect(issueTokens('x'.repeat(513))).rejects.toThrow(/issue: audience .*512 characters.*shorter/);
      const { id } = await issue('y'.repeat(512));
      expect((await row(id))!.audience).toBe('y'.repeat(512));
    });

    it('is refused where no audience is configured', async () => {
      await start({ audience: undefined });
      await expect(issueTokens('billing')).rejects.toThrow(/issue: audience .*option audience/);
    });

    it('in single-token mode, the one token is for that', async () => {
      await start({ refreshToken: false });
      const { access, id } = await issue('billing');
      expect([claimsOf(access).aud, await t.statusOf(access)]).toEqual(['billing', 401]);
      expect((await row(id))!.audience).toBe('billing');
    });
  });

  it('follow the configuration: new ones are for sessions that are for all, gone ones for none', async () => {
    const repository = new InMemorySessionRepository();
    const storage = { useFactory: () => repository };
    const withAudiences = async (audience: string[]) => {
      t = await createApp(platform, kind, { options: { issuer: ISSUER, audience }, extras: { storage } });
      return t.users.add('alice');
    };
    const user = await withAudiences(AUDIENCES);
    const [all, two, one] = [
      await t.tokens.issue(user),
      await t.tokens.issue(user, {}, { audience: ['billing', 'reports'] }),
      await t.tokens.issue(user, {}, { audience: 'reports' }),
    ];
    await t.close();
    await withAudiences(['api', 'billing', 'search']);
    const next = async ({ refreshToken }: { refreshToken: string | undefined }) => {
      const { status, body } = await refresh(undefined, refreshToken);
      return status === 200 ? claimsOf(body.access_token).aud : body.code;
    };
    expect(await next(all)).toEqual(['api', 'billing', 'search']);
    expect(await next(two)).toBe('billing');
    expect(await next(one)).toBe('invalid_target');
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

    it('S2: a token that is widened with the signing key counts only where the row is not asked', async () => {
      const reports = await t.service(mode, { audience: 'reports' });
      const user = await t.issuer.users.rows.findOneByOrFail({ username: 'alice' });
      const { accessToken } = await t.issuer.tokens.issue(user, {}, { audience: 'billing' });
      const forged = forge(accessToken, rightful.rsa, { payload: { aud: ['billing', 'reports'] } });
      expect((await reports.http.get('/notes', { token: forged })).status).toBe(mode === 'jwks' ? 200 : 401);
    });
  });
});
