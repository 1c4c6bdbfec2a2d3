import type { AddressInfo } from 'node:net';
import { setTimeout as slowly } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  Scope,
  type Type,
} from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { Column, type ColumnOptions, Entity } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type IssuedTokens,
  JwtKnoxConfigurationError,
  JwtKnoxGuard,
  JwtKnoxModule,
  MissingTokenError,
  SessionAdminService,
  RequestAuthenticator,
  RequestContext,
  RequestContextReader,
  TokenTransport,
  UserProvider,
} from '../../lib';
import { JwtKnoxFence, JwtKnoxSession, JwtKnoxSessionBase, stringTransformer, typeOrm } from '../../lib/typeorm';
import { BearerTransport } from '../../lib/guard/bearer.transport';
import { inMemory, InMemorySessionRepository } from '../../lib/testing';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { type AppSettings, createApp, environments, SECRET, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import { HttpClient } from '../support/http-client';
import { type Platform, platforms } from '../support/platforms';
import type { User } from '../support/users';

let t: TestApp;

/** An application that is closed after its test. */
async function open(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  return (t = await createApp(platform, kind, settings));
}

/** The same, with a hand on the door of its storage. */
async function openControlled(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}) {
  const { storage, control } = controlledRepository();
  await open(platform, kind, {
    extras: { storage },
    entities: [JwtKnoxSession, JwtKnoxFence],
    ...settings,
  });
  return control;
}

const logIn = (username = 'alice') =>
  t.http.post('/auth/login', { json: { username, password: `${username}-password` } });
const verify = async (token: string) => (await t.http.get('/auth/verify', { token })).status;
const countRows = () => t.source.getRepository(JwtKnoxSession).count();
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A context as Nest makes it for one call of a handler. */
function contextOf(type: string, args: unknown[]): ExecutionContext {
  class Handlers {
    handle() {}
  }
  const context = new ExecutionContextHost(args, Handlers, Handlers.prototype.handle);
  context.setType(type);
  return context;
}

/** Host code in JavaScript, or with a cast, does what the types forbid. */
const untyped = (value: unknown) => value as never;

describe.each(environments)('user ids beyond 31 bits in a session entity of integers: $title', ({ platform, kind }) => {
  afterEach(() => t.close());

  const type = { sqlite: 'integer', postgres: 'bigint', mariadb: 'int' }[kind];
  const column = { name: 'userId', type, unsigned: kind === 'mariadb', transformer: stringTransformer };

  @Entity('own_sessions')
  class OwnSession extends JwtKnoxSessionBase {
    @Column(column as ColumnOptions)
    override userId!: string;
  }

  @Injectable()
  class People extends UserProvider<{ id: string }> {
    async validateCredentials({ username }: { username: string }) {
      return { id: username };
    }
    async findById(id: string) {
      return { id };
    }
  }

  @Module({ providers: [People], exports: [People] })
  class PeopleModule {}

  it("logging out everywhere ends the sessions of user 3,000,000,000, and nobody else's", async () => {
    await open(platform, kind, {
      synchronize: true,
      extras: { imports: [PeopleModule], userProvider: People, storage: typeOrm({ entity: OwnSession }) },
    });
    const [first, second, other] = [
      await t.login('3000000000'), await t.login('3000000000'), await t.login('2999999999'),
    ]; // prettier-ignore
    expect((await t.http.get('/auth/sessions', { token: first.access_token })).body).toHaveLength(2);
    const answer = await t.http.post('/auth/logout-all', { token: first.access_token });
    expect([answer.status, answer.body]).toEqual([200, { revoked: 2 }]);
    expect(await verify(first.access_token)).toBe(401);
    expect(await verify(second.access_token)).toBe(401);
    expect(await verify(other.access_token)).toBe(204);
    expect(await t.source.getRepository(OwnSession).count()).toBe(1);
  });
});

class SocketReader extends RequestContextReader {
  override read(context: ExecutionContext) {
    return new RequestContext(context.switchToWs().getClient<{ handshake: unknown }>().handshake);
  }
}

@Injectable()
class SocketGuard extends JwtKnoxGuard {
  constructor(authenticator: RequestAuthenticator) {
    super(new SocketReader(), authenticator);
  }
}

