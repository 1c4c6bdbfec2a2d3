import { afterEach, describe, expect, it } from 'vitest';
import { SessionAdminService } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';

const DAY = 86_400_000;

describe.each(environments)('limits, lifetimes and late answers: $title', ({ platform, kind }) => {
  let t: TestApp;
  const open = async (settings: AppSettings = {}) => {
    t = await createApp(platform, kind, settings);
    await t.users.add('alice');
  };
  afterEach(() => t.close());
  const controlled = () => {
    const { storage, control } = controlledRepository();
    return {
      control,
      settings: { extras: { storage }, entities: [JwtKnoxSession, JwtKnoxFence] },
    };
  };

  it.each(['reject', 'evict-oldest'] as const)(
    'a session that a shortened lifetime has ended keeps nobody out under %s',
    async (onLimit) => {
      const { control, settings } = controlled();
      const session = { limitPerUser: 1, onLimit, maxLifetime: '20d', idleTimeout: '10d' };
      await open({ ...settings, options: { session } });
      const first = await t.login();
      const now = t.clock.now();
      const change = { createdAt: now - 21 * DAY, maxExpiresAt: now + 5 * DAY, expiresAt: now + 5 * DAY };
      await t.source.getRepository(JwtKnoxSession).update({ id: first.session_id }, change);
      let turns = 0;
      control.intercept = async (method, proceed) => {
        if (method === 'vacate' && ++turns === 50) throw new Error('no progress in 50 turns');
        return proceed();
      };
      expect(await t.statusOf((await t.login()).access_token)).toBe(204);
      expect(turns).toBe(1);
    },
  );

  it('an expired session that a refresh prolongs in that moment keeps its place', async () => {
    const { control, settings } = controlled();
    await open({ ...settings, options: { session: { limitPerUser: 1, onLimit: 'reject' } } });
    const first = await t.login();
    const rows = t.source.getRepository(JwtKnoxSession);
    await rows.update({ id: first.session_id }, { expiresAt: t.clock.now() });
    // Between the look and the end: another server, whose clock is behind, has refreshed it.
    control.intercept = async (method, proceed) => {
      if (method === 'vacate') await rows.update({ id: first.session_id }, { expiresAt: t.clock.now() + DAY });
      return proceed();
    };
    await expect(t.login()).rejects.toThrow('403');
    expect(await t.statusOf(first.access_token)).toBe(204);
  });

  it('a device stays new however often it logs in before anybody asks', async () => {
    await open();
    for (const agent of ['Firefox/1', 'curl/8', 'curl/8']) {
      await t.login('alice', { 'user-agent': agent });
      t.clock.advance('1s');
    }
    const created = t.events.filter(({ name }) => name === 'session.created');
    expect(await Promise.all(created.map(({ event }) => event.isNewDevice()))).toEqual([true, true, false]);
  });

  it('S9: a session that ends after its 503 is told of', async () => {
    const { control, settings } = controlled();
    await open({ ...settings, options: { storageTimeout: '300ms' } });
    const { access_token: token } = await t.login();
    const gate = deferred();
    control.intercept = async (method, proceed) => {
      if (method === 'deleteById') await gate.promise;
      return proceed();
    };
    expect((await t.http.post('/auth/logout', { token })).status).toBe(503);
    gate.resolve();
    const told = () => t.events.filter(({ name }) => name === 'session.revoked').length;
    await expect.poll(told).toBe(1);
    control.heal();
    expect(await t.statusOf(token)).toBe(401);
  });

  it('a purge that fails tells of the batches before', async () => {
    const { control, settings } = controlled();
    await open(settings);
    for (let i = 0; i < 3; i++) await t.login();
    t.clock.advance('400d');
    let batches = 0;
    control.intercept = async (method, proceed) => {
      if (method === 'deleteExpired' && ++batches === 2) throw new Error('lost');
      return proceed();
    };
    await expect(t.app.get(SessionAdminService).purgeExpired({ batchSize: 2 })).rejects.toThrow();
    const told = t.events.filter(({ name }) => name === 'sessions.purged');
    expect(told.map(({ event }) => event.count)).toEqual([2]);
  });

  it('a purge ends no living session of a user whose other sessions have ended idle', async () => {
    const session = { limitPerUser: 2, onLimit: 'evict-oldest', idleTimeout: '1d', maxLifetime: '30d' } as const;
    await open({ options: { refreshToken: false, session } });
    const rows = t.source.getRepository(JwtKnoxSession);
    const idle = [await t.login(), await t.login()];
    t.clock.advance('2d');
    const living = await t.tokens.issue(await t.users.rows.findOneByOrFail({ username: 'alice' }));
    // From before the limit, and both slots held by what has ended.
    await rows.update({ userId: living.session.userId }, { slot: null });
    for (const [index, { session_id: id }] of idle.entries()) {
      const held = await rows.findOneBy({ id });
      const row = held ?? {
        ...(await rows.findOneByOrFail({ id: living.session.id })),
        id,
        lastUsedAt: t.clock.now() - 2 * DAY,
      };
      await rows.save({ ...row, slot: index + 1 } as JwtKnoxSession);
    }
    await t.app.get(SessionAdminService).purgeExpired();
    expect(await t.statusOf(living.accessToken)).toBe(204);
  });
});
