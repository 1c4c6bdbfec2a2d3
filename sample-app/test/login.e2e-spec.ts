import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe('S8: a refused login', () => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ THROTTLE: 'off', PASSWORD_COST: 'normal' });
    const { access_token: token } = await app.login('admin');
    await app.http.send('PATCH', '/users/bob', { token, json: { is_active: false } });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const attempts = {
    'an unknown user': { username: 'nobody', password: 'alice-password' },
    'a name that cannot be': { username: 'no body', password: 'alice-password' },
    'a wrong password': { username: 'alice', password: 'not-her-password' },
    'a disabled user': { username: 'bob', password: 'bob-password' },
    'a disabled user with a wrong password': { username: 'bob', password: 'not-his-password' },
  };
  const login = (json: object) => app.http.send('POST', '/auth/login', { json });

  it('tells nobody why, by status, headers or body', async () => {
    const answers = await Promise.all(Object.values(attempts).map(login));
    for (const { status, body, headers } of answers) {
      expect({ status, body, challenge: headers['www-authenticate'] }).toEqual({
        status: 401,
        body: answers[0]!.body,
        challenge: answers[0]!.headers['www-authenticate'],
      });
    }
    expect(answers[0]!.body.code).toBe('invalid_credentials');
  });

  it('tells nobody why by the time it takes', async () => {
    const times = Object.values(attempts).map((json) => ({ json, taken: [] as number[] }));
    // In turns, so that a busy machine delays all of them alike.
    for (let round = 0; round < 15; round++) {
      for (const { json, taken } of times) {
        const begin = performance.now();
        await login(json);
        taken.push(performance.now() - begin);
      }
    }
    const medians = times.map(({ taken }) => taken.toSorted((a, b) => a - b)[7]!);
    expect(Math.max(...medians) / Math.min(...medians)).toBeLessThan(1.8);
  });
});
