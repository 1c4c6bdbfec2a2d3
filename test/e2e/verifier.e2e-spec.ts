import { Controller, Get, Module, Req, UseGuards } from '@nestjs/common';
import passport from 'passport';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { JwtKnoxGuard, JwtKnoxStrategy, type RejectionReason } from '../../lib';
import { JwtKnoxVerifierModule } from '../../lib/verifier';
import { createApp, environments, NotesController } from '../support/create-app';
import type { VerifierApp } from '../support/create-verifier';
import { decode, forge, headers, rightful } from '../support/forge';
import { type Booty, FORGERIES } from '../support/forgeries';
import { TestUsers, User, UsersModule } from '../support/users';
import {
  AUDIENCE,
  createLandscape,
  ISSUER,
  type Landscape,
  MODES,
  type VerifierMode,
} from '../support/verified-services';

const CHALLENGE = /^Bearer realm="[^"]+", error="invalid_token"$/;
const EVER = { jwks: { cooldown: '5m', maxAge: '1h' } } as const;

/** Whether only the issuer can say that a forged token is none of its own. */
function looksRight(token: string, reason: RejectionReason): boolean {
  if (!['signature', 'algorithm', 'unknown_key'].includes(reason)) return false;
  const { kid, alg } = decode(token).header;
  return /^[\w.-]{1,64}$/.test(String(kid)) && /^(HS|RS|PS|ES)(256|384|512)$/.test(String(alg));
}

@Controller('who')
@UseGuards(JwtKnoxGuard)
class WhoController {
  @Get() who(@Req() { user, knox }: any) {
    return { user, ...knox };
  }
}

