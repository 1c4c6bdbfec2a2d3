import { afterEach, describe, expect, it } from 'vitest';
import type { JwtKnoxOptions } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';

const MINUTE = 60_000;
/** A duration of minutes and some milliseconds more or less. */
const minutes = (count: number, ms = 0) => `${count * MINUTE + ms}ms`;

describe.each(environments)('an idle session in single-token mode: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  const start = async (session: JwtKnoxOptions['session'] = {}, settings: AppSettings = {}) => {
    const options = { refreshToken: false as const, session: { idleTimeout: '30m', maxLifetime: '8h', ...session } };
    t = await createApp(platform, kind, { options, ...settings });
    await t.users.add('alice', { isAdmin: true });
  };
  const row = (id: string) => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id });
  /** Uses the token until the use is noted: a note is skipped while the one before is still being written. */
  const use = async ({ access_token: token, session_id: id }: any) => {
    const status = await t.statusOf(token);
    const isNoted = async () => (await t.statusOf(token)) !== 204 || (await row(id)).lastUsedAt === t.clock.now();
    if (status === 204) await expect.poll(isNoted).toBe(true);
    return status;
  };
  const reasons = () =>
    t.events.filter(({ name }) => name === 'authentication.rejected').map(({ event }) => event.reason);

  it('ends when it was not used for the idle timeout, and a late note of its last use', async () => {
    await start();
    const login = await t.login();
    t.clock.advance(minutes(31, -1));
    expect(await use(login)).toBe(204);
    t.clock.advance(minutes(31));
    const answer = await t.http.get('/auth/verify', { token: login.access_token });
    expect([answer.status, answer.body.code, reasons()]).toEqual([401, 'invalid_token', ['session_expired']]);
  });

  it('never ends before the idle timeout, though its last use was too soon after another to be noted', async () => {
    await start();
    const login = await t.login();
    t.clock.advance(minutes(1, -1));
    expect(await t.statusOf(login.access_token)).toBe(204);
    expect((await row(login.session_id)).lastUsedAt).toBe(t.clock.now() - MINUTE + 1);
    t.clock.advance(minutes(30));
    expect(await t.statusOf(login.access_token)).toBe(204);
  });

  it('ends to the millisecond where every use is noted', async () => {
    await start({ touchInterval: 0 });
    const login = await t.login();
    t.clock.advance(minutes(30, -1));
    expect(await use(login)).toBe(204);
    t.clock.advance(minutes(30));
    expect(await t.statusOf(login.access_token)).toBe(401);
  });

  it('lives as long as its token while it is used, and no longer', async () => {
    await start();
    const login = await t.login();
    const { createdAt, expiresAt } = await row(login.session_id);
    expect([login.expires_in, expiresAt - createdAt]).toEqual([28_800, 8 * 60 * MINUTE]);
    expect(claimsOf(login.access_token).exp * 1_000).toBe(Math.floor(expiresAt / 1_000) * 1_000);
    for (let used = 0; used < 19; used++) {
      t.clock.advance('25m');
      expect(await use(login)).toBe(204);
    }
    expect((await row(login.session_id)).expiresAt).toBe(expiresAt);
    t.clock.set(expiresAt);
    expect(await t.statusOf(login.access_token)).toBe(401);
  });

  it('ends sooner when its login said not to remember it, and not without use being noted', async () => {
    await start({ idleTimeout: '2h', shortIdleTimeout: '10m' });
    const user = await t.users.rows.findOneByOrFail({ username: 'alice' });
    const issued = await t.tokens.issue(user, {}, { remember: false });
    const login = { access_token: issued.accessToken, session_id: issued.session.id };
    expect(issued.expiresIn).toBe(28_800);
    t.clock.advance(minutes(11, -1));
    expect(await use(login)).toBe(204);
    t.clock.advance('11m');
    expect(await t.statusOf(login.access_token)).toBe(401);
  });

  it('lives on to its greatest lifetime after credentials were proven again', async () => {
    await start();
    const login = await t.login();
    const { userId, expiresAt } = await row(login.session_id);
    t.clock.advance('20m');
    const renewed = await t.tokens.reauthenticate({ id: login.session_id, userId });
    const token = { access_token: renewed.accessToken, session_id: login.session_id };
    expect((await row(login.session_id)).expiresAt).toBe(expiresAt);
    for (let used = 0; used < 3; used++) {
      t.clock.advance('29m');
      expect(await use(token)).toBe(204);
    }
    t.clock.advance('31m');
    expect(await t.statusOf(renewed.accessToken)).toBe(401);
    await expect(t.tokens.reauthenticate({ id: login.session_id, userId })).rejects.toThrow('not valid');
  });

  it('is left out of the list, and called expired in that of an admin', async () => {
    await start({}, { extras: { routes: { admin: true } } });
    const [idle, used] = [await t.login(), await t.login()];
    t.clock.advance('20m');
    expect(await use(used)).toBe(204);
    t.clock.advance('20m');
    const list = async (path: string) => (await t.http.get(path, { token: used.access_token })).body as any[];
    const { userId } = await row(used.session_id);
    expect((await list('/auth/sessions')).map(({ id }) => id)).toEqual([used.session_id]);
    expect((await t.tokens.list(userId)).map(({ id }) => id)).toEqual([used.session_id]);
    const seen = (await list(`/auth/admin/users/${userId}/sessions`)).map(({ id, expired }) => [id, expired]);
    expect(Object.fromEntries(seen)).toEqual({ [idle.session_id]: true, [used.session_id]: false });
  });

  it.each(['reject', 'evict-oldest'] as const)(
    'holds no place under a limit (%s), and is not evicted',
    async (onLimit) => {
      await start({ limitPerUser: 2, onLimit });
      const [idle, used] = [await t.login(), await t.login()];
      t.clock.advance('20m');
      expect(await use(used)).toBe(204);
      t.clock.advance('20m');
      const next = await t.login();
      expect(await t.statusOf(next.access_token)).toBe(204);
      expect([await t.statusOf(idle.access_token), await t.statusOf(used.access_token)]).toEqual([401, 204]);
      expect(t.events.map(({ name }) => name)).not.toContain('session.revoked');
      expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(2);
    },
  );

  it('is not active to who asks, whose questions are no use', async () => {
    await start();
    const { access_token: token } = await t.login();
    t.clock.advance('20m');
    expect(await t.tokens.introspect(token)).toMatchObject({ active: true });
    t.clock.advance('11m');
    expect(await t.tokens.introspect(token)).toEqual({ active: false });
  });
});

describe.each(environments)('control: with refresh tokens, $title', ({ platform, kind }) => {
  it('an unused session lives until its refresh token expires, whatever was noted', async () => {
    const options = { session: { idleTimeout: '30m' }, accessToken: { ttl: '30m' } };
    const t = await createApp(platform, kind, { options });
    try {
      await t.users.add('alice');
      const { refresh_token: token, access_token: access } = await t.login();
      t.clock.advance(minutes(30, -1_000));
      expect(await t.statusOf(access)).toBe(204);
      const answer = await t.http.post('/auth/refresh', { json: { refresh_token: token } });
      expect(answer.status).toBe(200);
      t.clock.advance('30m');
      const late = await t.http.post('/auth/refresh', { json: { refresh_token: answer.body.refresh_token } });
      expect([late.status, late.body.code]).toEqual([401, 'refresh_token_expired']);
    } finally {
      await t.close();
    }
  });
});
