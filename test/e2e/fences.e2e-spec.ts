import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestOf } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { createApp, environments, type AppSettings, type TestApp } from '../support/create-app';
import { createSharedDatabase, type TestDatabase } from '../support/databases';
import type { User } from '../support/users';

const password = { username: 'alice', password: 'alice-password' };
const rowsOf = (t: TestApp) => t.source.getRepository(JwtKnoxSession).find();
const failures = (t: TestApp) => t.events.filter(({ name }) => name === 'login.failed').map(({ event }) => event);
const named = (t: TestApp, name: string) => t.events.filter((one) => one.name === name);

/** Lets the next credentials be checked, and holds the answer back until `release`. */
function holdCheck({ users }: TestApp) {
  const [checked, released] = [deferred(), deferred()];
  const real = users.validateCredentials.bind(users);
  users.validateCredentials = async (...given) => {
    users.validateCredentials = real;
    const user = await real(...given);
    checked.resolve();
    // Like slow hashing: the deadline of the storage is not about it.
    await given[2](() => released.promise);
    return user;
  };
  return { checked: checked.promise, release: released.resolve };
}

/** A login with the right password that is held between the check and the session. */
async function heldLogin(t: TestApp) {
  const { checked, release } = holdCheck(t);
  const answer = t.http.post('/auth/login', { json: password });
  await checked;
  return async () => {
    release();
    const { status, body, headers } = await answer;
    return { status, code: body.code, challenge: headers['www-authenticate'] };
  };
}

const FENCED = { status: 401, code: 'invalid_credentials', challenge: 'Bearer realm="jwt-knox"' };

describe.each(environments)('a login under way on another process: $title', ({ platform, kind }) => {
  let database: TestDatabase;
  let here: TestApp;
  let there: TestApp;
  let alice: User;

  beforeEach(async () => {
    database = await createSharedDatabase(kind);
    here = await createApp(platform, kind, { database, extras: { routes: { admin: true } } });
    there = await createApp(platform, kind, { database });
    there.clock.set(here.clock.now());
    alice = await here.users.add('alice');
  });
  afterEach(async () => {
    await here.close();
    await there.close();
    await database.drop();
  });

  const clocks = [
    ['right', 0],
    ['40 ms behind', -40],
    ['40 ms ahead', 40],
    ['an hour behind', -3_600_000],
    ['an hour ahead', 3_600_000],
  ] as const;

  it.each(clocks)('does not outlive a logout-all, where its clock is %s', async (_title, ms) => {
    there.clock.set(here.clock.now() + ms);
    const { access_token: token } = await here.login();
    const finish = await heldLogin(there);
    expect((await here.http.post('/auth/logout-all', { token })).body).toEqual({ revoked: 1 });
    expect(await finish()).toEqual(FENCED);
    expect(await rowsOf(there)).toEqual([]);
    expect(failures(there)).toEqual([expect.objectContaining({ username: 'alice', reason: 'fenced' })]);
    expect(named(there, 'session.created')).toEqual([]);
    // The control: one that begins now, by the same clock, lives.
    const { access_token: later } = await there.login();
    expect(await there.statusOf(later)).toBe(204);
  });

  const ends: [string, (id: string) => Promise<unknown>][] = [
    ['revokeAll', (id) => here.tokens.revokeAll(id)],
    ['a forgotten password', (id) => here.tokens.changeCredentials({ userId: id }, () => undefined)],
    ['userDisabled', (id) => here.tokens.userDisabled(id)],
    ['revokeBefore now', () => here.tokens.revokeBefore(here.clock.now())],
    ['revokeBefore long ago', () => here.tokens.revokeBefore(0)],
    ['the admin route', async (id) => {
      await here.users.add('root', { isAdmin: true });
      const { access_token: token } = await here.login('root');
      return here.http.delete(`/auth/admin/users/${id}/sessions`, { token });
    }],
  ]; // prettier-ignore

  it.each(ends)('does not outlive %s', async (_title, end) => {
    const finish = await heldLogin(there);
    await end(String(alice.id));
    expect(await finish()).toEqual(FENCED);
    expect(await here.tokens.list(String(alice.id))).toEqual([]);
  });

  it('does not outlive a password change, whose own session goes on', async () => {
    const { session } = await here.tokens.issue(alice);
    const finish = await heldLogin(there);
    const tokens = await here.tokens.changeCredentials(session, () => undefined);
    expect(await finish()).toEqual(FENCED);
    expect((await rowsOf(there)).map(({ id }) => id)).toEqual([session.id]);
    expect(await there.statusOf(tokens!.accessToken)).toBe(204);
  });

  it("control: goes on when another user's sessions end, or one or the other ones of its own", async () => {
    const { session } = await here.tokens.issue(alice);
    const finish = await heldLogin(there);
    await here.tokens.revokeAll('4711');
    await here.tokens.revokeOther(session);
    await here.tokens.revoke(session.id);
    expect(await finish()).toMatchObject({ status: 200 });
    expect(await rowsOf(there)).toHaveLength(1);
  });
});

