import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environments } from '../support/create-app';
import type { VerifierApp } from '../support/create-verifier';
import { forge, rightful } from '../support/forge';
import { createLandscape, type Landscape, MODES, type VerifierMode } from '../support/verified-services';

/** Keys that are known stay so while this runs. */
const EVER = { jwks: { jwks: { cooldown: '5m', maxAge: '1h' } }, introspect: {}, 'shared-database': {} } as const;

describe.each(environments)('a verifier and the realm of its issuer: $title', ({ platform, kind }) => {
  let t: Landscape;
  let token: string;
  const services = new Map<string, VerifierApp>();
  const serviceOf = (mode: VerifierMode, realm: string) => services.get(`${mode} ${realm}`)!;
  const realms = ['staff', 'customers', ''];

  beforeAll(async () => {
    t = await createLandscape(platform, kind, { realm: 'staff' });
    await t.issuer.users.add('alice');
    token = (await t.issuer.login()).access_token;
    for (const mode of MODES)
      for (const realm of realms) services.set(`${mode} ${realm}`, await t.service(mode, { realm, ...EVER[mode] }));
    // The keys are known before anything is counted.
    for (const realm of realms) await serviceOf('jwks', realm).http.get('/notes', { token });
  });
  afterAll(() => t?.close());

  async function present(mode: VerifierMode, realm: string, presented: string) {
    const service = serviceOf(mode, realm);
    const [requests, statements] = [t.gate.requests.length, service.statements.length];
    service.rejections.length = 0;
    const { status } = await service.http.get('/notes', { token: presented });
    const cost = t.gate.requests.length - requests + service.statements.length - statements;
    return { status, cost, reasons: service.rejections.map(({ reason }) => reason) };
  }

  describe.each(MODES)('mode %s', (mode) => {
    it('lets in who has a token of its realm', async () => {
      expect(await present(mode, 'staff', token)).toMatchObject({ status: 200, reasons: [] });
    });

    it.each(['customers', ''])('refuses it where the realm is %j, and asks nobody', async (realm) => {
      expect(await present(mode, realm, token)).toEqual({ status: 401, cost: 0, reasons: ['realm'] });
    });

    it('refuses a token without a realm, and asks nobody', async () => {
      const without = forge(token, rightful.rsa, { payload: { realm: undefined } });
      expect(await present(mode, 'staff', without)).toEqual({ status: 401, cost: 0, reasons: ['realm'] });
    });
  });

  it('S2: whoever has the signing key moves no session to another realm', async () => {
    for (const realm of ['customers', '']) {
      const moved = forge(token, rightful.rsa, { payload: { realm: realm || undefined } });
      expect(await present('shared-database', realm, moved)).toMatchObject({ status: 401, reasons: ['realm'] });
      expect(await present('introspect', realm, moved)).toMatchObject({ status: 401, reasons: ['not_active'] });
    }
  });
});
