import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { CurrentSession, JwtKnoxGuard, type JwtKnoxExtras, type JwtKnoxOptions, type Session } from '../../lib';
import { deviceBinding, type DeviceBindingOptions, RequireBound } from '../../lib/binding';
import { createApp, environments, NotesController, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { DpopDevice, ORIGIN } from '../support/dpop-device';

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

describe.each(environments)('sessions bound by DPoP: $title', ({ platform, kind }) => {
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
});