describe.each(environments)('A verifier: $title', ({ platform, kind }) => {
  let t: Landscape;
  let services: Record<VerifierMode, VerifierApp>;
  let booty: Booty;

  beforeAll(async () => {
    t = await createLandscape(platform, kind, { claims: () => ({ plan: 'gold' }) });
    await t.issuer.users.add('alice');
    const controllers = [WhoController, NotesController];
    services = {
      jwks: await t.service('jwks', EVER, { controllers }),
      introspect: await t.service('introspect', {}, { controllers }),
      'shared-database': await t.service('shared-database', {}, { controllers }),
    };
    const { access_token: access, refresh_token: refresh } = await t.issuer.login();
    booty = { access, refresh, server: t.gate.url };
    for (const mode of MODES) expect((await services[mode].http.get('/who', { token: access })).status).toBe(200);
  });
  afterAll(() => t?.close());

  /** What a service answers, and what it cost: questions to the issuer, statements of its own. */
  async function present(mode: VerifierMode, token: string) {
    const service = services[mode];
    const [requests, statements] = [t.gate.requests.length, service.statements.length];
    service.rejections.length = 0;
    const answer = await service.http.get('/notes', { token });
    return {
      answer,
      requests: t.gate.requests.length - requests,
      statements: service.statements.length - statements,
      rejections: [...service.rejections],
    };
  }

  describe.each(MODES)('mode %s', (mode) => {
    it('lets in who has a good token, and tells who, in which session, with which claims', async () => {
      const { body } = await services[mode].http.get('/who', { token: booty.access });
      const [row] = await t.issuer.tokens.list('1');
      // The row has its end to the millisecond, the token in whole seconds.
      const tokenEnd = Math.floor(t.issuer.clock.now() / 1_000 + 300) * 1_000;
      const expiresAt = mode === 'shared-database' ? row!.expiresAt : tokenEnd;
      expect(body).toMatchObject({
        user: { id: '1' },
        session: { id: row!.id, userId: '1', generation: 0, expiresAt },
        claims: { plan: 'gold' },
      });
    });

    it('knows @Public() and @OptionalAuth() as the issuer does', async () => {
      const { http } = services[mode];
      expect((await http.get('/notes/about', { token: 'junk' })).body).toEqual({ about: 'notes' });
      expect((await http.get('/notes/greeting')).body).toEqual({ hello: 'stranger' });
      expect((await http.get('/notes/greeting', { token: 'junk' })).status).toBe(401);
    });

    it('S7: answers without a token, with a bad one and with two as the issuer does', async () => {
      const header = `Bearer ${booty.access}`;
      for (const message of [
        {},
        { token: '' },
        { token: 'junk' },
        { headers: { authorization: 'Basic abc' } },
        { headers: { authorization: [header, header] } },
      ]) {
        const [theirs, ours] = await Promise.all(
          [t.issuer, services[mode]].map(({ http }) => http.get('/notes', message)),
        );
        expect([ours!.status, ours!.body]).toEqual([theirs!.status, theirs!.body]);
        expect(ours!.headers['www-authenticate']).toEqual(theirs!.headers['www-authenticate']);
      }
    });

    it('S4: refuses forged tokens of every kind; what is badly formed costs no request and no statement', async () => {
      for (const { title, make, reason } of FORGERIES) {
        const token = make(booty);
        const { answer, requests, statements, rejections } = await present(mode, token);
        const code = reason === 'expired' ? 'token_expired' : 'invalid_token';
        expect([title, answer.status, answer.body?.code]).toEqual([title, 401, code]);
        expect(answer.headers['www-authenticate']).toMatch(CHALLENGE);
        expect([title, statements, rejections.length]).toEqual([title, 0, 1]);
        const [{ reason: found }] = rejections;
        expect([title, requests]).toEqual([title, mode === 'introspect' && looksRight(token, reason) ? 1 : 0]);
        if (mode !== 'shared-database') continue;
        const events = t.issuer.events.length;
        await t.issuer.http.get('/notes', { token });
        expect([title, found]).toEqual([title, t.issuer.events[events]?.event.reason]);
      }
    });

    it('S4: control: tokens forged with nothing changed are accepted, by every key that the mode knows', async () => {
      for (const kid of Object.keys(rightful) as (keyof typeof rightful)[]) {
        const { answer } = await present(mode, forge(booty.access, rightful[kid], { header: headers[kid] }));
        // A secret is never published.
        expect([kid, answer.status]).toEqual([kid, mode === 'jwks' && kid === 'hmac' ? 401 : 200]);
      }
    });

    it.each([
      ['another issuer', { iss: 'https://elsewhere.example' }, 'issuer'],
      ['no issuer', { iss: undefined }, 'issuer'],
      ['another audience', { aud: 'billing' }, 'audience'],
      ['another audience of the same issuer', { aud: ['notes'] }, 'audience'],
      ['no audience', { aud: undefined }, 'audience'],
    ])('S5: refuses a rightly signed token of %s', async (_title, payload, reason) => {
      const { answer, requests, rejections } = await present(mode, forge(booty.access, rightful.rsa, { payload }));
      expect([answer.status, rejections[0].reason, requests]).toEqual([401, reason, 0]);
    });

    it('S5: refuses a refresh token', async () => {
      const { answer, requests, rejections } = await present(mode, booty.refresh);
      expect([answer.status, rejections[0].reason, requests]).toEqual([401, 'header', 0]);
    });

    it('S2: a token forged with the signing key opens no session but where only the signature is asked for', async () => {
      const payload = { token_key: 'A'.repeat(43) };
      const { answer } = await present(mode, forge(booty.access, rightful.rsa, { payload }));
      expect(answer.status).toBe(mode === 'jwks' ? 200 : 401);
    });

    it('refuses an ended session at once; by the keys alone, when its token has expired', async () => {
      const { access_token: token } = await t.issuer.login();
      expect((await present(mode, token)).answer.status).toBe(200);
      expect((await t.issuer.http.post('/auth/logout', { token })).status).toBe(204);
      expect((await present(mode, token)).answer.status).toBe(mode === 'jwks' ? 200 : 401);
      t.issuer.clock.advance('5m');
      expect((await present(mode, token)).answer.body).toMatchObject({ statusCode: 401, code: 'token_expired' });
      booty.access = (await t.issuer.login()).access_token;
    });

    it('authenticates outside of requests too', async () => {
      const { verifier } = services[mode];
      expect(await verifier.authenticate(booty.access)).toMatchObject({ user: { id: '1' }, claims: { plan: 'gold' } });
      await expect(verifier.authenticate(booty.refresh)).rejects.toMatchObject({ status: 401, code: 'invalid_token' });
      await expect(verifier.authenticate(undefined as any)).rejects.toMatchObject({ code: 'invalid_token' });
    });

    it('S12: two in one process have strategies of their own, and survive each other', async () => {
      const other = await t.service(mode, { audience: 'notes', ...(mode === 'jwks' && EVER) });
      const [one, two] = [services[mode], other].map(({ app }) => app.get(JwtKnoxStrategy).name);
      expect(one).not.toBe(two);
      const registered = () => Object.keys((passport as any)['_strategies']);
      expect(registered()).toEqual(expect.arrayContaining([one, two]));
      const forNotes = forge(booty.access, rightful.rsa, { payload: { aud: 'notes' } });
      expect((await present(mode, forNotes)).answer.status).toBe(401);
      expect((await other.http.get('/notes', { token: forNotes })).status).toBe(200);
      await other.close();
      expect(registered()).toContain(one);
      expect(registered()).not.toContain(two);
      expect((await present(mode, booty.access)).answer.status).toBe(200);
    });

    it('S12: never mixes up concurrent requests', async () => {
      const names = ['carol', 'dave', 'erin'];
      for (const name of names)
        if (!(await t.issuer.users.rows.findOneBy({ username: name }))) await t.issuer.users.add(name);
      const tokens = await Promise.all(names.map(async (name) => (await t.issuer.login(name)).access_token));
      const rounds = Array.from({ length: 20 }, () =>
        tokens.map((token) => services[mode].http.get('/who', { token })),
      );
      for (const round of rounds) {
        const found = (await Promise.all(round)).map(({ body }) => [body.user.id, body.session.userId]);
        const users = await Promise.all(names.map((username) => t.issuer.users.rows.findOneByOrFail({ username })));
        expect(found).toEqual(users.map(({ id }) => [String(id), String(id)]));
      }
    });
  });

  it('of the shared database reads and never writes', async () => {
    t.issuer.clock.advance('2m');
    const { statements } = services['shared-database'];
    statements.length = 0;
    expect((await present('shared-database', booty.access)).answer.status).toBe(200);
    expect(statements).toEqual([expect.stringMatching(/^SELECT /)]);
  });

  it('S12: lives beside a JwtKnoxModule in one application, where it is not global', async () => {
    const elsewhere = JwtKnoxVerifierModule.forRoot({
      isGlobal: false,
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks: { uri: `${t.gate.url}/.well-known/jwks.json` },
      clock: t.issuer.clock,
    });
    @Module({ imports: [elsewhere], controllers: [WhoController] })
    class OrdersModule {}
    const both = await createApp(platform, 'sqlite', { imports: [OrdersModule] });
    try {
      await both.users.add('alice');
      const { access_token: own } = await both.login();
      const statusOf = async (path: string, token: string) => (await both.http.get(path, { token })).status;
      expect([await statusOf('/notes', own), await statusOf('/notes', booty.access)]).toEqual([200, 401]);
      expect([await statusOf('/who', own), await statusOf('/who', booty.access)]).toEqual([401, 200]);
    } finally {
      await both.close();
    }
  });

  describe('with a user provider', () => {
    const imports = (mode: VerifierMode) => ({
      // In the modes without the table this service has users of its own: here in the same database.
      ...(mode !== 'shared-database' && { database: t.database }),
      imports: [UsersModule],
    });

    it.each(MODES)('mode %s gives its user, and refuses one who is gone or not active', async (mode) => {
      const change = { userProvider: TestUsers, imports: [UsersModule], ...(mode === 'jwks' && EVER) };
      const service = await t.service(mode, change, { ...imports(mode), typeorm: { entities: [User] } });
      const user = await t.issuer.users.add(`fay ${mode}`);
      const { access_token: token } = await t.issuer.login(user.username);
      expect((await service.http.get('/notes', { token })).body).toMatchObject({
        userId: user.id,
        username: user.username,
      });
      await t.issuer.users.rows.update({ id: user.id }, { isActive: false });
      expect((await service.http.get('/notes', { token })).status).toBe(401);
      await t.issuer.users.rows.delete({ id: user.id });
      expect((await service.http.get('/notes', { token })).status).toBe(401);
      await service.close();
    });

    it('S9: a database that is gone is 503 with Retry-After, in whatever mode', async () => {
      for (const mode of MODES) {
        const change = { userProvider: TestUsers, imports: [UsersModule], ...(mode === 'jwks' && EVER) };
        const service = await t.service(mode, change, { ...imports(mode), typeorm: { entities: [User] } });
        vi.spyOn(service.app.get(TestUsers, { strict: false }), 'findById').mockRejectedValue(
          Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
        );
        const answer = await service.http.get('/notes', { token: booty.access });
        expect([mode, answer.status, answer.headers['retry-after']]).toEqual([mode, 503, '1']);
        await service.close();
      }
    });
  });
});
