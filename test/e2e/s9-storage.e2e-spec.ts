import { setTimeout as delay } from 'node:timers/promises';
import { ConflictException, HttpException } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credentials } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { type Control, controlledRepository, deferred, type Method } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import { createDatabase, databaseKinds, directUrlOf, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import type { Answer } from '../support/http-client';
import { Outage } from '../support/outage';
import { timed } from '../support/timed';
import { TestUsers } from '../support/users';

/** A database server takes a while on a busy machine, and what goes well must be within it. */
const TIMEOUT = databaseKinds.some((kind) => kind !== 'sqlite') ? 1_000 : 300;
/** Far above what a request needs, far below what a driver waits. */
const SOON = 5_000;
/** How long to wait for what a busy machine does late. */
const PATIENCE = 15_000;

const FAULTS: [string, Control['intercept']][] = [
  ['never answers', () => new Promise(() => undefined)],
  ['answers too late', async (_method, proceed) => delay(TIMEOUT * 3).then(proceed)],
  ['throws', async () => Promise.reject(new Error('relation "jwt_knox_sessions" does not exist'))],
  ['has lost its connection', async () => Promise.reject(Object.assign(new Error('lost'), { code: 'ECONNRESET' }))],
  ['rejects with nothing', async () => Promise.reject(undefined)],
];

const connectionError = () => Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });

function expectUnavailable(answer: Answer): void {
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
  expect(answer.body).toEqual({
    statusCode: 503,
    error: 'Service Unavailable',
    code: 'storage_unavailable',
    message: 'The session storage is not available; try again shortly.',
  });
  expect(answer.headers['www-authenticate']).toBeUndefined();
}

