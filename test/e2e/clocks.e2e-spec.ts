import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import { notingLogger } from '../support/noting-logger';

describe.each(environments)('a clock that is wrong: $title', ({ platform, kind }) => {
  let t: TestApp;
  const logged: string[] = [];

  beforeEach(async () => {
    const logger = notingLogger((line) => logged.push(String(line)), 'warn', 'error');
    t = await createApp(platform, kind, { logger });
    await t.users.add('alice');
    logged.length = 0;
  });
  afterEach(() => t.close());

  const refresh = (token: string) => t.http.post('/auth/refresh', { json: { refresh_token: token } });
  const rowOf = (login: any) => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: login.session_id });
  const warnings = () => logged.filter((line) => line.includes('clocks'));

  it.each(['1h', '30d'])(
    'set back by %s: the session goes on, and its next refresh puts its times right',
    async (by) => {
      const login = await t.login();
      t.clock.advance('6m');
      const first = (await refresh(login.refresh_token)).body;
      t.clock.advance(`-${by}`);
      expect(await t.statusOf(first.access_token)).toBe(204);
      const second = await refresh(first.refresh_token);
      expect([second.status, claimsOf(second.body.refresh_token).gen]).toEqual([200, 2]);
      expect(await rowOf(login)).toMatchObject({
        rotatedAt: t.clock.now(),
        expiresAt: t.clock.now() + 86_400_000,
      });
      expect(await t.statusOf(second.body.access_token)).toBe(204);
    },
  );

  it('set back by an hour: a replay is noticed, as at any other time', async () => {
    const login = await t.login();
    const { access_token: used } = (await refresh(login.refresh_token)).body;
    expect(await t.statusOf(used)).toBe(204);
    await expect.poll(async () => (await rowOf(login)).lastUsedAt).toBe(t.clock.now() + 1);
    t.clock.advance('-1h');
    expect((await refresh(login.refresh_token)).body.code).toBe('refresh_token_reused');
    expect(await t.statusOf(used)).toBe(401);
  });

  it('behind by less than the margin: a second tab gets the same successor, though it was used', async () => {
    const login = await t.login();
    const first = (await refresh(login.refresh_token)).body;
    expect(await t.statusOf(first.access_token)).toBe(204);
    await expect.poll(async () => (await rowOf(login)).lastUsedAt).toBe(t.clock.now() + 1);
    t.clock.advance('-9s');
    const second = (await refresh(login.refresh_token)).body;
    expect(claimsOf(second.refresh_token).token_key).toBe(claimsOf(first.refresh_token).token_key);
    expect(warnings()).toEqual([]);
  });

  it('behind by more than the margin: said in the log, once in a while, without secrets', async () => {
    const login = await t.login();
    t.clock.advance('-5m');
    for (let i = 0; i < 3; i++) expect(await t.statusOf(login.access_token)).toBe(204);
    expect(warnings()).toEqual([
      '[jwt-knox:clocks-differ] The clocks of the servers differ, or this one was set back: a session was used 300 s in the future. Keep them right with NTP.',
    ]);
  });

  it('ahead: says nothing, for old rows are as old as that', async () => {
    const login = await t.login();
    t.clock.advance('4m');
    expect(await t.statusOf(login.access_token)).toBe(204);
    expect(warnings()).toEqual([]);
  });
});
