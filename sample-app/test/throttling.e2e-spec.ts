import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstOf } from '../../test/support/lengths.js';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

const ALICE = { username: 'alice', password: 'alice-password' };

describe.each(firstOf(['express', 'fastify'], 1))('the limit on logins on %s', (adapter) => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ HTTP_ADAPTER: adapter });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const login = (json: object, from: string, path = '/auth/login') => app.http.send('POST', path, { json, from });
  const attack = async (count: number, json: object, from: string) => {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) statuses.push((await login(json, from)).status);
    return statuses;
  };

  it('stops who guesses a password, while the user logs in from another address', async () => {
    const guess = { username: 'alice', password: 'a-guess' };
    expect(await attack(60, guess, '127.0.0.2')).toEqual(Array(60).fill(401));
    const { status, headers } = await login(guess, '127.0.0.2');
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await login(ALICE, '127.0.0.2')).status).toBe(429);
    expect((await login(ALICE, '127.0.0.3')).status).toBe(200);
  });

  it('lets others log in from the same address', async () => {
    expect((await login({ username: 'bob', password: 'bob-password' }, '127.0.0.2')).status).toBe(200);
  });

  it('believes no address that a client claims to have', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7' };
    const answer = await app.http.send('POST', '/auth/login', { json: ALICE, from: '127.0.0.2', headers });
    expect(answer.status).toBe(429);
  });

  it.runIf(adapter === 'express')('takes another spelling of the path for the same route', async () => {
    for (const path of ['/Auth/Login', '/auth/login/', '/auth/login?again']) {
      expect((await login(ALICE, '127.0.0.2', path)).status).toBe(429);
    }
  });

  it('stops who tries many usernames, and counts refreshes by the address', async () => {
    const spray = (index: number) => login({ username: `user${index}`, password: 'a-guess' }, '127.0.0.4');
    for (let i = 0; i < 600; i++) expect((await spray(i)).status).toBe(401);
    expect((await spray(600)).status).toBe(429);
    const refresh = (from: string) => login({ refresh_token: 'no.to.ken' }, from, '/auth/refresh');
    for (let i = 0; i < 600; i++) expect((await refresh('127.0.0.5')).status).toBe(401);
    expect((await refresh('127.0.0.5')).status).toBe(429);
    expect((await refresh('127.0.0.6')).status).toBe(401);
  });

  it('looks at no other route', async () => {
    const { access_token: token } = (await login(ALICE, '127.0.0.3')).body;
    for (let i = 0; i < 70; i++) {
      expect((await app.http.send('GET', '/notes', { token, from: '127.0.0.2' })).status).toBe(200);
    }
  });
});

describe('without the limit on logins', () => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ THROTTLE: 'off' });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  it('a client may log in as often as it likes', async () => {
    for (let i = 0; i < 70; i++) await app.login('alice');
  });
});
