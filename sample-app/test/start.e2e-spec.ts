import { beforeAll, describe, expect, it } from 'vitest';
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

  it.each([
    [{ JWT_SECRET: 'too-short' }, /secret/],
    [{ ACCESS_TTL: '2d' }, /accessToken\.ttl/],
    [{ ON_LIMIT: 'reject' }, /session\.onLimit: has no effect without session\.limitPerUser/],
  ])('with %j passes on what the library has against it', async (env, problem) => {
    const { code, output } = await AppProcess.failure(env);
    expect(code).toBe(1);
    const lastWords = output.slice(output.lastIndexOf('JwtKnoxModule is misconfigured'));
    expect(lastWords).toMatch(problem);
    expect(lastWords).not.toMatch(/^\s+at /m);
  });

  it.each(['express', 'fastify'])('on %s answers in health, and ends at SIGTERM', async (adapter) => {
    const app = await AppProcess.start({ HTTP_ADAPTER: adapter });
    const { status, body } = await app.http.send('GET', '/health');
    const stopped = await app.stop();
    expect([status, body, stopped]).toEqual([200, { status: 'ok' }, 'SIGTERM']);
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
