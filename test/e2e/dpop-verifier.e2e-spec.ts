import { Controller, Get, UseGuards } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxGuard } from '../../lib';
import { deviceBinding, RequireBound } from '../../lib/binding';
import { environments, NotesController } from '../support/create-app';
import type { VerifierApp } from '../support/create-verifier';
import { DpopDevice, ORIGIN } from '../support/dpop-device';
import { createLandscape, type Landscape, MODES, type VerifierMode } from '../support/verified-services';
import { wrongProofs } from '../support/wrong-proofs';

@Controller('orders')
@UseGuards(JwtKnoxGuard)
class OrdersController {
  @Get() @RequireBound() list() {
    return [];
  }
}

const AT_ISSUER = 'https://auth.example.com';

describe.each(environments)('tokens bound by DPoP in another service: $title', ({ platform, kind }) => {
  let t: Landscape;
  let device: DpopDevice;
  let token: string;
  const services = {} as Record<VerifierMode, VerifierApp>;
  const unaware = {} as Record<VerifierMode, VerifierApp>;

  beforeAll(async () => {
    t = await createLandscape(platform, kind, { publicOrigin: AT_ISSUER, features: [deviceBinding({ dbsc: 'off' })] });
    await t.issuer.users.add('alice');
    const settings = { controllers: [NotesController, OrdersController] };
    for (const mode of MODES) {
      services[mode] = await t.service(mode, { publicOrigin: ORIGIN }, settings);
      unaware[mode] = await t.service(mode, {}, settings);
    }
  });
  afterAll(() => t?.close());
  beforeEach(async () => {
    const now = () => t.issuer.clock.now();
    const key = new DpopDevice(now, AT_ISSUER);
    token = (await t.issuer.login('alice', { dpop: key.proof('POST', '/auth/login') })).access_token;
    device = key.at(ORIGIN);
  });

  describe.each(MODES)('mode %s', (mode) => {
    const ask = async (by = device, path = '/notes/greeting', service = services[mode]) => {
      const { status, body } = await service.http.get(path, { headers: by.headers('GET', path, token) });
      return status < 300 ? status : [status, body.code];
    };

    it('K2: takes them with a proof of their key, for its own address', async () => {
      expect(await ask()).toBe(200);
      expect(await ask(device, '/orders')).toBe(200);
      expect(await ask(new DpopDevice(() => t.issuer.clock.now()))).toEqual([401, 'invalid_token']);
      expect(await ask(device.at(AT_ISSUER))).toEqual([401, 'invalid_dpop_proof']);
      expect((await services[mode].http.get('/orders', { token })).body.code).toBe('invalid_token');
    });

    it('K3: without an address of its own, it refuses them', async () => {
      expect(await ask(device, '/orders', unaware[mode])).toEqual([401, 'binding_required']);
      expect((await unaware[mode].http.get('/orders', { token })).body.code).toBe('binding_required');
      const headers = device.headers('GET', '/orders', token);
      const { headers: said } = await unaware[mode].http.get('/orders', { headers });
      expect(said['www-authenticate']).toBe('Bearer realm="jwt-knox", error="binding_required"');
    });

    it('K4: takes a proof once', async () => {
      const headers = device.headers('GET', '/notes/greeting', token);
      const answers = [1, 2].map(() => services[mode].http.get('/notes/greeting', { headers }));
      const statuses = (await Promise.all(answers)).map(({ status }) => status);
      expect(statuses.toSorted()).toEqual([200, 401]);
    });

    it('refuses a token that is bound to nothing where it is shown as bound, and @RequireBound does', async () => {
      token = (await t.issuer.login()).access_token;
      expect(await ask()).toEqual([401, 'invalid_token']);
      expect((await services[mode].http.get('/notes/greeting', { token })).status).toBe(200);
      expect((await services[mode].http.get('/orders', { token })).body.code).toBe('binding_required');
    });

    it('refuses every wrong proof', async () => {
      const request = { method: 'GET', path: '/orders', token };
      const wrong: unknown[] = [];
      for (const { what, dpop } of wrongProofs(device, request, t.issuer.clock.now())) {
        const headers = { authorization: `DPoP ${token}`, ...(dpop !== undefined && { dpop }) };
        const { status } = await services[mode].http.get('/orders', { headers });
        if (status !== 401) wrong.push([what, status]);
      }
      expect(wrong).toEqual([]);
      expect(await ask()).toBe(200);
    });
  });
});
