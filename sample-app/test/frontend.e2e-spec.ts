import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';
import { HttpClient } from './support/http-client.js';

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0';
const alice = { username: 'alice', password: 'alice-password' };
const AT = /^The front end is at (\S+)$/m;

describe.each(['express', 'fastify'])('the front end on %s', (adapter) => {
  let app: AppProcess;
  let frontend: HttpClient;
  let hosts: { cookie: string; bearer: string };
  beforeAll(async () => {
    app = await AppProcess.start({ HTTP_ADAPTER: adapter, FRONTEND: 'on' });
    const { port } = new URL(await app.says(AT));
    hosts = { cookie: `localhost:${port}`, bearer: `127.0.0.1:${port}` };
    frontend = new HttpClient(Number(port));
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const get = (path: string, host = hosts.cookie) => frontend.send('GET', path, { headers: { host } });
  /** As a page of the front end sends it. */
  const call = (method: string, path: string, host: string, more: { json?: unknown; cookie?: string } = {}) => {
    const { cookie, json } = more;
    const own = { origin: `http://${host}`, 'sec-fetch-site': 'same-site', 'user-agent': USER_AGENT };
    const headers = { ...own, host: `${host.split(':')[0]}:${new URL(app.url).port}`, ...(cookie && { cookie }) };
    return app.http.send(method, path, { json, headers });
  };

  it('is plain files and the client of the library, under a policy without inline scripts', async () => {
    const page = await get('/');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const api = `http://localhost:${new URL(app.url).port}`;
    expect(page.headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${api}; ` +
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(page.text).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/);
    for (const path of ['/app.js', '/client/index.mjs', '/client/client.mjs']) {
      const { status, headers } = await get(path);
      expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/javascript; charset=utf-8']);
    }
  });

  it('shows nothing else', async () => {
    for (const path of ['/client/index.d.mts', '/../package.json', '/client/../index.js', '/app.module.js'])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    expect((await get('/', 'rebound.example')).status).toBe(421);
    expect((await frontend.send('POST', '/', { headers: { host: hosts.cookie } })).status).toBe(405);
  });

  it('has an origin for each mode of the client', async () => {
    const { port } = new URL(app.url);
    expect((await get('/config.json')).body).toEqual({
      baseUrl: `http://localhost:${port}/auth`,
      mode: 'cookie',
      other: { mode: 'bearer', url: `http://${hosts.bearer}/` },
    });
    expect((await get('/config.json', hosts.bearer)).body).toMatchObject({ mode: 'bearer' });
  });

  it('may call the API with cookies, without a setting of its own', async () => {
    const login = await call('POST', '/auth/login', hosts.cookie, { json: alice });
    expect([login.status, login.body.access_token]).toEqual([200, undefined]);
    expect(login.headers).toMatchObject({
      'access-control-allow-origin': `http://${hosts.cookie}`,
      'access-control-allow-credentials': 'true',
    });
    const lines = [login.headers['set-cookie']!].flat();
    const cookie = lines.map((line) => line.split(';')[0]!).join('; ');
    expect((await call('GET', '/me', hosts.cookie, { cookie })).body).toEqual({ username: 'alice' });
    expect((await call('POST', '/auth/logout', hosts.cookie, { cookie })).status).toBe(204);
  });

  it('gets tokens at its other origin', async () => {
    const { status, body, headers } = await call('POST', '/auth/login', hosts.bearer, { json: alice });
    expect([status, headers['set-cookie']]).toEqual([200, undefined]);
    expect((await app.http.send('GET', '/me', { token: body.access_token })).body).toEqual({ username: 'alice' });
  });

  it('control: pages of other origins may not', async () => {
    const { status, headers } = await call('POST', '/auth/login', 'localhost:1', { json: alice });
    expect([status, headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });
});

describe('the front end', () => {
  it('is off by default', async () => {
    const app = await AppProcess.start();
    const { headers } = await app.http.send('GET', '/health', { headers: { origin: 'http://localhost:3001' } });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    await app.stop();
  });

  it('has one mode only where all tokens are in the body, and says when its port is in use', async () => {
    const app = await AppProcess.start({ FRONTEND: 'on', TRANSPORT: 'bearer' });
    const { host, port } = new URL(await app.says(AT));
    const http = new HttpClient(Number(port));
    const { body } = await http.send('GET', '/config.json', { headers: { host } });
    expect(body).toMatchObject({ mode: 'bearer', other: null });
    const { code, output } = await AppProcess.failure({ FRONTEND: 'on', FRONTEND_PORT: port });
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/^Port \d+ is in use: choose another one with FRONTEND_PORT=3002, or FRONTEND_PORT=0/m),
    ]);
    await app.stop();
  });
});
