import { generateKeyPairSync } from 'node:crypto';
import { Module } from '@nestjs/common';
import { JwtKnoxVerifierModule } from 'nestjs-jwt-knox/verifier';
import { appWith, forRoot } from '../src/apps.js';
import { NotesController } from '../src/quick-start.js';
import { type Running, start } from './start.js';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const issuer = 'http://localhost';
const audience = 'notes';

describe('A second service, which knows the public keys alone', () => {
  let first: Running;
  let second: Running;
  beforeAll(async () => {
    const keys = [{ kid: 'one', algorithm: 'ES256' as const, privateKey }];
    first = await start(appWith(forRoot({ keys, issuer, audience, routes: { jwks: true } })));
    const jwks = { uri: `${await first.app.getUrl()}/.well-known/jwks.json` };

    @Module({
      imports: [JwtKnoxVerifierModule.forRoot({ issuer, audience, jwks })],
      controllers: [NotesController],
    })
    class SecondModule {}
    second = await start(SecondModule);
  });
  afterAll(async () => {
    await second?.app.close();
    await first?.app.close();
  });

  it('lets in who logged in at the first, and nobody else', async () => {
    const json = { username: 'alice', password: 'correct horse' };
    const { body } = await first.request('POST', '/auth/login', { json });
    const notes = await second.request('GET', '/notes', { token: body.access_token });
    expect(notes).toMatchObject({ status: 200, body: { userId: '7', sessionId: body.session_id } });
    const refused = await second.request('GET', '/notes', { token: body.refresh_token });
    expect(refused).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });
});
