import * as client from 'openid-client';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp, environments, type TestApp } from '../support/create-app';
import { AUDIENCE, freePort, oauthOptions, SECRETS } from '../support/oauth';

describe.each(environments)('openid-client: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  async function start(path = ''): Promise<URL> {
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}${path}`;
    t = await createApp(platform, kind, {
      port,
      options: { ...oauthOptions, issuer },
      extras: { routes: { oauth: true, jwks: true } },
    });
    await t.users.add('alice');
    return new URL(issuer);
  }

  const discover = (issuer: URL, id: string, secret: string) =>
    client.discovery(issuer, id, undefined, client.ClientSecretBasic(secret), {
      algorithm: 'oauth2',
      execute: [client.allowInsecureRequests],
    });

  it.each(['', '/tenant', '/a/b'])('discovers an issuer with the path "%s", introspects and revokes', async (path) => {
    const issuer = await start(path);
    const config = await discover(issuer, 'gateway', SECRETS.gateway);
    expect(config.serverMetadata().issuer).toBe(issuer.href.replace(/(?<=\d)\/$/, ''));
    const { access_token: access, refresh_token: refresh, session_id: sid } = await t.login();

    expect(await client.tokenIntrospection(config, access)).toMatchObject({
      active: true, token_type: 'Bearer', sub: '1', sid, aud: AUDIENCE, exp: expect.any(Number), iat: expect.any(Number),
    }); // prettier-ignore
    const hint = { token_type_hint: 'refresh_token' };
    expect(await client.tokenIntrospection(config, refresh, hint)).toMatchObject({ active: true, sid });

    await client.tokenRevocation(config, refresh, hint);
    for (const token of [access, refresh]) {
      expect(await client.tokenIntrospection(config, token)).toEqual({ active: false });
    }
    await client.tokenRevocation(config, refresh, hint); // again: no error
    expect((await t.http.get('/notes', { token: access })).status).toBe(401);
  });

  it('is told of a wrong secret in the words of RFC 6749', async () => {
    const config = await discover(await start(), 'gateway', 'wrong secret');
    const { access_token: token } = await t.login();
    for (const ask of [client.tokenIntrospection, client.tokenRevocation]) {
      await expect(ask(config, token)).rejects.toMatchObject({ status: 401 });
    }
    expect((await t.http.get('/notes', { token })).status).toBe(200);
  });

  it('is told what is wrong with a request in the words of RFC 6749', async () => {
    const config = await discover(await start(), 'audit', SECRETS.audit);
    const error = await client.tokenRevocation(config, 'x', { client_secret: 'beside the header' }).catch((one) => one);
    expect(error).toMatchObject({
      status: 400,
      error: 'invalid_request',
      error_description: expect.stringContaining('Authenticate in one way'),
    });
  });
});