describe.each(environments)('S9: a storage that fails: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  const json = { username: 'alice', password: 'alice-password' };
  let t: TestApp;
  let token: string;
  let refresh: string;
  let id: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      options: { storageTimeout: `${TIMEOUT}ms` },
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    await t.users.add('alice');
  });
  afterAll(async () => {
    control.heal();
    await t.close();
  });
  beforeEach(async () => {
    ({ access_token: token, refresh_token: refresh, session_id: id } = await eventually(() => t.login()));
    control.calls.length = 0;
  });
  afterEach(() => {
    control.heal();
    for (const name of ['findById', 'validateCredentials', 'onLogin', 'isActive'] as const) {
      t.users[name] = TestUsers.prototype[name] as never;
    }
  });

  const sessions = () => t.source.getRepository(JwtKnoxSession).count();

  describe.each(FAULTS)('that %s', (title, fault) => {
    it.each([
      ['GET', '/notes'],
      ['GET', '/notes/greeting'],
      ['GET', '/auth/verify'],
      ['POST', '/auth/logout'],
      ['POST', '/auth/logout-other'],
      ['POST', '/auth/logout-all'],
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions/00000000-0000-4000-8000-000000000000'],
      ['PATCH', '/auth/sessions/00000000-0000-4000-8000-000000000000'],
    ])('S9: is 503 within the deadline for %s %s, and the session lives on', async (method, path) => {
      control.intercept = fault;
      const { result, elapsed, awake } = await timed(
        t.http.send(method, path, { token, ...(method === 'PATCH' && { json: { device_name: 'Phone' } }) }),
      );
      expectUnavailable(result);
      expect(awake).toBeLessThan(SOON);
      if (title === 'never answers') expect(elapsed).toBeGreaterThan(TIMEOUT - 20);
      control.heal();
      await eventually(async () => expect((await t.http.get('/notes', { token })).status).toBe(200));
    });

    it('S9: is 503 for a refresh and for a logout by refresh token', async () => {
      control.intercept = fault;
      const body = { json: { refresh_token: refresh } };
      expectUnavailable(await t.http.post('/auth/refresh', body));
      expectUnavailable(await t.http.post('/auth/logout', body));
      control.heal();
      expect((await t.http.post('/auth/logout', body)).status).toBe(204);
    });

    it('S9: is 503 for a login, which leaves no session behind', async () => {
      const before = await sessions();
      control.intercept = (method, proceed) => (method === 'insert' ? fault(method, proceed) : proceed());
      expectUnavailable(await t.http.post('/auth/login', { json }));
      await expect.poll(sessions, { timeout: PATIENCE }).toBe(before);
      if (title === 'answers too late') await expect.poll(() => control.calls).toContain('deleteById');
    });

    it('S9: goes unnoticed by public routes and by bad tokens', async () => {
      control.intercept = fault;
      expect((await t.http.get('/notes/about', { token })).status).toBe(200);
      expect((await t.http.get('/notes/greeting')).body).toEqual({ hello: 'stranger' });
      expect((await t.http.get('/notes')).body.code).toBe('missing_token');
      expect((await t.http.get('/notes', { token: `${token.slice(0, -4)}AAAA` })).body.code).toBe('invalid_token');
      expect(control.calls).toEqual([]);
    });

    it('S9: delays and disturbs nobody when only noting the use fails', async () => {
      t.clock.advance('61s');
      const held: (() => void)[] = [];
      control.intercept = async (method, proceed) => {
        if (method !== 'touch') return proceed();
        // Held rather than for ever: the application waits for its writes when it closes.
        if (title === 'never answers') return new Promise<void>((resolve) => held.push(resolve));
        return fault(method, proceed);
      };
      expect((await t.http.get('/notes', { token })).status).toBe(200);
      expect(control.calls).toContain('touch');
      for (const release of held) release();
    });
  });

  describe('a logout whose DELETE fails', () => {
    it.each(FAULTS.filter(([title]) => title !== 'answers too late'))(
      'S9: is 503, and no logout, when the storage %s',
      async (_title, fault) => {
        control.intercept = (method, proceed) => (method.startsWith('delete') ? fault(method, proceed) : proceed());
        for (const [method, path] of [
          ['POST', '/auth/logout'],
          ['POST', '/auth/logout-other'],
          ['POST', '/auth/logout-all'],
          ['DELETE', `/auth/sessions/${id}`],
        ] as const)
          expectUnavailable(await t.http.send(method, path, { token }));
        control.intercept = (method, proceed) => (method === 'rename' ? fault(method, proceed) : proceed());
        const renaming = { token, json: { device_name: 'Phone' } };
        expectUnavailable(await t.http.patch(`/auth/sessions/${id}`, renaming));
        control.heal();
        expect((await t.http.get('/notes', { token })).status).toBe(200);
        expect((await t.http.patch(`/auth/sessions/${id}`, renaming)).status).toBe(204);
      },
    );
  });

  describe('a login whose INSERT lands after its 503', () => {
    it('S9: is deleted again', async () => {
      const before = await sessions();
      const [release, landed, deleted] = [deferred(), deferred<number>(), deferred<boolean>()];
      control.intercept = async (method, proceed) => {
        if (method === 'insert') {
          await release.promise;
          const answer = await proceed();
          landed.resolve(await sessions());
          return answer;
        }
        const answer = await proceed();
        if (method === 'deleteById') deleted.resolve(answer);
        return answer;
      };
      expectUnavailable(await t.http.post('/auth/login', { json }));
      release.resolve();
      expect(await landed.promise).toBe(before + 1);
      expect(await deleted.promise).toBe(true);
      expect(await sessions()).toBe(before);
    });

    it('S9: is deleted again, too, when the connection broke after it had landed', async () => {
      const before = await sessions();
      const deleted = deferred<boolean>();
      control.intercept = async (method: Method, proceed) => {
        const answer = await proceed();
        if (method === 'insert') throw connectionError();
        if (method === 'deleteById') deleted.resolve(answer);
        return answer;
      };
      expectUnavailable(await t.http.post('/auth/login', { json }));
      expect(await deleted.promise).toBe(true);
      expect(await sessions()).toBe(before);
    });

    it('S9: emits no event of a session that nobody got', async () => {
      t.events.length = 0;
      control.intercept = async (method, proceed) =>
        method === 'insert' ? Promise.reject(connectionError()) : proceed();
      expectUnavailable(await t.http.post('/auth/login', { json }));
      expect(t.events.filter(({ name }) => name === 'session.created')).toEqual([]);
    });
  });

  describe('the deadline', () => {
    it('S9: is over the whole request, not over each of its steps', async () => {
      const half = TIMEOUT * 0.6;
      const slow = async (_method: Method, proceed: () => Promise<any>) => delay(half).then(proceed);
      control.intercept = slow;
      expect((await t.http.get('/notes', { token })).status).toBe(200);
      t.users.validateCredentials = async (credentials: Credentials, request, exclude) => {
        await delay(half);
        return TestUsers.prototype.validateCredentials.call(t.users, credentials, request, exclude);
      };
      expectUnavailable(await t.http.post('/auth/login', { json }));
      control.heal();
      await eventually(async () => expect((await t.http.post('/auth/login', { json })).status).toBe(200));
    });

    it('S9: leaves the hashing of passwords out', async () => {
      const hashing = (excluded: boolean) => async (credentials: Credentials, request: unknown, exclude: any) => {
        const work = () => delay(TIMEOUT * 2);
        await (excluded ? exclude(work) : work());
        return TestUsers.prototype.validateCredentials.call(t.users, credentials, request, exclude);
      };
      t.users.validateCredentials = hashing(true);
      expect((await t.http.post('/auth/login', { json })).status).toBe(200);
      t.users.validateCredentials = hashing(false);
      expectUnavailable(await t.http.post('/auth/login', { json }));
    });

    it('S9: holds for a user provider that never answers', async () => {
      t.users.findById = () => new Promise(() => undefined);
      const { result, awake } = await timed(t.http.get('/notes', { token }));
      expectUnavailable(result);
      expect(awake).toBeLessThan(SOON);
      t.users.validateCredentials = () => new Promise(() => undefined);
      expectUnavailable(await t.http.post('/auth/login', { json }));
    });
  });

  describe("a user provider's error", () => {
    it('S9: is 503 when the way to its database is broken', async () => {
      t.users.findById = async () => Promise.reject(connectionError());
      expectUnavailable(await t.http.get('/notes', { token }));
      t.users.validateCredentials = async () => Promise.reject(connectionError());
      expectUnavailable(await t.http.post('/auth/login', { json }));
    });

    it('S9: passes as it is when it is an answer of its own', async () => {
      const own = new HttpException({ own: 'shape' }, 418);
      t.users.findById = async () => Promise.reject(own);
      const read = await t.http.get('/notes', { token });
      expect([read.status, read.body]).toEqual([418, { own: 'shape' }]);
      t.users.validateCredentials = async () => Promise.reject(new ConflictException('locked'));
      const unchecked = 'the user provider answers';
      expect((await t.http.post('/auth/login', { json, unchecked })).status).toBe(409);
    });

    it('S9: is 500 when it is a bug, thrown at once or later', async () => {
      t.users.findById = async () => Promise.reject(new TypeError('x is not a function'));
      expect((await t.http.get('/notes', { token })).status).toBe(500);
      t.users.findById = () => {
        throw new TypeError('thrown at once');
      };
      expect((await t.http.get('/notes', { token })).status).toBe(500);
      t.users.validateCredentials = () => {
        throw new TypeError('thrown at once');
      };
      expect((await t.http.post('/auth/login', { json })).status).toBe(500);
      t.users.findById = TestUsers.prototype.findById;
      t.users.isActive = () => {
        throw new TypeError('thrown by isActive');
      };
      expect((await t.http.get('/notes', { token })).status).toBe(500);
    });

    it.each(['before', 'after'])('S9: counts for nothing when it comes %s a row that refuses', async (when) => {
      const unhandled: unknown[] = [];
      const note = (error: unknown) => void unhandled.push(error);
      process.on('unhandledRejection', note);
      try {
        const [answered, rejected] = [deferred(), deferred()];
        t.users.findById = async () => {
          if (when === 'after') await answered.promise;
          rejected.resolve();
          throw connectionError();
        };
        control.intercept = async (method, proceed) => {
          if (when === 'before' && method === 'findById') await rejected.promise;
          return proceed();
        };
        await t.source.getRepository(JwtKnoxSession).delete({ id });
        expect((await t.http.get('/notes', { token })).status).toBe(401);
        expect((await t.http.get('/notes', { token })).body.code).toBe('invalid_token');
        answered.resolve();
        await rejected.promise;
        // Node tells of unhandled rejections after the microtasks of the turn.
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(unhandled).toEqual([]);
      } finally {
        process.off('unhandledRejection', note);
      }
    });
  });
});

