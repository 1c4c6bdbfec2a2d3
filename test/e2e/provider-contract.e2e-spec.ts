import type { AddressInfo } from 'node:net';
import { Inject, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type IssuedTokens,
  JwtKnoxConfigurationError,
  JwtKnoxModule,
  SessionAdminService,
  UserProvider,
} from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { inMemory } from '../../lib/testing';
import { type AppSettings, createApp, environments, SECRET, type TestApp, checkFor } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import { HttpClient } from '../support/http-client';
import { type Platform, platforms } from '../support/platforms';
import type { User } from '../support/users';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

const logIn = (username = 'alice') =>
  t.http.post('/auth/login', { json: { username, password: `${username}-password` } });

const verify = async (token: string) => (await t.http.get('/auth/verify', { token })).status;

const countRows = () => t.source.getRepository(JwtKnoxSession).count();

/** Host code in JavaScript, or with a cast, does what the types forbid. */
const untyped = (value: unknown) => value as never;

describe.each(environments)('mistakes of the host: $title', ({ platform, kind }) => {
  let user: User;
  let tokens: IssuedTokens<User>;
  const start = async (settings: AppSettings = {}) => {
    await open(platform, kind, settings);
    user = await t.users.add('alice');
    tokens = await t.tokens.issue(user);
  };
  afterEach(() => t.close());

  it('an isActive of anything but true or false is told as what it is, and lets nobody in', async () => {
    await start();
    // A promise, and what databases make of a boolean.
    for (const active of [Promise.resolve(true), 0, 1, null, '0', 'N', 'true']) {
      t.users.isActive = untyped(() => active);
      await expect(t.tokens.authenticate(tokens.accessToken)).rejects.toThrow('must return true or false');
      expect(await verify(tokens.accessToken)).toBe(500);
      expect((await logIn()).status).toBe(500);
    }
    expect(await countRows()).toBe(1);
  });

  it('S8: by default, only a user whose isActive is true, or who has none, is active', async () => {
    await start();
    const isActive = (value: unknown) => UserProvider.prototype.isActive.call(t.users, { isActive: value } as never);
    expect([isActive(true), isActive(undefined), isActive(false)]).toEqual([true, true, false]);
    expect(UserProvider.prototype.isActive.call(t.users, {} as never)).toBe(true);
    for (const value of [0, null, '0', 'N']) expect(typeof isActive(value)).not.toBe('boolean');
  });

  it('a validSince of anything but a moment is told as what it is, and lets nobody in', async () => {
    await start();
    for (const since of ['5', '2020-01-01', 5n, Promise.resolve(null)]) {
      t.users.validSince = untyped(() => since);
      await expect(t.tokens.authenticate(tokens.accessToken)).rejects.toThrow(
        new TypeError('UserProvider.validSince must return a Date, epoch milliseconds or null.'),
      );
      expect(await verify(tokens.accessToken)).toBe(500);
    }
    for (const none of [new Date(NaN), NaN]) {
      t.users.validSince = () => none;
      expect(await verify(tokens.accessToken)).toBe(401);
    }
  });

  it('a validSince may be epoch milliseconds, as may every moment', async () => {
    await start();
    const proven = tokens.session.authenticatedAt;
    t.users.validSince = () => proven;
    expect(await verify(tokens.accessToken)).toBe(204);
    t.users.validSince = () => proven + 1;
    expect(await verify(tokens.accessToken)).toBe(401);
    t.users.validSince = () => null;
    t.clock.advance('10s');
    const again = await t.tokens.reauthenticate(tokens.session, { at: proven + 5_000 });
    expect(again.session.authenticatedAt).toBe(proven + 5_000);
  });

  it('a validSince of undefined counts as null', async () => {
    await start();
    t.users.validSince = untyped(() => undefined);
    expect(await verify(tokens.accessToken)).toBe(204);
  });

  it.each([false, undefined, 0, ''])('a validateCredentials that gives %j is a failed login', async (nobody) => {
    await start();
    t.users.validateCredentials = untyped(async () => nobody);
    expect((await logIn()).body).toMatchObject({ statusCode: 401, code: 'invalid_credentials' });
    expect(t.events.map((one) => one.name)).toContain('login.failed');
    expect(await countRows()).toBe(1);
  });

  it('a date that is none is told, and changes nothing', async () => {
    await start();
    const none = new Date(NaN);
    await expect(t.tokens.reauthenticate(tokens.session, { at: none })).rejects.toThrow(TypeError);
    await expect(t.tokens.issue(user, {}, { authenticatedAt: none })).rejects.toThrow(TypeError);
    await expect(t.tokens.revokeBefore(none)).rejects.toThrow(TypeError);
    expect(await countRows()).toBe(1);
    expect(await verify(tokens.accessToken)).toBe(204);
  });

  it("an id that is missing is told, and ends nobody's session", async () => {
    await start();
    await t.tokens.issue(await t.users.add('bob'));
    const { id, userId } = tokens.session;
    const admin = t.app.get(SessionAdminService);
    for (const nothing of [undefined, null, '', 5].map(untyped)) {
      await expect(t.tokens.revokeAll(nothing)).rejects.toThrow(TypeError);
      await expect(admin.revokeAll(nothing)).rejects.toThrow(TypeError);
      await expect(t.tokens.revokeOther({ id, userId: nothing })).rejects.toThrow(TypeError);
      await expect(t.tokens.revokeOther({ id: nothing, userId })).rejects.toThrow(TypeError);
      expect(await t.tokens.revoke(nothing)).toBe(false);
    }
    expect(await countRows()).toBe(2);
    expect(t.events.map((one) => one.name)).not.toContain('session.revoked');
  });

  it('host code that refreshes without a presenter skips the check of the user-agent, as it does when it authenticates', async () => {
    await start({ options: { session: { bindUserAgent: 'reject' } } });
    const login = await t.tokens.issue(user, { userAgent: 'Firefox' });
    expect((await t.tokens.authenticate(login.accessToken)).session.id).toBe(login.session.id);
    expect((await t.tokens.refresh(login.refreshToken!)).session.id).toBe(login.session.id);
    await expect(t.tokens.refresh(login.refreshToken!, { userAgent: 'curl' })).rejects.toMatchObject({
      reason: 'user_agent_mismatch',
    });
    await expect(t.tokens.refresh(login.refreshToken!, {})).rejects.toMatchObject({ reason: 'user_agent_mismatch' });
  });

  it('a purge in batches that no statement can take is refused at once', async () => {
    await start();
    const admin = t.app.get(SessionAdminService);
    t.clock.advance('31d');
    for (const batchSize of [70_000, 10_001, 0, -1, 1.5, NaN, untyped('100')]) {
      await expect(admin.purgeExpired({ batchSize })).rejects.toThrow(
        new TypeError('purgeExpired: batchSize must be from 1 to 10000.'),
      );
    }
    expect(await countRows()).toBe(1);
    expect(await admin.purgeExpired({ batchSize: 10_000 })).toBe(1);
  });
});

