import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { firstOf } from '../../test/support/lengths.js';
import { AppProcess, NPM_START, START_TIMEOUT } from './support/app-process.js';

describe('a start', () => {
  beforeAll(() => AppProcess.build(), START_TIMEOUT);

  it('that cannot succeed tells every problem of the environment in one readable message', async () => {
    const { code, output } = await AppProcess.failure({
      PORT: 'http',
      HTTP_ADAPTER: 'koa',
      DATABASE_URL: 'oracle://user:top-secret@127.0.0.1/db',
      ACCESS_TTL: 'five minutes',
      SESSION_LIMIT: '-1',
      THROTTLE: 'maybe',
    });
    expect(code).toBe(1);
    for (const problem of [
      'PORT: must be a whole number from 0 to 65535, not "http".',
      'HTTP_ADAPTER: must be express or fastify, not "koa".',
      'DATABASE_URL: cannot be read; give one of sqlite::memory:',
      'ACCESS_TTL: must be a duration such as 90s, 5m, 12h or 30d, not "five minutes".',
      'SESSION_LIMIT: must be a whole number from 1 to 1000, not "-1".',
      'THROTTLE: must be on or off, not "maybe".',
    ]) {
      expect(output).toContain(`  - ${problem}`);
    }
    expect(output).not.toContain('top-secret');
    expect(output).not.toMatch(/^\s+at /m);
  });

  const MISFITS: [Record<string, string>, RegExp][] = [
    [{ JWT_SECRET: 'too-short' }, /secret/],
    [{ ACCESS_TTL: '2d' }, /accessToken\.ttl/],
    [{ ON_LIMIT: 'reject' }, /session\.onLimit: has no effect without session\.limitPerUser/],
  ];

  it.each(firstOf(MISFITS, 1))('with %j passes on what the library has against it', async (env, problem) => {
    const { code, output } = await AppProcess.failure(env);
    expect(code).toBe(1);
    const lastWords = output.slice(output.lastIndexOf('JwtKnoxModule is misconfigured'));
    expect(lastWords).toMatch(problem);
    expect(lastWords).not.toMatch(/^\s+at /m);
  });

  it.each(firstOf(['fastify', 'express'], 1))('on %s answers in health, and ends at SIGTERM', async (adapter) => {
    const app = await AppProcess.start({ HTTP_ADAPTER: adapter });
    const { status, body } = await app.http.send('GET', '/health');
    const stopped = await app.stop();
    expect([status, body, stopped]).toEqual([200, { status: 'ok' }, 'SIGTERM']);
  });

  it('whose port is in use says what to set', async () => {
    const app = await AppProcess.start();
    try {
      const { code, output } = await AppProcess.failure({ PORT: new URL(app.url).port });
      expect([code, output]).toEqual([
        1,
        expect.stringMatching(/^Port \d+ is in use: choose another one with PORT=3001/m),
      ]);
    } finally {
      await app.stop();
    }
  });

  it.each(firstOf(['express', 'fastify'], 1))(
    'on %s shows a browser who there is, and logs in by cookies',
    async (adapter) => {
      const app = await AppProcess.start({ HTTP_ADAPTER: adapter });
      try {
        const home = await app.http.send('GET', '/', { headers: { host: '"><script>' } });
        expect([home.status, home.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
        expect(home.text).toContain('<td>alice</td><td>alice-password</td>');
        expect(home.text).not.toContain('<script>');
        const json = { username: 'alice', password: 'alice-password' };
        const headers = { 'sec-fetch-site': 'same-origin', 'user-agent': 'Mozilla/5.0' };
        const { body, headers: sent } = await app.http.send('POST', '/auth/login', { json, headers });
        expect(body).not.toHaveProperty('access_token');
        const cookie = [sent['set-cookie']!]
          .flat()
          .map((line) => line.split(';')[0]!)
          .join('; ');
        const session = await app.http.send('GET', '/auth/session', { headers: { ...headers, cookie } });
        expect(session.body).toMatchObject({ id: body.session_id, current: true });
        const devices = await app.http.send('GET', '/auth/devices', { headers: { ...headers, cookie } });
        expect([devices.status, devices.headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/html/)]);
        const changed = await app.http.send('PUT', '/me/password', {
          json: { current_password: 'alice-password', new_password: 'alice-new-password' },
          headers: { ...headers, cookie },
        });
        expect([changed.status, changed.body.access_token]).toEqual([200, undefined]);
        expect(changed.headers['set-cookie']).toHaveLength(2);
      } finally {
        await app.stop();
      }
    },
  );

  it.each(firstOf(['fastify', 'express'], 1))('on %s serves https with a key and a certificate', async (adapter) => {
    const folder = mkdtempSync(join(tmpdir(), 'jwt-knox-tls-'));
    const [TLS_KEY, TLS_CERT] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-keyout', TLS_KEY, '-out', TLS_CERT];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    execFileSync('openssl', ['req', ...kind, ...subject], { stdio: 'ignore' });
    const app = await AppProcess.start({ HTTP_ADAPTER: adapter, TLS_KEY, TLS_CERT });
    try {
      expect(app.url).toMatch(/^https:/);
      const status = await new Promise((resolve, reject) => {
        const trust = { ca: readFileSync(TLS_CERT), servername: 'localhost' };
        get(`${app.url}/health`, trust, (response) => resolve(response.resume().statusCode)).on('error', reject);
      });
      expect(status).toBe(200);
    } finally {
      await app.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('by npm leaves nothing running when npm is told to stop', async () => {
    const app = await AppProcess.start({}, NPM_START);
    await app.stop();
    await expect(app.http.send('GET', '/health')).rejects.toThrow('ECONNREFUSED');
  });

  it('takes lifetimes, issuer, audience, limit and the debug route from the environment', async () => {
    const app = await AppProcess.start({
      ACCESS_TTL: '120', REFRESH_TTL: '1h', REUSE_INTERVAL: '5s', ISSUER: 'https://sample.example', AUDIENCE: 'one, two',
      SESSION_LIMIT: '1', ON_LIMIT: 'evict-oldest', CLOCK_TOLERANCE: '1s', STORAGE_TIMEOUT: '3s', DEBUG_VERIFY: 'on',
    }); // prettier-ignore
    try {
      const [first, second] = [await app.login('alice'), await app.login('alice')];
      expect(second).toMatchObject({ expires_in: 120, refresh_expires_in: 3_600 });
      expect([await app.accepts(first.access_token), await app.accepts(second.access_token)]).toEqual([false, true]);
      const { body } = await app.http.send('GET', '/auth/debug-verify', { token: second.access_token });
      expect(body.claims).toMatchObject({ iss: 'https://sample.example', aud: ['one', 'two'] });
    } finally {
      await app.stop();
    }
  });
});
