import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, deferred, type Method } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';

describe.each(environments)('S9: a storage that answers after the 503: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;

  beforeEach(async () => {
    t = await createApp(platform, kind, {
      options: { storageTimeout: '1s', session: { limitPerUser: 2, onLimit: 'evict-oldest' } },
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    await t.users.add('alice');
  });
  afterEach(async () => {
    control.heal();
    await t.close();
  });

  /**
   * Holds the next call of a method, or one after it, and only that one; `release` lets it go on and waits for what comes
   * of it.
   */
  function hold(held: Method, after = 0) {
    const [gate, passed] = [deferred(), deferred()];
    let left = after;
    control.intercept = async (method, proceed) => {
      if (method !== held || left-- > 0) return proceed();
      control.heal();
      await gate.promise;
      return proceed().finally(passed.resolve);
    };
    const release = async () => {
      control.calls.length = 0;
      gate.resolve();
      await passed.promise;
      // What would be written next is asked for in the turns that follow.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      return control.calls;
    };
    return release;
  }

  const refresh = (token: string) => t.http.post('/auth/refresh', { json: { refresh_token: token } });

  it('S9: takes no refresh for a replay whose client has moved on since', async () => {
    const login = await t.login();
    const release = hold('findById');
    expect((await refresh(login.refresh_token)).status).toBe(503);
    const second = (await refresh(login.refresh_token)).body;
    t.clock.advance('11s');
    const third = (await refresh(second.refresh_token)).body;
    expect(await release()).not.toContain('deleteById');
    expect((await t.http.get('/notes', { token: third.access_token })).status).toBe(200);
    expect(t.events.map(({ name }) => name)).not.toContain('refresh.reused');
    // The control: the same token, presented now, is a replay.
    expect((await refresh(login.refresh_token)).body.code).toBe('refresh_token_reused');
  });

  it('S9: rotates nothing for a refresh that was answered', async () => {
    const login = await t.login();
    const release = hold('findById');
    expect((await refresh(login.refresh_token)).status).toBe(503);
    expect(await release()).not.toContain('rotate');
    expect((await refresh(login.refresh_token)).status).toBe(200);
  });

  it('S9: evicts nobody for a login that was answered', async () => {
    const oldest = await t.login();
    t.clock.advance('1s');
    const sessions = [oldest, await t.login()];
    const release = hold('findSlots');
    const json = { username: 'alice', password: 'alice-password' };
    expect((await t.http.post('/auth/login', { json })).status).toBe(503);
    expect(await release()).not.toContain('vacate');
    for (const { access_token: token } of sessions) expect(await t.statusOf(token)).toBe(204);
    // The control: a login that is served evicts the oldest.
    await t.login();
    expect(await t.statusOf(oldest.access_token)).toBe(401);
  });

  // The first look at the fences comes before anybody is ended.
  it.each([
    ['insert', 0],
    ['isFenced', 1],
  ] as const)(
    'S9: gives back the place of who was ended, for a login that was answered at its %s',
    async (held, after) => {
      const oldest = await t.login();
      t.clock.advance('1s');
      const sessions = [oldest, await t.login()];
      t.events.length = 0;
      const release = hold(held, after);
      const json = { username: 'alice', password: 'alice-password' };
      expect((await t.http.post('/auth/login', { json })).status).toBe(503);
      expect(await t.statusOf(oldest.access_token)).toBe(401);
      await release();
      const verdicts = () => Promise.all(sessions.map((one) => t.statusOf(one.access_token)));
      await expect.poll(verdicts).toEqual([204, 204]);
      const rows = await t.source.getRepository(JwtKnoxSession).find();
      expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(sessions.map((one) => one.session_id)));
      const told = t.events.map(({ name }) => name);
      for (const name of ['session.created', 'session.revoked']) expect(told).not.toContain(name);
    },
  );

  it('S9: tells of no refresh that was answered with 503, though its rotation was written', async () => {
    const login = await t.login();
    t.events.length = 0;
    const release = hold('rotate');
    expect((await refresh(login.refresh_token)).status).toBe(503);
    await release();
    const { generation } = await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: login.session_id });
    expect([generation, t.events.map(({ name }) => name)]).toEqual([1, []]);
    // The control: the retry is answered, and told.
    expect((await refresh(login.refresh_token)).status).toBe(200);
    expect(t.events.map(({ name }) => name)).toEqual(['session.refreshed', 'refresh.retried']);
  });
});
