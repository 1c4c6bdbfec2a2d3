import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe('changing a password', () => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ THROTTLE: 'off' });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const send = (token: string, current_password: string, new_password: string) =>
    app.http.send('PUT', '/me/password', { token, json: { current_password, new_password } });
  const change = async (...given: Parameters<typeof send>) => (await send(...given)).status;

  it('keeps the session that changes it, with new tokens, and ends all others', async () => {
    const [mine, other] = [await app.login('alice'), await app.login('alice')];
    const { status, body: fresh } = await send(mine.access_token, 'alice-password', 'another-password');
    expect([status, fresh.session_id]).toEqual([200, mine.session_id]);
    expect(await app.accepts(fresh.access_token)).toBe(true);
    // Whoever shares the session, or has copied its tokens, is out.
    for (const { access_token: token } of [mine, other]) expect(await app.accepts(token)).toBe(false);
    const refresh = (refresh_token: string) => app.http.send('POST', '/auth/refresh', { json: { refresh_token } });
    const statuses = [fresh, mine, other].map(async (one) => (await refresh(one.refresh_token)).status);
    expect(await Promise.all(statuses)).toEqual([200, 401, 401]);
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
      const { status, body: fresh } = await send(mine.access_token, password, next);
      expect(status).toBe(200);
      stop.abort();
      await Promise.all(others);
      expect(await Promise.all(tokens.map((token) => app.accepts(token)))).toEqual(tokens.map(() => false));
      expect(await app.accepts(fresh.access_token)).toBe(true);
      password = next;
    }
  });

  it('goes through once when two sessions change it at the same time', async () => {
    const [one, two] = [await app.login('bob'), await app.login('bob')];
    const answers = await Promise.all([
      send(one.access_token, 'bob-password', 'first-password'),
      send(two.access_token, 'bob-password', 'second-password'),
    ]);
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    const tokens = [one, two, winners[0]!.body].map(({ access_token: token }) => app.accepts(token));
    expect(await Promise.all(tokens)).toEqual([false, false, true]);
  });
});
