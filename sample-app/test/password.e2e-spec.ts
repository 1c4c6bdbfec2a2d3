import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe('changing a password', () => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ THROTTLE: 'off' });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const change = async (token: string, current_password: string, new_password: string) =>
    (await app.http.send('PUT', '/me/password', { token, json: { current_password, new_password } })).status;

  it('keeps the session that changes it and ends all others', async () => {
    const [mine, other] = [await app.login('alice'), await app.login('alice')];
    expect(await change(mine.access_token, 'alice-password', 'another-password')).toBe(204);
    expect(await app.accepts(mine.access_token)).toBe(true);
    expect(await app.accepts(other.access_token)).toBe(false);
    const refresh = (refresh_token: string) => app.http.send('POST', '/auth/refresh', { json: { refresh_token } });
    expect((await refresh(mine.refresh_token)).status).toBe(200);
    expect((await refresh(other.refresh_token)).status).toBe(401);
  });

  it('lets in with the new password only', async () => {
    await expect(app.login('alice')).rejects.toThrow('401');
    expect(await app.accepts((await app.login('alice', 'another-password')).access_token)).toBe(true);
  });

  it('needs the current password, and changes nothing without it', async () => {
    const [mine, other] = [await app.login('bob'), await app.login('bob')];
    expect(await change(mine.access_token, 'not-his-password', 'another-password')).toBe(403);
    expect([await app.accepts(mine.access_token), await app.accepts(other.access_token)]).toEqual([true, true]);
  });

  it('needs a token', async () => {
    expect(await change('no.to.ken', 'bob-password', 'another-password')).toBe(401);
  });

  it('refuses a new password that is too short', async () => {
    const { access_token } = await app.login('bob');
    expect(await change(access_token, 'bob-password', 'short')).toBe(400);
  });

  it('ends logins that were under way with the old password', async () => {
    let password = 'admin-password';
    for (let round = 0; round < 40; round++) {
      const mine = await app.login('admin', password);
      const tokens: string[] = [];
      const stop = new AbortController();
      const keepLoggingIn = async () => {
        while (!stop.signal.aborted) {
          const answer = await app.login('admin', password).catch(() => null);
          if (answer) tokens.push(answer.access_token);
        }
      };
      const others = [keepLoggingIn(), keepLoggingIn(), keepLoggingIn()];
      const next = `admin-password-${round}`;
      expect(await change(mine.access_token, password, next)).toBe(204);
      stop.abort();
      await Promise.all(others);
      expect(await Promise.all(tokens.map((token) => app.accepts(token)))).toEqual(tokens.map(() => false));
      expect(await app.accepts(mine.access_token)).toBe(true);
      password = next;
    }
  });

  it('goes through once when two sessions change it at the same time', async () => {
    const [one, two] = [await app.login('bob'), await app.login('bob')];
    const answers = await Promise.all([
      change(one.access_token, 'bob-password', 'first-password'),
      change(two.access_token, 'bob-password', 'second-password'),
    ]);
    expect(answers.filter((status) => status === 204)).toHaveLength(1);
    const [winner, loser] = answers[0] === 204 ? [one, two] : [two, one];
    expect([await app.accepts(winner.access_token), await app.accepts(loser.access_token)]).toEqual([true, false]);
  });
});