const servers = environments.filter(({ kind }) => kind !== 'sqlite');

describe.each(servers)('S9: a database server in trouble: $title', { timeout: 60_000 }, ({ platform, kind }) => {
  const json = { username: 'alice', password: 'alice-password' };
  let database: TestDatabase;
  let outage: Outage;
  let t: TestApp;
  let token: string;

  beforeEach(async () => {
    database = await createDatabase(kind);
    t = await createApp(platform, kind, { database, options: { storageTimeout: `${TIMEOUT}ms` } });
    outage = await Outage.prepare(database);
    await t.users.add('alice');
    token = (await t.login()).access_token;
  });
  afterEach(async () => {
    await outage.end();
    await t.close();
    await database.drop();
  });

  const statusOf = async () => (await t.http.get('/notes', { token })).status;
  const sessions = () => outage.query('SELECT COUNT(*) AS n FROM jwt_knox_sessions').then(([row]) => Number(row.n));

  it('S9: frozen, is 503 for everybody, however many wait, and recovers by itself', async () => {
    await outage.freeze('jwt_knox_sessions');
    // More than the pool has connections.
    const answers = await Promise.all(Array.from({ length: 25 }, () => t.http.get('/notes', { token })));
    for (const answer of answers) expectUnavailable(answer);
    expect((await outage.waiting()).length).toBeGreaterThan(0);
    expect((await t.http.get('/notes/about')).status).toBe(200);
    expect((await t.http.get('/notes', { token: 'junk' })).status).toBe(401);
    await outage.thaw();
    await expect.poll(statusOf, { timeout: PATIENCE }).toBe(200);
  });

  it('S9: frozen during a login, keeps no session of it', async () => {
    const before = await sessions();
    await outage.freeze('jwt_knox_sessions');
    expectUnavailable(await t.http.post('/auth/login', { json }));
    t.statements.length = 0;
    await outage.thaw();
    await expect
      .poll(() => t.statements.filter((sql) => sql.startsWith('DELETE')), { timeout: PATIENCE })
      .toHaveLength(1);
    await expect.poll(sessions, { timeout: PATIENCE }).toBe(before);
    expect(await statusOf()).toBe(200);
  });

  it('S9: frozen during a logout, is 503', async () => {
    await outage.freeze('jwt_knox_sessions');
    expectUnavailable(await t.http.post('/auth/logout', { token }));
    await outage.thaw();
    await expect.poll(statusOf, { timeout: PATIENCE }).toBe(200);
    expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    expect(await statusOf()).toBe(401);
  });

  it('S9: with its idle connections cut, answers on fresh ones', async () => {
    expect(await statusOf()).toBe(200);
    expect(await outage.cut()).toBeGreaterThan(0);
    const seen = new Set<number>();
    await expect
      .poll(
        async () => {
          const status = await statusOf();
          seen.add(status);
          return status;
        },
        { timeout: PATIENCE },
      )
      .toBe(200);
    expect([...seen].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  });

  it('S9: without the table, is 503 and not 401', async () => {
    await outage.query('DROP TABLE jwt_knox_sessions');
    expectUnavailable(await t.http.get('/notes', { token }));
    expectUnavailable(await t.http.post('/auth/login', { json }));
    expectUnavailable(await t.http.post('/auth/logout', { token }));
  });

  it.runIf(kind === 'postgres')('S9: read-only, reads on, and refuses to log in or out with 503', async () => {
    const [{ name }] = await outage.query('SELECT current_database() AS name');
    await outage.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = on`);
    await outage.cut();
    await expect.poll(statusOf, { timeout: PATIENCE }).toBe(200);
    t.clock.advance('61s');
    expect(await statusOf()).toBe(200);
    expectUnavailable(await t.http.post('/auth/login', { json }));
    expectUnavailable(await t.http.post('/auth/logout', { token }));
    expect(await statusOf()).toBe(200);
  });

  it.runIf(kind === 'postgres')('S9: dropped under the application, is 503 and not 401', async () => {
    const [{ name }] = await outage.query('SELECT current_database() AS name');
    const server = await Outage.prepare({
      ...database,
      direct: { ...database.direct, url: withPath(database, '/postgres') } as never,
    });
    try {
      await outage.end();
      await server.query(`DROP DATABASE "${name}" WITH (FORCE)`);
      expectUnavailable(await t.http.get('/notes', { token }));
      expect((await t.http.get('/notes/about')).status).toBe(200);
      await server.query(`CREATE DATABASE "${name}"`);
      outage = await Outage.prepare(database);
      // Whoever comes next uses it again; a pooler turns the first ones away.
      await expect.poll(() => isReachable(database), { timeout: PATIENCE }).toBe(true);
    } finally {
      await server.end();
    }
  });
});

describe.each(servers)('S9: a read whose connection breaks: $title', ({ platform, kind }) => {
  it('S9: is tried once more, and answered', async () => {
    const database = await createDatabase(kind);
    const t = await createApp(platform, kind, { database, options: { storageTimeout: '20s' } });
    const outage = await Outage.prepare(database);
    try {
      await t.users.add('alice');
      const { access_token: token } = await t.login();
      await outage.freeze('jwt_knox_sessions');
      const answer = t.http.get('/notes', { token });
      await expect.poll(async () => (await outage.waiting()).length, { timeout: PATIENCE }).toBe(1);
      const cut = await outage.waiting();
      expect(await outage.cut(cut)).toBe(1);
      await expect
        .poll(async () => (await outage.waiting()).filter((id) => !cut.includes(id)).length, { timeout: PATIENCE })
        .toBe(1);
      await outage.thaw();
      expect((await answer).status).toBe(200);
    } finally {
      await outage.end();
      await t.close();
      await database.drop();
    }
  });
});

async function isReachable({ options }: TestDatabase): Promise<boolean> {
  const source = await new DataSource(options).initialize().catch(() => null);
  await source?.destroy();
  return source !== null;
}

function withPath(database: TestDatabase, path: string): string {
  const url = new URL(directUrlOf(database));
  url.pathname = path;
  return url.href;
}

describe.each(environments)('S9: closing an application: $title', ({ platform, kind }) => {
  it('S9: does not wait for a storage that is frozen', async () => {
    const { storage, control } = controlledRepository();
    const t = await createApp(platform, kind, {
      options: { storageTimeout: `${TIMEOUT}ms` },
      extras: { storage },
      entities: [JwtKnoxSession, JwtKnoxFence],
    });
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    t.clock.advance('61s');
    control.intercept = (method, proceed) => (method === 'touch' ? new Promise(() => undefined) : proceed());
    expect((await t.http.get('/notes', { token })).status).toBe(200);
    await t.close();
  });
});
