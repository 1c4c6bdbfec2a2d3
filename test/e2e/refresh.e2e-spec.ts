import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SECRET, createApp, environments, type TestApp } from '../support/create-app';
import { LastUsed } from '../../lib/sessions/last-used';
import { claimsOf } from '../support/decode';
import { forge, signerOf } from '../support/forge';
import { useApp } from '../support/use-app';

/** The same token with other claims, rightly signed: what somebody with the signing key can make. */
const resigned = (token: string, payload: Record<string, unknown>) =>
  forge(token, signerOf('HS256', SECRET), { payload });

describe.each(environments)('refreshing a session: $title', ({ platform, kind }) => {
  let t: TestApp;
  let name = '';
  useApp({ platform, kind }, (app, { username }) => ([t, name] = [app, username]));

  const refresh = (token: string) => t.http.post('/auth/refresh', { json: { refresh_token: token } });
  const refreshed = async (token: string) => {
    const answer = await refresh(token);
    expect([answer.status, answer.body.code]).toEqual([200, undefined]);
    return answer.body as {
      access_token: string;
      refresh_token: string;
      refresh_expires_in: number;
      session_id: string;
    };
  };
  const isAlive = async (token: string) => (await t.statusOf(token)) === 204;
  const keyOf = (token: string) => claimsOf(token).token_key;
  const eventNames = () => t.events.map((one) => one.name);

  it('answers with new tokens of the same session, never cached', async () => {
    const login = await t.login(name);
    t.clock.advance('1m');
    const answer = await refresh(login.refresh_token);
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toEqual({
      token_type: 'Bearer',
      access_token: expect.any(String),
      expires_in: 300,
      refresh_token: expect.any(String),
      refresh_expires_in: 86_400,
      session_id: login.session_id,
    });
    expect(keyOf(answer.body.refresh_token)).not.toBe(keyOf(login.refresh_token));
    expect(claimsOf(answer.body.refresh_token).gen).toBe(1);
    // The access token of another tab stays good until its own expiry.
    expect(await isAlive(login.access_token)).toBe(true);
    expect(await isAlive(answer.body.access_token)).toBe(true);
  });

  it('gives a second tab the same successor, within the reuse interval', async () => {
    const login = await t.login(name);
    const [first, second] = [await refreshed(login.refresh_token), await refreshed(login.refresh_token)];
    expect(keyOf(second.refresh_token)).toBe(keyOf(first.refresh_token));
    const simultaneous = await Promise.all(Array.from({ length: 10 }, () => refreshed(login.refresh_token)));
    expect(new Set(simultaneous.map((one) => keyOf(one.refresh_token)))).toEqual(new Set([keyOf(first.refresh_token)]));
  });

  it('rotates at most once per reuse interval', async () => {
    const first = await refreshed((await t.login(name)).refresh_token);
    const again = await refreshed(first.refresh_token);
    expect(keyOf(again.refresh_token)).toBe(keyOf(first.refresh_token));
    t.clock.advance('10s');
    expect(keyOf((await refreshed(again.refresh_token)).refresh_token)).not.toBe(keyOf(first.refresh_token));
  });

  it('answers a retry after a lost answer within the retry window, when the successor was never used', async () => {
    const login = await t.login(name);
    const lost = await refreshed(login.refresh_token);
    t.clock.advance('4m');
    t.clock.advance('59s');
    const retried = await refreshed(login.refresh_token);
    expect(keyOf(retried.refresh_token)).toBe(keyOf(lost.refresh_token));
    expect(await isAlive(retried.access_token)).toBe(true);
    expect(keyOf((await refreshed(retried.refresh_token)).refresh_token)).not.toBe(keyOf(lost.refresh_token));
  });

  it('takes what comes after the retry window for a replay, though the successor was never used', async () => {
    const login = await t.login(name);
    await refreshed(login.refresh_token);
    t.clock.advance('5m');
    expect((await refresh(login.refresh_token)).body.code).toBe('refresh_token_reused');
  });

  it('does not take an old access token for a sign that the answer arrived', async () => {
    const login = await t.login(name);
    t.clock.advance('1m');
    await refreshed(login.refresh_token);
    t.clock.advance('70s');
    expect(await isAlive(login.access_token)).toBe(true);
    await settled();
    await refreshed(login.refresh_token);
  });

  it('takes the first use of the new access token for a sign that the answer arrived: a later replay ends the session', async () => {
    const login = await t.login(name);
    const next = await refreshed(login.refresh_token);
    expect(await isAlive(next.access_token)).toBe(true);
    await settled();
    t.clock.advance('11s');
    expect((await refresh(login.refresh_token)).body.code).toBe('refresh_token_reused');
  });

  it('ends the session when a rotated token is replayed: the newest tokens of the family are dead too', async () => {
    const login = await t.login(name);
    const first = await refreshed(login.refresh_token);
    t.clock.advance('11s');
    const newest = await refreshed(first.refresh_token);
    const replay = await refresh(login.refresh_token);
    expect(replay.status).toBe(401);
    expect(replay.body.code).toBe('refresh_token_reused');
    expect(replay.headers['www-authenticate']).toMatch(/^Bearer realm=.*error="invalid_token"/);
    expect((await refresh(newest.refresh_token)).body.code).toBe('invalid_refresh_token');
    expect(await isAlive(newest.access_token)).toBe(false);
    expect(eventNames()).toEqual(expect.arrayContaining(['refresh.reused', 'session.revoked']));
    expect((await refresh(login.refresh_token)).body.code).toBe('invalid_refresh_token');
  });

  it("S2: a forged replay, made with the signing key but without the session's key, ends nobody's session", async () => {
    const login = await t.login(name);
    const first = await refreshed(login.refresh_token);
    t.clock.advance('11s');
    const newest = await refreshed(first.refresh_token);
    const random = () => randomBytes(32).toString('base64url');
    for (const change of [
      { session_key: random() },
      { session_key: random(), token_key: random() },
      { session_key: random(), gen: 0 },
    ]) {
      const answer = await refresh(resigned(login.refresh_token, change));
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_refresh_token']);
    }
    // A current token with another session key would yield an access token of nobody's.
    expect((await refresh(resigned(newest.refresh_token, { session_key: random() }))).status).toBe(401);
    expect(await isAlive(newest.access_token)).toBe(true);
    t.clock.advance('11s');
    await refreshed(newest.refresh_token);
  });

  it('refuses generations from the future and changes nothing', async () => {
    const login = await t.login(name);
    expect((await refresh(resigned(login.refresh_token, { gen: 5 }))).body.code).toBe('invalid_refresh_token');
    await refreshed(login.refresh_token);
  });

  it('S5: an access token refreshes nothing, a refresh token authenticates nothing', async () => {
    const login = await t.login(name);
    expect((await refresh(login.access_token)).body.code).toBe('invalid_refresh_token');
    expect((await t.http.get('/auth/verify', { token: login.refresh_token })).body.code).toBe('invalid_token');
  });

  it('S3: a row that was re-pointed to another user refreshes nothing', async () => {
    const login = await t.login(name);
    const other = await t.users.add(`${name}-other`);
    await t.source.query(
      `UPDATE jwt_knox_sessions SET ${quoted('userId', kind)} = '${other.id}' WHERE id = '${login.session_id}'`,
    );
    expect((await refresh(login.refresh_token)).body.code).toBe('invalid_refresh_token');
  });

  it('renews the idle lifetime, never past the greatest lifetime', async () => {
    let tokens = await t.login(name);
    for (let day = 0; day < 29; day++) {
      t.clock.advance('23h');
      t.clock.advance('59m');
      tokens = await refreshed(tokens.refresh_token);
    }
    // Under a day is left of the thirty.
    t.clock.advance('12h');
    tokens = await refreshed(tokens.refresh_token);
    expect(tokens.refresh_expires_in).toBeLessThan(86_400 / 2 + 30 * 60);
    t.clock.advance('13h');
    expect((await refresh(tokens.refresh_token)).body.code).toBe('refresh_token_expired');
  });

  it('refuses an expired refresh token, and one whose session has expired', async () => {
    const login = await t.login(name);
    const longer = resigned(login.refresh_token, { exp: claimsOf(login.refresh_token).exp + 1_000_000 });
    t.clock.advance('1d');
    expect((await refresh(login.refresh_token)).body.code).toBe('refresh_token_expired');
    expect((await refresh(longer)).body.code).toBe('refresh_token_expired');
  });

  it('ends the session of an inactive user; a removed user gets nothing', async () => {
    const [first, second] = [await t.login(name), await t.login(name)];
    await t.users.rows.update({ username: name }, { isActive: false });
    expect((await refresh(first.refresh_token)).body.code).toBe('invalid_refresh_token');
    expect(eventNames()).toContain('session.revoked');
    await t.users.rows.update({ username: name }, { isActive: true });
    expect(await isAlive(first.access_token)).toBe(false);
    expect(await isAlive(second.access_token)).toBe(true);
    await t.users.rows.delete({ username: name });
    expect((await refresh(second.refresh_token)).body.code).toBe('invalid_refresh_token');
  });

  it('answers wrong input with 400 and echoes nothing', async () => {
    for (const json of [{}, { refresh_token: 7 }, { refresh_token: ['x'] }, { refresh_token: null }, []]) {
      const answer = await t.http.post('/auth/refresh', { json });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    }
    const form = await t.http.post('/auth/refresh', {
      body: 'refresh_token=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(form.status).toBe(415);
    const junk = await refresh('junk');
    expect([junk.status, junk.text.includes('junk')]).toEqual([401, false]);
  });

  it('costs two look-ups side by side and one UPDATE', async () => {
    const login = await t.login(name);
    const before = t.statements.length;
    await refreshed(login.refresh_token);
    const made = t.statements.slice(before);
    expect(made.filter((sql) => sql.startsWith('UPDATE'))).toHaveLength(1);
    expect(made).toHaveLength(3);
  });

  /** Writes that no request waits for, such as the note of a session's use, are done. */
  const settled = () => t.app.get(LastUsed, { strict: false }).beforeApplicationShutdown();
});

describe.each(environments)('refresh options: $title', ({ platform, kind }) => {
  it('rotate: false keeps the refresh token', async () => {
    const t = await createApp(platform, kind, { options: { refreshToken: { rotate: false } } });
    try {
      await t.users.add('alice');
      const login = await t.login();
      for (let i = 0; i < 3; i++) {
        t.clock.advance('1h');
        const answer = await t.http.post('/auth/refresh', { json: { refresh_token: login.refresh_token } });
        expect(answer.status).toBe(200);
        expect(claimsOf(answer.body.refresh_token)).toMatchObject({
          gen: 0,
          token_key: claimsOf(login.refresh_token).token_key,
        });
      }
    } finally {
      await t.close();
    }
  });

  it('reuseInterval 0 rotates at every use; only an unused successor forgives', async () => {
    const t = await createApp(platform, kind, { options: { refreshToken: { reuseInterval: 0 } } });
    const refresh = async (token: string) =>
      (await t.http.post('/auth/refresh', { json: { refresh_token: token } })).body;
    try {
      await t.users.add('alice');
      const login = await t.login();
      const first = await refresh(login.refresh_token);
      expect(claimsOf((await refresh(login.refresh_token)).refresh_token).token_key).toBe(
        claimsOf(first.refresh_token).token_key,
      );
      const second = await refresh(first.refresh_token);
      expect(claimsOf(second.refresh_token).gen).toBe(2);
      expect((await refresh(login.refresh_token)).code).toBe('refresh_token_reused');
      expect((await refresh(second.refresh_token)).code).toBe('invalid_refresh_token');
    } finally {
      await t.close();
    }
  });
});

function quoted(name: string, kind: string): string {
  return kind === 'mariadb' ? `\`${name}\`` : `"${name}"`;
}
