import * as client from 'openid-client';
import { afterEach, describe, expect, it } from 'vitest';
import { deviceBinding } from '../../lib/binding';
import { createApp, environments, type TestApp } from '../support/create-app';
import { freePort } from '../host/free-port';
import { AUDIENCE, oauthOptions, SECRETS } from '../support/oauth';

/** The library's own routes take JSON, and what a grant is called is no matter to them. */
const asJson: client.CustomFetch = (url, { body, headers, ...rest }) => {
  if (!(body instanceof URLSearchParams)) return fetch(url, { body, headers, ...rest } as RequestInit);
  const members = Array.from(body).filter(([name]) => name !== 'grant_type' && name !== 'client_id');
  const typed = { ...headers, 'content-type': 'application/json' };
  return fetch(url, { ...rest, headers: typed, body: JSON.stringify(Object.fromEntries(members)) } as RequestInit);
};

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

  it.each(['prefer', 'nonce'] as const)('proves its key by DPoP from login to logout; dpop: %s', async (dpop) => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const features = [deviceBinding({ dbsc: 'off', dpop })];
    t = await createApp(platform, kind, { port, options: { publicOrigin: origin }, extras: { features } });
    await t.users.add('alice');
    const keys = await client.randomDPoPKeyPair('ES256');
    const endpoint = (path: string) => {
      const server = { issuer: origin, token_endpoint: `${origin}${path}` };
      const config = new client.Configuration(server, 'app', undefined, client.None());
      client.allowInsecureRequests(config);
      config[client.customFetch] = asJson;
      return { config, DPoP: client.getDPoPHandle(config, keys) };
    };
    const notes = ({ access_token: token }: { access_token: string }, { config, DPoP }: ReturnType<typeof endpoint>) =>
      client.fetchProtectedResource(config, token, new URL('/notes', origin), 'GET', null, undefined, { DPoP });

    const atLogin = endpoint('/auth/login');
    const credentials = { username: 'alice', password: 'alice-password' };
    const first = await client.genericGrantRequest(atLogin.config, 'password', credentials, { DPoP: atLogin.DPoP });
    expect(first.token_type).toBe('dpop');
    expect((await notes(first, atLogin)).status).toBe(200);

    const atRefresh = endpoint('/auth/refresh');
    const next = await client.refreshTokenGrant(atRefresh.config, first.refresh_token!, undefined, {
      DPoP: atRefresh.DPoP,
    });
    expect((await notes(next, atRefresh)).status).toBe(200);

    // Another key, and none.
    const stranger = {
      ...atLogin,
      DPoP: client.getDPoPHandle(atLogin.config, await client.randomDPoPKeyPair('ES256')),
    };
    await expect(notes(next, stranger)).rejects.toMatchObject({ status: 401 });
    expect((await t.http.get('/notes', { token: next.access_token })).status).toBe(401);

    const { config, DPoP } = atRefresh;
    const logout = new URL('/auth/logout', origin);
    const ended = await client.fetchProtectedResource(config, next.access_token, logout, 'POST', null, undefined, {
      DPoP,
    });
    expect(ended.status).toBe(204);
    await expect(notes(next, atRefresh)).rejects.toMatchObject({ status: 401 });
  });
});
