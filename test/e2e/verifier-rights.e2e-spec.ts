import { Controller, Get, UseGuards } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, CurrentActor, JwtKnoxGuard, RequireFresh, RequireLogin, Scopes } from '../../lib';
import { environments } from '../support/create-app';
import type { VerifierApp } from '../support/create-verifier';
import { forge, rightful } from '../support/forge';
import type { User } from '../support/users';
import { createLandscape, type Landscape, MODES, type VerifierMode } from '../support/verified-services';

@Controller('orders')
@UseGuards(JwtKnoxGuard)
class OrdersController {
  @Get() @Scopes('orders:read') list() {
    return {};
  }
  @Get('fresh') @RequireFresh('3m') fresh() {
    return {};
  }
  @Get('actor') actor(@CurrentActor() actor?: Actor) {
    return { actor: actor ?? null };
  }
  @Get('own') @RequireLogin() own() {
    return {};
  }
}

describe.each(environments)('what sessions may do in another service: $title', ({ platform, kind }) => {
  let t: Landscape;
  let alice: User;
  const services = {} as Record<VerifierMode, VerifierApp>;

  beforeAll(async () => {
    t = await createLandscape(platform, kind, { programTokens: { prefix: 'acme_' } });
    alice = await t.issuer.users.add('alice');
    const change = { programTokens: { prefix: 'acme_' } };
    for (const mode of MODES) services[mode] = await t.service(mode, change, { controllers: [OrdersController] });
  });
  afterAll(() => t?.close());

  describe.each(MODES)('mode %s', (mode) => {
    const answerOf = async (path: string, token: string) => {
      const { status, body } = await services[mode].http.get(path, { token });
      return status < 300 ? status : [status, body.code];
    };
    const issue = async (scopes: readonly string[] | null) => t.issuer.tokens.issue(alice, {}, { scopes });

    it('is what their scopes say', async () => {
      expect(await answerOf('/orders', (await issue(null)).accessToken)).toBe(200);
      expect(await answerOf('/orders', (await issue(['orders:*'])).accessToken)).toBe(200);
      for (const scopes of [['stock:read'], []]) {
        const refused = await answerOf('/orders', (await issue(scopes)).accessToken);
        expect(refused).toEqual([403, 'insufficient_scope']);
      }
    });

    it('is nothing that wants a scope, for a token that says none', async () => {
      const { accessToken } = await issue([]);
      const without = forge(accessToken, rightful.rsa, { payload: { scope: undefined } });
      expect(await answerOf('/orders', without)).toEqual([403, 'insufficient_scope']);
    });

    it(`S2: ${mode === 'jwks' ? 'control: the claim is all that it knows' : 'is not what a forged claim says'}`, async () => {
      const { accessToken } = await issue(['stock:read']);
      const forged = forge(accessToken, rightful.rsa, { payload: { scope: '*' } });
      expect(await answerOf('/orders', forged)).toEqual(mode === 'jwks' ? 200 : [403, 'insufficient_scope']);
    });

    it(`narrows ${mode === 'jwks' ? 'with the next token' : 'at once'}`, async () => {
      const issued = await issue(['orders:read', 'stock:read']);
      await t.issuer.tokens.narrow(issued.session.id, ['stock:read']);
      const known = mode === 'jwks' ? 200 : [403, 'insufficient_scope'];
      expect(await answerOf('/orders', issued.accessToken)).toEqual(known);
      const next = await t.issuer.tokens.refresh(issued.refreshToken!);
      expect(await answerOf('/orders', next.accessToken)).toEqual([403, 'insufficient_scope']);
    });

    it('is what wants a fresh login, as long as it is', async () => {
      const { accessToken } = await issue(null);
      expect(await answerOf('/orders/fresh', accessToken)).toBe(200);
      t.issuer.clock.advance('4m');
      expect(await answerOf('/orders/fresh', accessToken)).toEqual([401, 'insufficient_user_authentication']);
    });

    it('is nothing that wants a login, for programs and for staff who act as a user', async () => {
      const program = await t.issuer.tokens.issueProgramToken(alice, { name: 'CI', scopes: ['*'] });
      const { session } = await t.issuer.tokens.issue(alice);
      const acting = await t.issuer.tokens.impersonate(session, alice, { reason: 'Ticket' });
      for (const { accessToken } of [program, acting]) {
        expect(await answerOf('/orders', accessToken)).toBe(200);
        expect(await answerOf('/orders/own', accessToken)).toEqual([403, 'forbidden']);
        expect(await answerOf('/orders/fresh', accessToken)).toEqual([401, 'insufficient_user_authentication']);
      }
      const seen = (await services[mode].http.get('/orders/actor', { token: acting.accessToken })).body.actor;
      expect(seen).toMatchObject({ userId: String(alice.id), realm: '' });
      const nobody = await services[mode].http.get('/orders/actor', { token: (await issue(null)).accessToken });
      expect(nobody.body.actor).toBeNull();
      expect(program.accessToken).toMatch(/^acme_/);
      await t.issuer.tokens.revoke(session.id);
      const known = mode === 'jwks' ? 200 : [401, 'invalid_token'];
      expect(await answerOf('/orders', acting.accessToken)).toEqual(known);
    });
  });
});