describe.each(platforms)('a user provider that is made anew with every request: $name', (platform) => {
  abstract class Anybody extends UserProvider<{ id: string }> {
    async validateCredentials({ username }: { username: string }) {
      return { id: username };
    }
    async findById(id: string) {
      return { id };
    }
  }
  @Injectable({ scope: Scope.REQUEST })
  class Scoped extends Anybody {}
  @Injectable()
  class Injecting extends Anybody {
    constructor(@Inject(REQUEST) readonly request: unknown) {
      super();
    }
  }
  @Injectable()
  class Single extends Anybody {}

  async function boot(userProvider: Type<UserProvider>) {
    @Module({ providers: [userProvider], exports: [userProvider] })
    class People {}
    const storage = inMemory();
    const knox = JwtKnoxModule.forRoot({ secret: SECRET, imports: [People], userProvider, storage });
    @Module({ imports: [knox] })
    class Host {}
    const app = await NestFactory.create(Host, platform.adapter() as never, { logger: false, abortOnError: false });
    try {
      await app.listen(0, '127.0.0.1');
      const http = new HttpClient((app.getHttpServer().address() as AddressInfo).port, checkFor(app).check);
      return await http.post('/auth/login', { json: { username: 'alice', password: 'secret' } });
    } finally {
      await app.close();
    }
  }

  it.each<[string, Type<UserProvider>]>([
    ['one that is request-scoped', Scoped],
    ['one that injects the request', Injecting],
  ])('refuses to boot with %s, and tells the remedy', async (_title, userProvider) => {
    const refused = await boot(userProvider).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JwtKnoxConfigurationError);
    expect((refused as JwtKnoxConfigurationError).problems).toEqual([
      expect.stringMatching(/^userProvider and storage: must not be request-scoped.*make both singletons/),
    ]);
  });

  it('boots with one that is a singleton', async () => {
    expect((await boot(Single)).status).toBe(200);
  });
});