describe.each(environments)('a login that proves itself by other means: $title', ({ platform, kind }) => {
  let t: TestApp;
  let alice: User;

  const start = async (settings: AppSettings = {}) => {
    t = await createApp(platform, kind, settings);
    alice = await t.users.add('alice');
  };
  afterEach(() => t.close());

  it('does not outlive a logout-all behind a login guard that is slow', async () => {
    const [checking, checked] = [deferred(), deferred()];

    @Injectable()
    class SlowGuard implements CanActivate {
      async canActivate(context: ExecutionContext) {
        requestOf(context).user = alice;
        checking.resolve();
        await checked.promise;
        return true;
      }
    }
    await start({ extras: { loginGuards: [SlowGuard] } });
    const login = t.http.post('/auth/login');
    await checking.promise;
    await t.tokens.revokeAll(String(alice.id));
    checked.resolve();
    const { status, body } = await login;
    expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    expect(await rowsOf(t)).toEqual([]);
    expect(failures(t)).toEqual([expect.objectContaining({ username: null, reason: 'fenced' })]);
    expect((await t.http.post('/auth/login')).status).toBe(200);
  });

  it('does not outlive a password change between its arrival and its issue', async () => {
    await start();
    const arrival = await t.tokens.arrival();
    await t.tokens.changeCredentials({ userId: String(alice.id) }, () => undefined);
    // As it comes back from where the host kept it.
    const kept = JSON.parse(JSON.stringify(arrival));
    await expect(t.tokens.issue(alice, {}, { arrival: kept })).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect(await rowsOf(t)).toEqual([]);
    await t.tokens.issue(alice, {}, { arrival: await t.tokens.arrival() });
    expect(await rowsOf(t)).toHaveLength(1);
  });

  it('counts for 24 hours', async () => {
    await start();
    const arrival = await t.tokens.arrival();
    t.clock.advance('24h');
    await t.tokens.issue(alice, {}, { arrival });
    t.clock.advance(1);
    await expect(t.tokens.issue(alice, {}, { arrival })).rejects.toThrow('older than 24 hours');
  });
});

describe.each(environments)('a fenced login under a session limit: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;
  let alice: User;

  beforeEach(async () => {
    t = await createApp(platform, kind, {
      options: { session: { limitPerUser: 1, onLimit: 'evict-oldest' } },
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    alice = await t.users.add('alice');
  });
  afterEach(async () => {
    control.heal();
    await t.close();
  });

  it('ends nobody', async () => {
    const { session } = await t.tokens.issue(alice);
    const finish = await heldLogin(t);
    const tokens = await t.tokens.changeCredentials(session, () => undefined);
    expect(await finish()).toEqual(FENCED);
    expect(await t.statusOf(tokens!.accessToken)).toBe(204);
    expect((await rowsOf(t)).map(({ id, slot }) => [id, slot])).toEqual([[session.id, 1]]);
    expect(named(t, 'session.revoked')).toEqual([]);
  });

  it('gives back the place of the session that it had ended, when a fence for all comes last', async () => {
    const before = await t.tokens.issue(alice);
    control.intercept = async (method, proceed) => {
      if (method !== 'insert') return proceed();
      control.heal();
      await t.tokens.revokeBefore(0);
      return proceed();
    };
    const { status, body } = await t.http.post('/auth/login', { json: password });
    expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    expect(await t.statusOf(before.accessToken)).toBe(204);
    expect((await rowsOf(t)).map(({ id, slot }) => [id, slot])).toEqual([[before.session.id, 1]]);
    expect(named(t, 'session.revoked')).toEqual([]);
  });

  it('does not bring back the old keys of a session whose password was changed meanwhile', async () => {
    const before = await t.tokens.issue(alice);
    let changed: unknown;
    control.intercept = async (method, proceed) => {
      if (method !== 'insert') return proceed();
      control.heal();
      changed = await t.tokens.changeCredentials(before.session, () => undefined);
      return proceed();
    };
    expect((await t.http.post('/auth/login', { json: password })).status).toBe(401);
    expect(changed).toBeNull();
    expect(await t.statusOf(before.accessToken)).toBe(401);
    expect(await rowsOf(t)).toEqual([]);
  });
});
