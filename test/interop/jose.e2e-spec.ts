import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import type { JwtKnoxKey } from '../../lib';
import { createApp, environments, SECRET, type TestApp } from '../support/create-app';
import { configuredKeys, forge, rightful } from '../support/forge';
import { freePort } from '../host/free-port';
import { AUDIENCE, ISSUER } from '../support/oauth';

/** What RFC 9068 section 2.2 requires of an access token. */
const REQUIRED = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'];
const EXPECTED = { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', requiredClaims: REQUIRED };

describe.each(environments)('jose: $title', ({ platform, kind }) => {
  let t: TestApp | undefined;
  afterEach(() => t?.close());

  async function start(keys: JwtKnoxKey[], port?: number) {
    port ??= await freePort();
    const options = { keys, issuer: ISSUER, audience: AUDIENCE };
    t = await createApp(platform, kind, { port, options, extras: { routes: { jwks: true } } });
    await t.users.add('alice');
    const keySet = createRemoteJWKSet(new URL(`http://127.0.0.1:${port}/.well-known/jwks.json`), {
      cooldownDuration: 0,
    });
    return { keySet, port, tokens: await t.login() };
  }

  it.each(
    [...configuredKeys.slice(0, 4), { ...configuredKeys[3]!, algorithm: 'EdDSA' as const }].map(
      (key) => [key.algorithm, key] as const,
    ),
  )('takes an access token of %s for one of RFC 9068', async (algorithm, key) => {
    const { keySet, tokens } = await start([key, ...configuredKeys.filter((one) => one.kid !== key.kid)]);
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keySet, EXPECTED);
    expect(payload).toMatchObject({ sub: '1', sid: tokens.session_id, client_id: ISSUER });
    expect(protectedHeader).toEqual({ alg: algorithm, kid: key.kid, typ: 'at+jwt' });
  });

  it('refuses a refresh token, a token for others and a forged one', async () => {
    const { keySet, tokens } = await start(configuredKeys);
    const verify = (token: string, more = {}) => jwtVerify(token, keySet, { ...EXPECTED, ...more });
    await expect(verify(tokens.refresh_token, { audience: ISSUER })).rejects.toMatchObject({ claim: 'typ' });
    await expect(verify(tokens.refresh_token, { typ: undefined, requiredClaims: [] })).rejects.toMatchObject({
      claim: 'aud',
    });
    await expect(verify(tokens.access_token, { audience: 'https://other.example.com' })).rejects.toMatchObject({
      claim: 'aud',
    });
    const forged = forge(tokens.access_token, rightful.ec, { payload: { sub: '2' } });
    await expect(verify(forged)).rejects.toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  });

  it('has no key for a token that is signed with a secret', async () => {
    const { keySet, tokens } = await start([
      { kid: 'hmac', algorithm: 'HS256', secret: SECRET },
      ...configuredKeys.slice(0, 3),
    ]);
    await expect(jwtVerify(tokens.access_token, keySet, EXPECTED)).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_JWKS_NO_MATCHING_KEY|ERR_JOSE_NOT_SUPPORTED/),
    });
  });

  it('follows a change of keys, step by step as it is documented', async () => {
    const [old, , next] = configuredKeys as [JwtKnoxKey, JwtKnoxKey, JwtKnoxKey];
    const { keySet, port, tokens: first } = await start([old, next]);
    await jwtVerify(first.access_token, keySet, EXPECTED);
    await t!.close();
    const { tokens: second } = await start([next, old], port);
    // The same key set, still as it was fetched: the next key was in it already.
    for (const tokens of [first, second]) await jwtVerify(tokens.access_token, keySet, EXPECTED);
    await t!.close();
    const { keySet: later } = await start([next], port);
    await jwtVerify(second.access_token, later, EXPECTED);
    await expect(jwtVerify(first.access_token, later, EXPECTED)).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
  });
});
