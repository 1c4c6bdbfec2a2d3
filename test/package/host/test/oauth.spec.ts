import { generateKeyPairSync } from 'node:crypto';
import { appWith, forRoot } from '../src/apps.js';
import { type Running, start } from './start.js';

const issuer = 'https://auth.example.com';
const secret = 'Kq7xPz2mWv9tRb4nYc6hJd8s';
const authorization = `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}`;

describe('An application that other services ask, below a global prefix', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const knox = forRoot({
    keys: [{ kid: 'a', algorithm: 'ES256', privateKey }],
    issuer,
    audience: 'https://api.example.com',
    clients: [{ id: 'gateway', secret, may: ['introspect', 'revoke'] }],
    routes: { oauth: true, jwks: true },
  });
  let running: Running;
  beforeAll(async () => {
    running = await start(appWith(knox), false, (app) => {
      app.setGlobalPrefix('api', { exclude: ['.well-known/{*path}'] });
    });
  });
  afterAll(() => running.app.close());

  it('tells where it can be asked, answers, and ends a session', async () => {
    const metadata = await running.request('GET', '/.well-known/oauth-authorization-server');
    expect(metadata).toMatchObject({
      status: 200,
      body: {
        issuer,
        introspection_endpoint: `${issuer}/api/auth/introspect`,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
      },
    });
    const json = { username: 'alice', password: 'correct horse' };
    const { access_token: token } = (await running.request('POST', '/api/auth/login', { json })).body;
    const ask = (path: string) => running.request('POST', `/api/auth/${path}`, { authorization, form: { token } });
    expect(await ask('introspect')).toMatchObject({ status: 200, body: { active: true, sub: '7', client_id: issuer } });
    expect(await ask('revoke')).toEqual({ status: 200, body: undefined });
    expect(await ask('introspect')).toEqual({ status: 200, body: { active: false } });
  });

  it('shows its public keys, and keeps strangers out', async () => {
    const { body } = await running.request('GET', '/.well-known/jwks.json');
    expect(body.keys).toEqual([expect.objectContaining({ kid: 'a', kty: 'EC', alg: 'ES256', use: 'sig' })]);
    const stranger = await running.request('POST', '/api/auth/introspect', { form: { token: 'x' } });
    expect(stranger).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});
