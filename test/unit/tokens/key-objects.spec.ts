import { createSecretKey, generateKeyPairSync, KeyObject, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Test, type TestingModule } from '@nestjs/testing';
import passport from 'passport';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { JwtKnoxModule, JwtKnoxStrategy, TokenService } from '../../../lib';
import type { JwtKnoxKey } from '../../../lib/options/options';
import { InMemorySessionRepository } from '../../../lib/testing';

// The very module object that passport-jwt requires, so that one spy sees the calls of both.
vi.mock('jsonwebtoken', () => {
  const real = createRequire(__filename)('jsonwebtoken');
  return { sign: (...args: unknown[]) => real.sign(...args), verify: (...args: unknown[]) => real.verify(...args) };
});
const library = createRequire(__filename)('jsonwebtoken') as typeof import('jsonwebtoken');

afterEach(() => void vi.restoreAllMocks());

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pem = ({ privateKey }: { privateKey: KeyObject }) =>
  privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
const secret = randomBytes(64);

const configured: [string, Omit<JwtKnoxKey, 'kid'>][] = [
  ['HS256 with a string', { algorithm: 'HS256', secret: secret.toString('base64') }],
  ['HS256 with a Buffer', { algorithm: 'HS256', secret }],
  ['HS512 with a Buffer', { algorithm: 'HS512', secret }],
  ['HS256 with a KeyObject', { algorithm: 'HS256', secret: createSecretKey(secret) }],
  ['RS256 with PEM text', { algorithm: 'RS256', privateKey: pem(rsa) }],
  ['RS256 with PEM bytes', { algorithm: 'RS256', privateKey: Buffer.from(pem(rsa)) }],
  ['RS256 with a KeyObject', { algorithm: 'RS256', privateKey: rsa.privateKey }],
  ['PS256 with PEM text', { algorithm: 'PS256', privateKey: pem(rsa) }],
  ['PS256 with a KeyObject', { algorithm: 'PS256', privateKey: rsa.privateKey }],
  ['ES256 with PEM text', { algorithm: 'ES256', privateKey: pem(ec) }],
  ['ES256 with a KeyObject', { algorithm: 'ES256', privateKey: ec.privateKey }],
];

describe.each(configured)('with a key of %s, the JWT library meets only KeyObjects', (_title, key) => {
  let module: TestingModule;
  let tokens: TokenService;

  beforeAll(async () => {
    const knox = JwtKnoxModule.forRoot({
      keys: [{ kid: 'a', ...key }],
      sessionRepository: new InMemorySessionRepository(),
      routes: false,
    });
    module = await Test.createTestingModule({ imports: [knox] }).compile();
    tokens = module.get(TokenService);
  });
  afterAll(() => module.close());

  const keysOf = (spy: { mock: { calls: unknown[][] } }) => spy.mock.calls.map(([, given]) => given);

  it('when it signs access and refresh tokens', async () => {
    const sign = vi.spyOn(library, 'sign');
    await tokens.issue({ id: 1 });
    expect(keysOf(sign)).toEqual([expect.any(KeyObject), expect.any(KeyObject)]);
  });

  it('when it verifies them, good or bad', async () => {
    const { accessToken, refreshToken } = await tokens.issue({ id: 1 });
    const verify = vi.spyOn(library, 'verify');
    await tokens.authenticate(accessToken);
    await expect(tokens.authenticate(accessToken.replace(/\.[^.]+\./, '.e30.'))).rejects.toThrow('not valid');
    await tokens.logout(null, refreshToken!, {});
    expect(keysOf(verify)).toEqual([expect.any(KeyObject), expect.any(KeyObject), expect.any(KeyObject)]);
  });

  it('when Passport verifies an access token', async () => {
    const { accessToken, session } = await tokens.issue({ id: 1 });
    const verify = vi.spyOn(library, 'verify');
    const request = { headers: { authorization: `Bearer ${accessToken}` }, url: '/' };
    const answer = await new Promise((resolve, reject) => {
      const done = (error: unknown, found: unknown) => (error ? reject(error as Error) : resolve(found));
      passport.authenticate(module.get(JwtKnoxStrategy).name, { session: false }, done)(request, {}, reject);
    });
    expect(answer).toMatchObject({ user: { id: '1' }, session: { id: session.id } });
    expect(keysOf(verify)).toEqual([expect.any(KeyObject)]);
    expect(verify.mock.calls[0]![2]).toMatchObject({ algorithms: [key.algorithm] });
  });
});

it('control: the spies see a string secret for what it is', () => {
  const verify = vi.spyOn(library, 'verify');
  library.verify(library.sign({}, 'a string secret'), 'a string secret');
  expect(verify.mock.calls[0]![1]).toBe('a string secret');
});
