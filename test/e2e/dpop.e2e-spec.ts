import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import * as dpop from 'dpop';
import {
  CurrentSession, JwtKnoxGuard, type JwtKnoxExtras, type JwtKnoxOptions, type Session, type SessionRecord, SessionRepository,
} from '../../lib'; // prettier-ignore
import { deviceBinding, type DeviceBindingOptions, RequireBound } from '../../lib/binding';
import { Connections } from '../../lib/guard/connections';
import { USUAL_TERMS } from '../../lib/sessions/channel-terms';
import { isLong } from '../support/lengths';
import { createApp, everyEnvironment, NotesController, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { DpopDevice, ORIGIN } from '../support/dpop-device';
import type { User } from '../support/users';
import { BY_OTHERS, type ProvenRequest, wrongProofs } from '../support/wrong-proofs';

@Controller('payments')
@UseGuards(JwtKnoxGuard)
class PaymentsController {
  @Post() @RequireBound() pay(@CurrentSession() session: Session) {
    return { by: session.boundKind };
  }
  @Get() list() {
    return [];
  }
}

const credentials = { username: 'alice', password: 'alice-password' };

describe.each(everyEnvironment)('sessions bound by DPoP: $title', ({ platform, kind }) => {
  let t: TestApp;
  let device: DpopDevice;
  const start = async (
    binding: DeviceBindingOptions | null = {},
    options: JwtKnoxOptions = {},
    extras: JwtKnoxExtras = {},
  ) => {
    t = await createApp(platform, kind, {
      options: { publicOrigin: ORIGIN, ...options },
      extras: { ...(binding && { features: [deviceBinding({ dbsc: 'off', ...binding })] }), ...extras },
      controllers: [NotesController, PaymentsController],
    });
    await t.users.add('alice');
    device = new DpopDevice(() => t.clock.now());
  };
  afterEach(() => t.close());

  const login = async (by = device) => {
    const headers = { dpop: by.proof('POST', '/auth/login') };
    return (await t.http.post('/auth/login', { json: credentials, headers })).body;
  };
  const notes = (token: string, by = device, claims = {}) =>
    t.http.get('/notes', { headers: by.headers('GET', '/notes', token, claims) });
  const codeOf = ({ status, body }: any) => [status, body.code];

  it('K2: binds a login to the key of its proof, and takes the token with a proof of that key alone', async () => {
    await start();
    const { token_type: type, access_token: token, session_id: id } = await login();
    expect(type).toBe('DPoP');
    expect(claimsOf(token).cnf).toEqual({ jkt: device.thumbprint });
    expect((await notes(token)).body).toMatchObject({ sessionId: id });
    expect(codeOf(await t.http.get('/notes', { token }))).toEqual([401, 'invalid_token']);
    expect(codeOf(await notes(token, new DpopDevice(() => t.clock.now())))).toEqual([401, 'invalid_token']);
    expect((await notes(token)).status).toBe(200);
  });

  describe('what a login makes of a proof', () => {
    it('binds nothing without one, and says so; a proof beside a token that is not bound is no matter', async () => {
      await start();
      const { token_type: type, access_token: token } = await t.login();
      expect(type).toBe('Bearer');
      expect(claimsOf(token)).not.toHaveProperty('cnf');
      const headers = { dpop: device.proof('GET', '/notes', { token }) };
      expect((await t.http.get('/notes', { token, headers })).status).toBe(200);
      expect(codeOf(await notes(token))).toEqual([401, 'invalid_token']);
    });

    it('refuses a wrong one before it looks at the password, and starts no session', async () => {
      await start();
      for (const password of ['alice-password', 'wrong']) {
        const headers = { dpop: device.proof('POST', '/auth/refresh') };
        const answer = await t.http.post('/auth/login', { json: { ...credentials, password }, headers });
        expect(codeOf(answer)).toEqual([401, 'invalid_dpop_proof']);
      }
      expect(t.events.map(({ name }) => name)).toEqual([
        'binding.refused',
        'login.failed',
        'binding.refused',
        'login.failed',
      ]);
      expect(await t.tokens.list('1')).toEqual([]);
    });

    it('tells events, lists and introspection of it', async () => {
      await start();
      const { access_token: token, session_id: id } = await login();
      expect(t.events.find(({ name }) => name === 'session.bound')?.event).toMatchObject({
        kind: 'dpop',
        session: { id },
      });
      const sessions = await t.http.get('/auth/sessions', { headers: device.headers('GET', '/auth/sessions', token) });
      expect(sessions.body).toMatchObject([{ id, bound: 'dpop' }]);
      expect(await t.tokens.introspect(token)).toMatchObject({ token_type: 'DPoP', cnf: { jkt: device.thumbprint } });
    });

    it.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)(
      'takes a key for %s, made by the package dpop',
      async (algorithm) => {
        await start();
        const keys = await dpop.generateKeyPair(algorithm === 'EdDSA' ? 'Ed25519' : algorithm);
        const prove = (htm: string, path: string, token?: string) =>
          dpop.generateProof(keys, ORIGIN + path, htm, undefined, token);
        const headers = { dpop: await prove('POST', '/auth/login') };
        const { body } = await t.http.post('/auth/login', { json: credentials, headers });
        expect(claimsOf(body.access_token).cnf).toEqual({ jkt: await dpop.calculateThumbprint(keys.publicKey) });
        const authorization = `DPoP ${body.access_token}`;
        const proof = await prove('GET', '/notes', body.access_token);
        expect((await t.http.get('/notes', { headers: { authorization, dpop: proof } })).status).toBe(200);
      },
    );
  });

  describe('K3: no door accepts less', () => {
    it('refresh: refused without a proof, with that of another key, and with a wrong one; the session goes on', async () => {
      await start();
      const { refresh_token, session_id: id } = await login();
      const refresh = (headers: Record<string, string> = {}) =>
        t.http.post('/auth/refresh', { json: { refresh_token }, headers });
      const stranger = new DpopDevice(() => t.clock.now());
      expect(codeOf(await refresh())).toEqual([401, 'binding_required']);
      expect(codeOf(await refresh({ dpop: stranger.proof('POST', '/auth/refresh') }))).toEqual([
        401,
        'invalid_refresh_token',
      ]);
      expect(codeOf(await refresh({ dpop: device.proof('GET', '/auth/refresh') }))).toEqual([
        401,
        'invalid_dpop_proof',
      ]);
      const good = await refresh({ dpop: device.proof('POST', '/auth/refresh') });
      expect(good.body).toMatchObject({ token_type: 'DPoP', session_id: id });
      expect(claimsOf(good.body.access_token).cnf).toEqual({ jkt: device.thumbprint });
    });

    it('a copied refresh token, used again long after, does not even end the session', async () => {
      await start();
      const { refresh_token } = await login();
      const prove = () => ({ dpop: device.proof('POST', '/auth/refresh') });
      t.clock.advance('10m');
      const { body } = await t.http.post('/auth/refresh', { json: { refresh_token }, headers: prove() });
      t.clock.advance('10m');
      const next = await t.http.post('/auth/refresh', {
        json: { refresh_token: body.refresh_token },
        headers: prove(),
      });
      t.clock.advance('10m');
      expect(codeOf(await t.http.post('/auth/refresh', { json: { refresh_token } }))).toEqual([
        401,
        'binding_required',
      ]);
      const after = await t.http.post('/auth/refresh', {
        json: { refresh_token: next.body.refresh_token },
        headers: prove(),
      });
      expect(after.status).toBe(200);
      // Control: with the proof of the device itself, a replay is one.
      const replay = await t.http.post('/auth/refresh', { json: { refresh_token }, headers: prove() });
      expect(codeOf(replay)).toEqual([401, 'refresh_token_reused']);
    });

    it('logout: by neither token without a proof', async () => {
      await start();
      const { access_token: token, refresh_token } = await login();
      expect(codeOf(await t.http.post('/auth/logout', { json: { refresh_token } }))).toEqual([401, 'binding_required']);
      expect(codeOf(await t.http.post('/auth/logout', { token }))).toEqual([401, 'invalid_token']);
      expect((await notes(token)).status).toBe(200);
      const headers = { dpop: device.proof('POST', '/auth/logout') };
      expect((await t.http.post('/auth/logout', { json: { refresh_token }, headers })).status).toBe(204);
      expect((await notes(token)).status).toBe(401);
    });

    it('reauthenticate, and the tokens from it', async () => {
      await start();
      const { access_token: token } = await login();
      const json = { password: 'alice-password' };
      expect(codeOf(await t.http.post('/auth/reauthenticate', { token, json }))).toEqual([401, 'invalid_token']);
      const { body } = await t.http.post('/auth/reauthenticate', {
        json,
        headers: device.headers('POST', '/auth/reauthenticate', token),
      });
      expect(body.token_type).toBe('DPoP');
      expect((await notes(body.access_token)).status).toBe(200);
      expect(codeOf(await t.http.get('/notes', { token: body.access_token }))).toEqual([401, 'invalid_token']);
    });

    it('host code, which has no request to show', async () => {
      await start();
      const { access_token: token, refresh_token: refresh } = await login();
      await expect(t.tokens.authenticate(token)).rejects.toMatchObject({ code: 'invalid_token' });
      await expect(t.tokens.refresh(refresh)).rejects.toMatchObject({ code: 'binding_required' });
      await expect(t.tokens.logout(null, refresh, {})).rejects.toMatchObject({ code: 'binding_required' });
    });

    it('another application on the same table, which does not know of bound sessions', async () => {
      await start();
      const { access_token: token, refresh_token } = await login();
      await t.source.query(
        'UPDATE jwt_knox_sessions SET "boundKind" = \'unheard-of\''.replaceAll('"', kind === 'mariadb' ? '`' : '"'),
      );
      expect(codeOf(await notes(token))).toEqual([401, 'binding_required']);
      const headers = { dpop: device.proof('POST', '/auth/refresh') };
      expect(codeOf(await t.http.post('/auth/refresh', { json: { refresh_token }, headers }))).toEqual([
        401,
        'binding_required',
      ]);
    });

    it('an application without deviceBinding refuses bound sessions at every door', async () => {
      await start();
      const { access_token: token, refresh_token } = await login();
      const rows: SessionRecord[] = [
        (await t.app.get(SessionRepository).findById(claimsOf(token).sid as string))!.record,
      ];
      await t.close();
      await start(null);
      for (const row of rows) await t.app.get(SessionRepository).insert(row);
      expect(codeOf(await notes(token))).toEqual([401, 'binding_required']);
      expect(codeOf(await t.http.get('/notes', { token }))).toEqual([401, 'binding_required']);
      const headers = { dpop: device.proof('POST', '/auth/refresh') };
      for (const path of ['refresh', 'logout']) {
        const answer = await t.http.post(`/auth/${path}`, { json: { refresh_token }, headers });
        expect(codeOf(answer)).toEqual([401, 'binding_required']);
      }
    });
  });

  describe('K4: a proof counts once', () => {
    it('and not for a second request, whether it was for a token or for a refresh', async () => {
      await start();
      const { access_token: token, refresh_token } = await login();
      const headers = device.headers('GET', '/notes', token);
      expect((await t.http.get('/notes', { headers })).status).toBe(200);
      expect(codeOf(await t.http.get('/notes', { headers }))).toEqual([401, 'invalid_dpop_proof']);
      const proof = { dpop: device.proof('POST', '/auth/refresh') };
      expect((await t.http.post('/auth/refresh', { json: { refresh_token }, headers: proof })).status).toBe(200);
      expect(codeOf(await t.http.post('/auth/refresh', { json: { refresh_token }, headers: proof }))).toEqual([
        401,
        'invalid_dpop_proof',
      ]);
      t.clock.advance('61s');
      expect(codeOf(await t.http.get('/notes', { headers }))).toEqual([401, 'invalid_dpop_proof']);
    });

    it('with a nonce, which another process makes as well and knows; a stale one is answered with the next', async () => {
      await start({ dpop: 'nonce' });
      const first = await t.http.post('/auth/login', {
        json: credentials,
        headers: { dpop: device.proof('POST', '/auth/login') },
      });
      expect(codeOf(first)).toEqual([401, 'use_dpop_nonce']);
      const nonce = first.headers['dpop-nonce'];
      const headers = { dpop: device.proof('POST', '/auth/login', { nonce }) };
      const { access_token: token } = (await t.http.post('/auth/login', { json: credentials, headers })).body;
      expect((await notes(token, device, { nonce })).status).toBe(200);
      t.clock.advance('40s');
      const late = await notes(token, device, { nonce });
      expect([late.status, typeof late.headers['dpop-nonce']]).toEqual([200, 'string']);
      t.clock.advance('21s');
      const stale = await notes(token, device, { nonce });
      expect(codeOf(stale)).toEqual([401, 'use_dpop_nonce']);
      expect(stale.headers['www-authenticate']).toBe(
        'DPoP realm="jwt-knox", error="use_dpop_nonce", algs="ES256 EdDSA Ed25519 RS256 PS256"',
      );
      expect((await notes(token, device, { nonce: stale.headers['dpop-nonce'] })).status).toBe(200);
      for (const forged of ['x', `${nonce}x`, 1, null])
        expect(codeOf(await notes(token, device, { nonce: forged }))).toEqual([401, 'use_dpop_nonce']);
      expect(t.events.filter(({ name }) => name === 'binding.refused')).toEqual([]);
    });
  });

  describe('policies', () => {
    it('require: nobody logs in without a proof, whatever the password, and older sessions are asked to', async () => {
      await start({ policy: 'require', dpop: 'prefer' });
      for (const password of ['alice-password', 'wrong']) {
        const answer = await t.http.post('/auth/login', { json: { ...credentials, password } });
        expect(codeOf(answer)).toEqual([401, 'binding_required']);
      }
      expect((await notes((await login()).access_token)).status).toBe(200);
    });

    it('require: sessions from before are refused, and may only log out', async () => {
      const binding = { policy: () => policy, dpop: 'prefer' as const };
      let policy: 'prefer' | 'require' = 'prefer';
      await start(binding);
      const { access_token: token, refresh_token } = await t.login();
      policy = 'require';
      expect(codeOf(await t.http.get('/notes', { token }))).toEqual([401, 'binding_required']);
      expect(codeOf(await t.http.post('/auth/refresh', { json: { refresh_token } }))).toEqual([
        401,
        'binding_required',
      ]);
      expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    });

    it('by user', async () => {
      await start({ policy: (user: User) => (user.username === 'bob' ? 'require' : 'prefer'), dpop: 'prefer' });
      await t.users.add('bob');
      expect((await t.http.get('/notes', { token: (await t.login()).access_token })).status).toBe(200);
      await expect(t.login('bob')).rejects.toThrow('binding_required');
      expect(await t.tokens.list('2')).toEqual([]);
    });

    it('@RequireBound: 401 binding_required for sessions that are not', async () => {
      await start();
      const { access_token: plain } = await t.login();
      const { access_token: bound } = await login();
      expect(codeOf(await t.http.post('/payments', { token: plain }))).toEqual([401, 'binding_required']);
      expect((await t.http.get('/payments', { token: plain })).status).toBe(200);
      const answer = await t.http.post('/payments', { headers: device.headers('POST', '/payments', bound) });
      expect(answer.body).toEqual({ by: 'dpop' });
    });
  });

  it('K2: a token for a program counts with the proof of the key that it was made for', async () => {
    await start({}, {}, { routes: { tokens: true } });
    const program = new DpopDevice(() => t.clock.now());
    const { access_token: token } = await login();
    const make = (jkt: unknown) =>
      t.http.post('/auth/tokens', {
        json: { name: 'CI', scopes: ['orders:read'], password: 'alice-password', dpop_jkt: jkt },
        headers: device.headers('POST', '/auth/tokens', token),
      });
    expect((await make('x')).status).toBe(400);
    const { status, body } = await make(program.thumbprint);
    expect(status).toBe(201);
    expect((await notes(body.token, program)).status).toBe(200);
    expect(codeOf(await t.http.get('/notes', { token: body.token }))).toEqual([401, 'invalid_token']);
    expect(codeOf(await notes(body.token, device))).toEqual([401, 'invalid_token']);
  });

  it('K3: what opens a connection needs the proof too, and one that was opened is not kept open without', async () => {
    await start();
    const { access_token: token, session_id: id } = await login();
    const open = (headers: Record<string, string>, tokens: unknown[] = []) =>
      t.app.get(Connections).open({ request: { headers, url: '/socket' }, tokens }, USUAL_TERMS, () => undefined);
    await expect(open({}, [token])).rejects.toMatchObject({ code: 'invalid_token' });
    await expect(open({ authorization: `Bearer ${token}` })).rejects.toMatchObject({ code: 'invalid_token' });
    await expect(open({ authorization: `DPoP ${token}` })).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
    const connection = await open(device.headers('GET', '/socket', token));
    expect(connection.session).toMatchObject({ id, boundKind: 'dpop' });
    await expect(connection.renew(token)).rejects.toMatchObject({ code: 'invalid_token' });
    connection.leave();
  });

  it('K2: an impersonation is bound to the key of who acts', async () => {
    await start();
    const { session_id: actor } = await login();
    const bob = await t.users.add('bob');
    const session = (await t.tokens.list('1')).find(({ id }) => id === actor)!;
    const { accessToken } = await t.tokens.impersonate(session, bob, { reason: 'Ticket 4711' });
    expect((await notes(accessToken)).body).toMatchObject({ username: 'bob' });
    expect(codeOf(await t.http.get('/notes', { token: accessToken }))).toEqual([401, 'invalid_token']);
  });

  it('says what is wrong with its options, and what the module lacks', async () => {
    expect(() => deviceBinding({ dbsc: 'off', dpop: 'off' })).toThrow('both are off');
    expect(() => deviceBinding({ dbsc: 'off', enforceFrom: 'registration' })).toThrow('enforceFrom: is about');
    expect(() => deviceBinding({ policy: 'must' as never, other: 1 } as never)).toThrow(
      /other: no such option.*policy: must be/s,
    );
    const withoutOrigin = createApp(platform, kind, { extras: { features: [deviceBinding()] } });
    await expect(withoutOrigin).rejects.toThrow('set publicOrigin');
    t = await createApp(platform, kind);
  });

  it('htu is compared as RFC 9449 says: without query and fragment, escapes alike', async () => {
    await start();
    const { access_token: token } = await login();
    const ask = (path: string, htu: string) =>
      t.http.get(path, { headers: device.headers('GET', '/notes', token, { htu }) });
    for (const htu of ['/notes', '/notes?a=1', '/notes#x', '/%6eotes', '/x/../notes'])
      expect([htu, (await ask('/notes?b=2', ORIGIN + htu)).status]).toEqual([htu, 200]);
    const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', host: 'evil.example' };
    const headers = { ...device.headers('GET', '/notes', token, { htu: 'https://evil.example/notes' }), ...forwarded };
    expect(codeOf(await t.http.get('/notes', { headers }))).toEqual([401, 'invalid_dpop_proof']);
  });

  const every = 'refuses every wrong proof at every route that takes one: none accepted, no 5xx, no session ended';
  it(every, { timeout: 600_000 }, async () => {
    await start({}, {}, { routes: { tokens: true } });
    const { access_token: token, refresh_token } = await login();
    const json = { refresh_token };
    const password = 'alice-password';
    const routes: (ProvenRequest & { json?: object })[] = [
      { method: 'POST', path: '/auth/login', json: credentials },
      { method: 'POST', path: '/auth/refresh', json },
      { method: 'POST', path: '/auth/logout', json },
      { method: 'POST', path: '/auth/logout', token },
      { method: 'GET', path: '/notes', token },
      { method: 'GET', path: '/notes/greeting', token },
      { method: 'GET', path: '/auth/session', token },
      { method: 'POST', path: '/auth/reauthenticate', token, json: { password } },
      { method: 'POST', path: '/auth/logout-all', token },
      { method: 'POST', path: '/auth/tokens', token, json: { name: 'CI', scopes: ['a'], password } },
    ];
    const nth = kind === 'sqlite' && (platform.name === 'fastify' || isLong()) ? 1 : 10;
    const answers = { sent: 0, accepted: [] as string[], others: [] as unknown[] };
    for (const route of routes) {
      // What a proof says meets no database: each tenth will do on a server's, and in short runs on the other adapter.
      const wrong = wrongProofs(device, route, t.clock.now()).filter((_, index) => index % nth === 0);
      for (const { what, dpop: proof } of wrong) {
        // A login without a proof is an ordinary one, and one by another key is bound to that.
        if (route.path === '/auth/login' && (proof === undefined || BY_OTHERS.includes(what))) continue;
        const headers = {
          ...(route.token !== undefined && { authorization: `DPoP ${route.token}` }),
          ...(proof !== undefined && { dpop: proof }),
        };
        const {
          status,
          body,
          headers: said,
        } = await t.http.send(route.method, route.path, { json: route.json, headers });
        answers.sent++;
        if (status < 400) answers.accepted.push(`${route.path}: ${what}`);
        const challenge = /^DPoP realm="jwt-knox", error="(\w+)", algs="ES256 EdDSA Ed25519 RS256 PS256"$/.exec(
          String(said['www-authenticate']),
        );
        if (status !== 401 || (challenge?.[1] !== body.code && challenge?.[1] !== 'invalid_token'))
          answers.others.push([route.path, what, status, body, said['www-authenticate']]);
      }
    }
    expect(answers.accepted).toEqual([]);
    expect(answers.others).toEqual([]);
    expect(answers.sent).toBeGreaterThan(2_000 / nth);
    expect((await t.tokens.list('1')).length).toBe(1);
    expect((await notes(token)).status).toBe(200);
    const headers = { dpop: device.proof('POST', '/auth/refresh') };
    expect((await t.http.post('/auth/refresh', { json, headers })).status).toBe(200);
  });
});
