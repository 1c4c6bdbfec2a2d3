import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JwtKnoxKey } from '../../lib';
import { createApp, SECRET, type TestApp } from '../support/create-app';
import { databaseKinds } from '../support/databases';
import { configuredKeys, flipped, forge, rightful } from '../support/forge';
import { freePort } from '../host/free-port';
import { AUDIENCE, ISSUER } from '../support/oauth';
import { platforms } from '../support/platforms';

// Debian's interpreters, which know Debian's libraries: another one in the PATH does not.
const LANGUAGES = [
  {
    language: 'Python, with PyJWT',
    command: [process.env.TEST_PYTHON ?? '/usr/bin/python3', join(__dirname, 'verify.py')],
    packages: 'python3 python3-jwt python3-cryptography',
    errors: {
      audience: 'InvalidAudienceError',
      signature: 'InvalidSignatureError',
      algorithm: 'InvalidAlgorithmError',
    },
  },
  {
    language: 'Ruby, with ruby-jwt',
    command: [process.env.TEST_RUBY ?? '/usr/bin/ruby', join(__dirname, 'verify.rb')],
    packages: 'ruby ruby-jwt ruby-rbnacl',
    errors: { audience: 'InvalidAudError', signature: 'VerificationError', algorithm: 'IncorrectAlgorithm' },
  },
];

describe.each(LANGUAGES)('a service in $language', ({ command, packages, errors }) => {
  const shared: JwtKnoxKey = { kid: 'shared', algorithm: 'HS256', secret: SECRET };
  let apps: Record<'shared' | 'public' | 'ed25519', { t: TestApp; tokens: any; jwksUri: string }>;

  async function start(keys: JwtKnoxKey[]) {
    const port = await freePort();
    const options = { keys, issuer: ISSUER, audience: AUDIENCE, claims: () => ({ locale: 'zh-Hant', note: '„ü“' }) };
    const extras = { routes: { jwks: keys.length > 1 } };
    const t = await createApp(platforms[0]!, databaseKinds[0]!, { port, options, extras });
    await t.users.add('alice');
    return { t, tokens: await t.login(), jwksUri: `http://127.0.0.1:${port}/.well-known/jwks.json` };
  }

  beforeAll(async () => {
    const ed25519: JwtKnoxKey = { ...configuredKeys.find(({ kid }) => kid === 'ed')!, algorithm: 'EdDSA' };
    apps = {
      shared: await start([shared]),
      public: await start(configuredKeys),
      ed25519: await start([ed25519, configuredKeys[0]!]),
    };
  });
  afterAll(async () => {
    await apps.shared.t.close();
    await apps.public.t.close();
    await apps.ed25519.t.close();
  });

  /** What the service makes of a token. */
  async function read(token: string, how: { key?: string; jwks_uri?: string; algorithm: string; audience?: string }) {
    const [program, ...args] = command;
    const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('close', (code) => resolve(`exit code ${code}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify({ token, issuer: ISSUER, audience: AUDIENCE, ...how }));
    const [end, answer, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    if (end !== 'exit code 0') {
      throw new Error(
        `${command.join(' ')}: ${end}\n${complaint}\n` +
          `On Debian and its kin: \`apt-get install ${packages}\`. Elsewhere name an interpreter in TEST_PYTHON or TEST_RUBY.`,
      );
    }
    return JSON.parse(answer);
  }

  const claimsOf = (tokens: any) => ({
    iss: ISSUER, aud: AUDIENCE, client_id: ISSUER, sub: '1', sid: tokens.session_id, locale: 'zh-Hant', note: '„ü“',
    exp: expect.any(Number), iat: expect.any(Number), jti: expect.any(String),
  }); // prettier-ignore

  it('reads a token by the shared secret', async () => {
    const { tokens } = apps.shared;
    const how = { key: SECRET, algorithm: 'HS256' };
    expect(await read(tokens.access_token, how)).toEqual({ claims: expect.objectContaining(claimsOf(tokens)) });
    expect(await read(tokens.access_token, { ...how, key: `${SECRET}x` })).toEqual({ error: errors.signature });
    expect(await read(tokens.access_token, { ...how, audience: ISSUER })).toEqual({ error: errors.audience });
    expect(await read(tokens.access_token, { ...how, algorithm: 'HS512' })).toEqual({ error: errors.algorithm });
  });

  it('reads a token by an Ed25519 key, under the name EdDSA', async () => {
    const { tokens, jwksUri } = apps.ed25519;
    const how = { jwks_uri: jwksUri, algorithm: 'EdDSA' };
    expect(await read(tokens.access_token, how)).toEqual({ claims: expect.objectContaining(claimsOf(tokens)) });
    const forged = forge(tokens.access_token, flipped(rightful.ed), { payload: { sub: '2' } });
    expect(await read(forged, how)).toEqual({ error: errors.signature });
  });

  it('reads a token by the public keys', async () => {
    const { tokens, jwksUri } = apps.public;
    const how = { jwks_uri: jwksUri, algorithm: 'RS256' };
    expect(await read(tokens.access_token, how)).toEqual({ claims: expect.objectContaining(claimsOf(tokens)) });
    const forged = forge(tokens.access_token, rightful.pss, { payload: { sub: '2' } });
    expect(await read(forged, how)).toEqual({ error: errors.signature });
    expect(await read(tokens.refresh_token, how)).toEqual({ error: errors.audience });
    expect(await read(tokens.access_token, { ...how, algorithm: 'PS256' })).toEqual({ error: errors.algorithm });
  });
});
