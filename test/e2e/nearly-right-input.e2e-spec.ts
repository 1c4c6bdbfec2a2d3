import { JwtKnoxSession } from '../../lib/typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import type { Platform } from '../support/platforms';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

describe.each(everyEnvironment)('input that is nearly right: $title', ({ platform, kind }) => {
  afterEach(() => t.close());

  it('refuses moments that ISO 8601 knows and JavaScript does not read', async () => {
    await open(platform, kind);
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    const before = async (moment: string) =>
      t.http.get(`/auth/sessions?before=${encodeURIComponent(moment)}`, { token });
    for (const moment of ['2024-W05-1', '2024-123', '2024-01-31T10:00:00,5Z', '2024-01-31T10Z']) {
      const answer = await before(moment);
      expect([moment, answer.status, answer.body.code]).toEqual([moment, 400, 'invalid_request']);
    }
    expect((await before('2999-01-31T10:00:00.000Z')).body).toHaveLength(1);
  });

  it('shows presenters in events as the columns keep them: cleaned and cut', async () => {
    await open(platform, kind, { options: { session: { bindUserAgent: 'warn' } } });
    await t.users.add('alice');
    const tokens = await t.login();
    const headers = { 'user-agent': `evil\u009b31m${'x'.repeat(5_000)}` };
    const json = { username: 'alice', password: 'wrong' };
    await t.http.post('/auth/login', { json, headers });
    await t.http.get('/auth/verify', { token: 'x', headers });
    await t.http.get('/auth/verify', { token: tokens.access_token, headers });
    const refresh = () => t.http.post('/auth/refresh', { json: { refresh_token: tokens.refresh_token }, headers });
    const next = (await refresh()).body.access_token;
    t.clock.advance('61s');
    await t.http.get('/auth/verify', { token: next });
    await expect.poll(() => lastUseOf(t.source, next)).toBe(t.clock.now());
    expect((await refresh()).body.code).toBe('refresh_token_reused');
    for (const name of ['login.failed', 'authentication.rejected', 'user-agent.changed', 'refresh.reused']) {
      const told = t.events.filter((one) => one.name === name).map(({ event }) => event.presenter.userAgent as string);
      expect([name, told.length > 0]).toEqual([name, true]);
      // Node sends the byte of a C1 control as it is, or as two of UTF-8, depending on the body.
      for (const userAgent of told) expect([name, userAgent]).toEqual([name, expect.stringMatching(/^evilÂ?31mx+$/)]);
      for (const userAgent of told) expect(userAgent).toHaveLength(512);
    }
  });
});

async function lastUseOf(source: TestApp['source'], token: string): Promise<number> {
  const { sid } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string };
  return (await source.getRepository(JwtKnoxSession).findOneByOrFail({ id: sid })).lastUsedAt;
}
