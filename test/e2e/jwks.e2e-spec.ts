import { createPublicKey, generateKeyPairSync, type JsonWebKey, KeyObject, randomBytes, verify } from 'node:crypto';
import { type INestApplication, VersioningType } from '@nestjs/common';
import { compactVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import type { JwtKnoxAlgorithm, JwtKnoxKey } from '../../lib';
import { type AppSettings, createApp, everyEnvironment, SECRET, type TestApp } from '../support/create-app';
import { headerOf } from '../support/decode';
import { configuredKeys } from '../support/forge';

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const pss = (hash: string) =>
  generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: hash, mgf1HashAlgorithm: hash }).privateKey;

const KEYS: Record<string, [JwtKnoxAlgorithm, () => KeyObject]> = {
  rs256: ['RS256', rsa],
  rs384: ['RS384', rsa],
  rs512: ['RS512', rsa],
  ps256: ['PS256', rsa],
  ps384: ['PS384', rsa],
  ps512: ['PS512', rsa],
  'pss-bound-256': ['PS256', () => pss('sha256')],
  'pss-bound-512': ['PS512', () => pss('sha512')],
  es256: ['ES256', () => ec('prime256v1')],
  es384: ['ES384', () => ec('secp384r1')],
  es512: ['ES512', () => ec('secp521r1')],
  ed25519: ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
  eddsa: ['EdDSA', () => generateKeyPairSync('ed25519').privateKey],
};
const PUBLIC_MEMBERS = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'] } as Record<string, string[]>;

describe.each(everyEnvironment)('the public keys: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t?.close());

  const start = async (settings: AppSettings) => {
    t = await createApp(platform, kind, { ...settings, extras: { routes: { jwks: true }, ...settings.extras } });
    await t.users.add('alice');
  };
  const keySet = async () => (await t.http.get('/.well-known/jwks.json')).body as { keys: JsonWebKey[] };

  it('lists every asymmetric key by its public members, and no secret', async () => {
    await start({
      options: { keys: [{ kid: 'hmac', algorithm: 'HS256', secret: SECRET }, ...configuredKeys.slice(0, 4)] },
    });
    const answer = await t.http.get('/.well-known/jwks.json');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['cache-control']).toBe('public, max-age=60, must-revalidate');
    const { keys } = answer.body;
    expect(keys.map(({ kid, alg, use }: any) => [kid, alg, use])).toEqual([
      ['rsa', 'RS256', 'sig'],
      ['pss', 'PS256', 'sig'],
      ['ec', 'ES256', 'sig'],
      ['ed', 'Ed25519', 'sig'],
    ]);
    for (const key of keys) {
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'kid', 'kty', 'use', ...PUBLIC_MEMBERS[key.kty]!].toSorted());
    }
    expect(Object.keys(answer.body)).toEqual(['keys']);
    expect(answer.text).not.toContain(Buffer.from(SECRET).toString('base64url'));
  });

  it.each(Object.entries(KEYS))('verifies a token by the key it names: %s', async (kid, [algorithm, make]) => {
    const key: JwtKnoxKey = { kid, algorithm, privateKey: make() };
    await start({ options: { keys: [key, ...configuredKeys.slice(0, 2)] } });
    const { access_token: token } = await t.login();
    const jwk = (await keySet()).keys.find((one) => one.kid === headerOf(token).kid)!;
    const published = createPublicKey({ key: jwk, format: 'jwk' });
    const { payload } = await compactVerify(token, published, { algorithms: [algorithm] });
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ sub: '1' });
    // Control: another key of the set does not.
    const other = createPublicKey({ key: (await keySet()).keys[1]!, format: 'jwk' });
    await expect(compactVerify(token, other, { algorithms: [algorithm] })).rejects.toThrow();
  });

  it('shows a key that only verifies too: those who cache know it before it signs', async () => {
    const next = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    await start({
      options: { keys: [configuredKeys[0]!, { kid: 'next', algorithm: 'ES256', publicKey: next.publicKey }] },
    });
    const { keys } = await keySet();
    expect(keys.map(({ kid }) => kid)).toEqual(['rsa', 'next']);
    const proof = randomBytes(8);
    const { sign } = await import('node:crypto');
    const published = createPublicKey({ key: keys[1]!, format: 'jwk' });
    expect(verify('sha256', proof, published, sign('sha256', proof, next.privateKey))).toBe(true);
  });

  it('is not there unless it is asked for', async () => {
    await start({ options: { keys: configuredKeys }, extras: { routes: {} } });
    expect((await t.http.get('/.well-known/jwks.json')).status).toBe(404);
  });

  it('is open to everybody behind a global guard, and asks no database', async () => {
    await start({ options: { keys: configuredKeys }, extras: { guard: 'global', routes: { jwks: true } } });
    const before = t.statements.length;
    expect((await t.http.get('/.well-known/jwks.json')).status).toBe(200);
    expect(t.statements.length).toBe(before);
    expect((await t.http.get('/notes')).status).toBe(401);
  });

  describe('under a global prefix', () => {
    const logged: string[] = [];
    const logger = { log() {}, warn() {}, error: (message: string) => void logged.push(message) };
    const withPrefix = (prefix: string, exclude?: string[]): AppSettings => ({
      options: { keys: configuredKeys },
      logger,
      prepare: (app: INestApplication) => void app.setGlobalPrefix(prefix, exclude ? { exclude } : {}),
    });

    it('stays at the root of the host when it is excluded, as the documentation tells', async () => {
      logged.length = 0;
      await start(withPrefix('api', ['.well-known/{*path}']));
      expect((await t.http.get('/.well-known/jwks.json')).status).toBe(200);
      expect((await t.http.get('/api/auth/verify')).status).toBe(401);
      expect(logged).toEqual([]);
    });

    it('tells at start-up when it was moved, with the remedy', async () => {
      logged.length = 0;
      await start(withPrefix('api'));
      expect((await t.http.get('/.well-known/jwks.json')).status).toBe(404);
      expect((await t.http.get('/api/.well-known/jwks.json')).status).toBe(200);
      expect(logged).toEqual([
        expect.stringMatching(
          /jwks\.json is served at \/api\/\.well-known\/jwks\.json.*exclude: \['\.well-known\/\{\*path\}'\]/,
        ),
      ]);
    });
  });

  it('stays where it is when the routes of the application have versions in their paths', async () => {
    await start({
      options: { keys: configuredKeys },
      prepare: (app) => void app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    });
    expect((await t.http.get('/.well-known/jwks.json')).status).toBe(200);
  });
});