describe.each(environments)('the guard outside of HTTP: $title', ({ platform, kind }) => {
  afterEach(() => t.close());

  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` }, url: '/' });

  it.each<[string, ExecutionContext]>([
    ['a GraphQL subscription without a request', contextOf('graphql', [null, {}, { connectionParams: {} }, {}])],
    ['GraphQL without a context', contextOf('graphql', [null, {}, undefined, {}])],
    ['a message that is text', contextOf('rpc', ['text', {}])],
    ['a message that is an object', contextOf('rpc', [{ text: 'hello' }, {}])],
    ['a message without data', contextOf('rpc', [undefined, undefined])],
  ])('answers %s with "missing token", and leaves no rejection behind', async (_title, context) => {
    await open(platform, kind);
    const left: unknown[] = [];
    const note = (reason: unknown) => void left.push(reason);
    process.on('unhandledRejection', note);
    try {
      await expect(t.app.get(JwtKnoxGuard).canActivate(context)).rejects.toThrow(MissingTokenError);
      // Node tells of a rejection that nobody handled once the microtasks are done.
      await turn();
      await turn();
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(left).toEqual([]);
  });

  it('asks again for every message of a socket: a session that was ended, or has expired, is refused', async () => {
    await open(platform, kind, { providers: [SocketGuard] });
    await t.users.add('alice');
    const guard = t.app.get(SocketGuard);
    const [ended, expiring] = [(await t.login()).access_token, (await t.login()).access_token];
    for (const [token, end] of [
      [ended, () => t.http.post('/auth/logout', { token: ended })],
      [expiring, () => t.clock.advance('1h')],
    ] as const) {
      const client = { handshake: bearer(token) };
      const message = () => guard.canActivate(contextOf('ws', [client, { text: 'hello' }]));
      expect([await message(), await message()]).toEqual([true, true]);
      await end();
      await expect(message()).rejects.toMatchObject({ status: 401 });
    }
  });
});

describe.each(environments)('an application that is closing: $title', ({ platform, kind }) => {
  it('serves its users while the host still finishes its work', async () => {
    let statuses: number[] = [];

    @Injectable()
    class Draining implements BeforeApplicationShutdown {
      async beforeApplicationShutdown() {
        statuses = [
          (await t.http.get('/notes', { token: tokens.access_token })).status,
          (await t.http.post('/auth/refresh', { json: { refresh_token: tokens.refresh_token } })).status,
          (await t.http.get('/notes')).status,
        ];
      }
    }

    await open(platform, kind, { providers: [Draining] });
    await t.users.add('alice');
    const tokens = await t.login();
    await t.close();
    expect(statuses).toEqual([200, 200, 401]);
  });
});

describe.each(environments)('a slow or broken storage: $title', ({ platform, kind }) => {
  let free = deferred();
  afterEach(async () => {
    free.resolve();
    free = deferred();
    await t.close();
  });

  it.each(['access', 'refresh'] as const)(
    'answers a logout by %s token within one deadline, however many look-ups it takes',
    async (sent) => {
      const control = await openControlled(platform, kind, { options: { storageTimeout: '1s' } });
      await t.users.add('alice');
      const tokens = await t.login();
      if (sent === 'refresh') t.clock.advance('6m');
      control.intercept = async (method, proceed) => {
        if (method === 'findById') await slowly(700);
        if (method === 'deleteById') await free.promise;
        return proceed();
      };
      const start = performance.now();
      const answer = await t.http.post('/auth/logout', {
        token: tokens.access_token,
        json: { refresh_token: tokens.refresh_token },
      });
      expect([answer.status, answer.body.code]).toEqual([503, 'storage_unavailable']);
      // Two deadlines would be 1.7 s.
      expect(performance.now() - start).toBeLessThan(1_400);
      expect(control.calls.slice(-2)).toEqual(['findById', 'deleteById']);
    },
  );

  it('notes one use of a session at a time, and few in all', async () => {
    const control = await openControlled(platform, kind);
    await t.users.add('alice');
    const tokens: string[] = [];
    for (let i = 0; i < 6; i++) tokens.push((await t.login()).access_token);
    t.clock.advance('61s');
    let underWay = 0;
    control.intercept = async (method, proceed) => {
      if (method === 'touch') await (underWay++, free.promise);
      return proceed();
    };
    const simultaneous = await Promise.all(Array.from({ length: 5 }, () => verify(tokens[0]!)));
    expect(simultaneous).toEqual(Array(5).fill(204));
    expect(underWay).toBe(1);
    for (const token of [...tokens, ...tokens]) expect(await verify(token)).toBe(204);
    expect(underWay).toBe(4);
    // Later uses are noted again.
    control.heal();
    free.resolve();
    await expect.poll(() => verify(tokens[5]!).then(() => lastUseOf(t.source, tokens[5]!))).toBe(t.clock.now());
  });

  it.skipIf(kind === 'sqlite')('takes no connection from others while rows are locked', async () => {
    await open(platform, kind);
    await t.users.add('alice');
    await t.users.add('bob');
    const bob = (await t.login('bob')).access_token;
    const tokens: string[] = [];
    for (let i = 0; i < 6; i++) tokens.push((await t.login()).access_token);
    t.clock.advance('61s');
    const runner = t.source.createQueryRunner();
    await runner.startTransaction();
    try {
      await runner.query('SELECT * FROM jwt_knox_sessions FOR UPDATE');
      for (let round = 0; round < 3; round++) {
        for (const token of tokens) expect(await verify(token)).toBe(204);
        expect(await verify(bob)).toBe(204);
      }
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
    await expect.poll(() => lastUseOf(t.source, tokens[0]!)).toBe(t.clock.now());
  });

  it('warns once a second at most when uses cannot be noted', async () => {
    const warnings: string[] = [];
    const ignore = () => undefined;
    const logger = {
      log: ignore,
      error: ignore,
      debug: ignore,
      verbose: ignore,
      warn: (line: unknown) => void warnings.push(String(line)),
    };
    const control = await openControlled(platform, kind, { logger });
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    t.clock.advance('61s');
    control.intercept = async (method, proceed) => {
      if (method === 'touch') throw new Error('cannot execute UPDATE in a read-only transaction');
      return proceed();
    };
    const start = performance.now();
    for (let i = 0; i < 20; i++) expect(await verify(token)).toBe(204);
    const seconds = (performance.now() - start) / 1_000;
    expect(control.calls.filter((method) => method === 'touch').length).toBeGreaterThan(10);
    const told = warnings.filter((line) => line.includes('read-only transaction'));
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(1 + Math.floor(seconds));
  });

  it('deletes the session of a login that was answered with 503, also when the first try fails', async () => {
    const control = await openControlled(platform, kind, { options: { session: { limitPerUser: 1 } } });
    await t.users.add('alice');
    let refusals = 0;
    control.intercept = async (method, proceed) => {
      if (method === 'insert') {
        await proceed();
        throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
      }
      if (method === 'deleteById' && refusals++ === 0)
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      return proceed();
    };
    expect((await logIn()).status).toBe(503);
    await expect.poll(countRows).toBe(0);
    expect(refusals).toBe(2);
    control.heal();
    expect((await logIn()).status).toBe(200);
  });
});

async function lastUseOf(source: TestApp['source'], token: string): Promise<number> {
  const { sid } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string };
  return (await source.getRepository(JwtKnoxSession).findOneByOrFail({ id: sid })).lastUsedAt;
}

describe.each(environments)('a login whose tokens cannot be handed over: $title', ({ platform, kind }) => {
  afterEach(() => t.close());

  let fails = false;
  class FailingTransport extends BearerTransport {
    override write(...given: Parameters<BearerTransport['write']>) {
      if (fails) throw new Error('the transport failed');
      return super.write(...given);
    }
  }
  @Injectable()
  class LoginGuard {
    canActivate(context: ExecutionContext) {
      const request = context.switchToHttp().getRequest<{ user: unknown }>();
      request.user = { id: 1, isActive: true };
      return true;
    }
  }

  const failing = async (): Promise<object> => {
    if (fails) throw new Error('the hook failed');
    return {};
  };
  it.each<[string, AppSettings]>([
    ['tokenResponse', { options: { tokenResponse: failing } }],
    ['transport.write', { options: { transport: new FailingTransport() as TokenTransport } }],
    [
      'tokenResponse, behind a login guard',
      { options: { tokenResponse: failing }, extras: { loginGuards: [LoginGuard] }, providers: [LoginGuard] },
    ],
  ])('leaves no session behind: %s', async (_title, settings) => {
    fails = true;
    const { options, ...rest } = settings;
    await open(platform, kind, { options: { ...options, session: { limitPerUser: 1 } }, ...rest });
    await t.users.add('alice');
    expect((await logIn()).status).toBe(500);
    expect(await countRows()).toBe(0);
    fails = false;
    expect((await logIn()).status).toBe(200);
    expect(await countRows()).toBe(1);
  });
});

describe.each(environments)('input that is nearly right: $title', ({ platform, kind }) => {
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

  it('a validSince of anything but a Date is told as what it is, and lets nobody in', async () => {
    await start();
    for (const since of [5, '2020-01-01', Promise.resolve(null)]) {
      t.users.validSince = untyped(() => since);
      await expect(t.tokens.authenticate(tokens.accessToken)).rejects.toThrow(
        new TypeError('UserProvider.validSince must return a Date or null.'),
      );
      expect(await verify(tokens.accessToken)).toBe(500);
    }
    t.users.validSince = () => new Date(NaN);
    expect(await verify(tokens.accessToken)).toBe(401);
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

describe.each(platforms)('a greatest lifetime that was shortened: $name', (platform) => {
  it('ends older sessions at their next refresh, which hands out no dead tokens', async () => {
    const repository = new InMemorySessionRepository();
    const storage = { useFactory: () => repository };
    const before = await createApp(platform, 'sqlite', {
      options: { session: { idleTimeout: '10d' } },
      extras: { storage },
    });
    const { clock } = before;
    const after = await createApp(platform, 'sqlite', {
      options: { clock, session: { maxLifetime: '1d' } },
      extras: { storage },
    });
    try {
      await before.users.add('alice');
      await after.users.add('alice');
      const { refresh_token: token } = await before.login();
      clock.advance('2d');
      const answer = await after.http.post('/auth/refresh', { json: { refresh_token: token } });
      expect([answer.status, answer.body.code]).toEqual([401, 'refresh_token_expired']);
      expect(answer.body).not.toHaveProperty('access_token');
      // The instance that does not know the new lifetime yet finds the session as it was.
      expect((await before.http.post('/auth/refresh', { json: { refresh_token: token } })).status).toBe(200);
    } finally {
      await before.close();
      await after.close();
    }
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
      const http = new HttpClient((app.getHttpServer().address() as AddressInfo).port);
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
      expect.stringMatching(/^userProvider or storage: is request-scoped.*make it a singleton/),
    ]);
  });

  it('boots with one that is a singleton', async () => {
    expect((await boot(Single)).status).toBe(200);
  });
});
