import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { passportJwtSecret } from 'jwks-rsa';
import { Passport } from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, environments, type TestApp } from '../support/create-app';
import { configuredKeys, forge, rightful } from '../support/forge';
import { HttpClient } from '../support/http-client';
import { freePort } from '../host/free-port';
import { AUDIENCE, ISSUER } from '../support/oauth';

/** Another service: Express, Passport, and nothing of this library. */
async function startService(jwksUri: string): Promise<Server> {
  const passport = new Passport();
  const options = {
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    secretOrKeyProvider: passportJwtSecret({ jwksUri, cache: true, rateLimit: true }),
    algorithms: ['RS256' as const, 'ES256' as const],
    issuer: ISSUER,
    audience: AUDIENCE,
  };
  passport.use(new Strategy(options, (payload, done) => done(null, { id: payload.sub })));
  const service = express();
  service.get(
    '/me',
    passport.authenticate('jwt', { session: false }),
    (request, response) => void response.json(request.user),
  );
  return new Promise((resolve) => {
    const server = service.listen(0, '127.0.0.1', () => resolve(server));
  });
}

describe.each(environments)('passport-jwt with jwks-rsa in an Express application: $title', ({ platform, kind }) => {
  let t: TestApp;
  let service: Server;
  let http: HttpClient;
  let tokens: any;

  beforeAll(async () => {
    const port = await freePort();
    t = await createApp(platform, kind, {
      port,
      options: { keys: configuredKeys, issuer: ISSUER, audience: AUDIENCE },
      extras: { routes: { jwks: true } },
    });
    await t.users.add('alice');
    tokens = await t.login();
    service = await startService(`http://127.0.0.1:${port}/.well-known/jwks.json`);
    http = new HttpClient((service.address() as AddressInfo).port);
  });
  afterAll(async () => {
    await new Promise((closed) => service.close(closed));
    await t.close();
  });

  const me = (token: string) => http.get('/me', { token });

  it('knows the user of an access token', async () => {
    const answer = await me(tokens.access_token);
    expect([answer.status, answer.body]).toEqual([200, { id: '1' }]);
  });

  it('refuses a refresh token, which is for the issuer alone, and a forged token', async () => {
    expect((await me(tokens.refresh_token)).status).toBe(401);
    expect((await me(forge(tokens.access_token, rightful.ec, { payload: { sub: '2' } }))).status).toBe(401);
  });

  it('does not notice a logout, as the documentation says: it has half of the lock', async () => {
    const { access_token: token } = await t.login();
    await t.http.post('/auth/logout', { token });
    expect((await t.http.get('/notes', { token })).status).toBe(401);
    expect((await me(token)).status).toBe(200);
  });
});
