import { Column, DeleteDateColumn, Entity, type QueryRunner } from 'typeorm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { JwtKnoxEvents, type JwtKnoxOptions, SessionAdminService, SessionRepository, UserProvider } from '../../lib';
import { leaseCache, type LeaseCacheOptions, postgresFeed } from '../../lib/cache';
import { JwtKnoxFence, JwtKnoxSessionBase, typeOrm } from '../../lib/typeorm';
import { announceRevocations, announceUserChanges, jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { createApp, type TestApp } from '../support/create-app';
import { CreateUsers1 } from '../support/create-users';
import { createDatabase, databaseKinds, directUrlOf, POOLER, type TestDatabase } from '../support/databases';
import { platforms } from '../support/platforms';
import { User } from '../support/users';

const ANNOUNCED = [
  ...jwtKnoxMigrations,
  announceRevocations(),
  CreateUsers1,
  announceUserChanges({ table: 'users', columns: ['username', 'isActive', 'isAdmin', 'validSince'] }),
];
const [platform] = platforms;

describe.runIf(databaseKinds.includes('postgres'))('the lease cache over two processes, on PostgreSQL', () => {
  const apps: TestApp[] = [];
  let database: TestDatabase;

  const start = async (
    options: Partial<LeaseCacheOptions> = {},
    migrations: any[] = ANNOUNCED,
    knox: JwtKnoxOptions = {},
  ) => {
    database ??= await createDatabase('postgres');
    // No pooler in transaction mode lets it listen.
    const feed = postgresFeed(POOLER === undefined ? {} : { url: directUrlOf(database) });
    const app = await createApp(platform!, 'postgres', {
      database,
      typeorm: { migrations },
      options: knox,
      extras: { features: [leaseCache({ feed, users: true, ...options })], routes: { admin: true } },
    });
    apps.push(app);
    return app;
  };
  const pair = async (options?: Partial<LeaseCacheOptions>) => {
    const a = await start(options);
    const b = await start(options);
    if (!(await a.users.rows.findOneBy({ username: 'alice' }))) await a.users.add('alice');
    return { a, b, login: async () => (await a.login()).access_token as string };
  };
  const status = async (app: TestApp, token: string) => (await app.http.get('/notes', { token })).status;
  /** Until memory answers: the lease is there, and the second of two requests sends no statement. */
  const warm = async (app: TestApp, token: string) => {
    for (let count = 0; count < 200; count++) {
      const before = app.statements.length;
      expect(await status(app, token)).toBe(200);
      if (app.statements.slice(before).every((sql) => !/FROM "(jwt_knox_sessions|users)"/.test(sql))) return;
    }
    throw new Error('Memory never answered.');
  };

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    await database?.drop();
    database = undefined as never;
  });

  it('L1: a logout that was acknowledged in one process counts in the other', async () => {
    const { a, b, login } = await pair();
    for (let round = 0; round < 10; round++) {
      const token = await login();
      await warm(a, token);
      await warm(b, token);
      expect((await a.http.post('/auth/logout', { token })).status).toBe(204);
      expect(await status(b, token)).toBe(401);
    }
  });

  it('L1: so do the end of all, the end of the others, an eviction, a narrowing and new keys', async () => {
    const { a, b, login } = await pair();
    const [one, two, three] = [await login(), await login(), await login()];
    for (const token of [one, two, three]) await warm(b, token);
    await a.http.post('/auth/logout-other', { token: one });
    expect([await status(b, two), await status(b, three), await status(b, one)]).toEqual([401, 401, 200]);
    const { session } = await a.tokens.authenticate(one);
    await warm(b, one);
    await a.tokens.narrow(session.id, ['orders:read']);
    expect((await b.tokens.authenticate(one)).session.scopes).toBe('orders:read');
    await warm(b, one);
    const renewed = await a.tokens.reauthenticate(session);
    expect(await status(b, one)).toBe(401);
    await warm(b, renewed.accessToken);
    await a.tokens.revokeAll(session.userId);
    expect(await status(b, renewed.accessToken)).toBe(401);
  });

  it('a copied token that was refused in one process is announced in the other, and so is that its user knows', async () => {
    const { a, b, login } = await pair();
    const { session } = await a.tokens.authenticate(await login());
    const announced: unknown[] = [];
    b.app.get(JwtKnoxEvents).on('session.announced', (one) => void announced.push(one));
    await a.source.query(`UPDATE jwt_knox_sessions SET "boundKind" = 'dpop'`);
    const change = { scope: { sessionId: session.id }, isEnd: false };
    await expect.poll(() => announced).toEqual([change]);
    const repository = a.app.get(SessionRepository);
    const at = a.clock.now();
    expect(await repository.noteRefusal(session.id, { at, since: at - 60_000 })).toBe(true);
    await expect.poll(() => announced).toEqual([change, change]);
    expect(await repository.noteRefusal(session.id, { at, since: at - 60_000 })).toBe(false);
    expect(await repository.forgetRefusal(session.id, session.userId, at)).toBe(true);
    await expect.poll(() => announced).toEqual([change, change, change]);
  });

  it('L1: SQL written by hand counts after settled(), and so does the end of a user by a cascade or a truncated table', async () => {
    const { a, b, login } = await pair();
    for (const sql of [
      'DELETE FROM jwt_knox_sessions',
      'UPDATE jwt_knox_sessions SET "expiresAt" = 1',
      'TRUNCATE jwt_knox_sessions',
    ]) {
      const token = await login();
      await warm(b, token);
      await a.source.query(sql);
      await a.tokens.settled();
      expect(await status(b, token)).toBe(401);
    }
  });

  it('L4: a user who changed in the database counts as changed', async () => {
    const { a, b, login } = await pair();
    const token = await login();
    await warm(b, token);
    await a.users.rows.update({ username: 'alice' }, { isActive: false });
    await a.tokens.settled();
    expect(await status(b, token)).toBe(401);
    await a.users.rows.update({ username: 'alice' }, { isActive: true });
    await a.tokens.settled();
    expect(await status(b, token)).toBe(200);
  });

  it('L4: with replicas, a user who changed is not kept before they may have caught up', async () => {
    database = await createDatabase('postgres');
    const { url } = database.options as { url: string };
    const app = await createApp(platform!, 'postgres', {
      database,
      typeorm: { migrations: ANNOUNCED, url: undefined, replication: { master: { url }, slaves: [{ url }] } },
      extras: {
        features: [leaseCache({ feed: postgresFeed({ url: directUrlOf(database) }), users: true, maxAge: '3s' })],
      },
    });
    apps.push(app);
    await app.users.add('alice');
    const { access_token: token } = await app.login();
    // What changed before the start, nobody has told.
    await expect.poll(() => warm(app, token).then(() => true, () => false), { timeout: 15_000 }).toBe(true); // prettier-ignore
    const users = app.app.get(UserProvider, { strict: false });
    const lagging = vi.spyOn(users, 'findById').mockResolvedValue(await users.findById('1'));
    await app.users.rows.update({ username: 'alice' }, { isActive: false });
    await app.tokens.userChanged('1');
    // For as long as the replica lags, and no longer.
    expect([await status(app, token), await status(app, token)]).toEqual([200, 200]);
    lagging.mockRestore();
    expect(await status(app, token)).toBe(401);
  });

  it('L4: refreshes take nothing from what memory knows, and announce nothing', async () => {
    const { a, b } = await pair();
    const before = await a.login();
    await warm(b, before.access_token);
    const announced: unknown[] = [];
    b.app.get(JwtKnoxEvents).on('session.announced', (one) => void announced.push(one));
    const after = (await a.http.post('/auth/refresh', { json: { refresh_token: before.refresh_token } })).body;
    await a.tokens.settled();
    expect(announced).toEqual([]);
    expect([await status(b, before.access_token), await status(b, after.access_token)]).toEqual([200, 200]);
  });

  it('tells listeners of other processes of an end, with events: cluster', async () => {
    const { a, b, login } = await pair({ events: 'cluster' });
    const token = await login();
    const { session } = await a.tokens.authenticate(token);
    await a.http.post('/auth/logout', { token });
    await expect.poll(() => b.events.filter(({ name }) => name === 'session.revoked')).toHaveLength(1);
    expect(b.events.find(({ name }) => name === 'session.revoked')!.event).toMatchObject({
      sessionId: session.id,
      userId: session.userId,
      reason: 'logout',
    });
    expect(a.events.filter(({ name }) => name === 'session.revoked')).toHaveLength(1);
  });

  it('L3: with the feed cut off, requests are answered from the storage, and from memory once it is back', async () => {
    const { a, b, login } = await pair();
    const token = await login();
    await warm(b, token);
    for (let count = 0; count < 3; count++) {
      await a.source.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jwt-knox feed'",
      );
      expect(await status(b, token)).toBe(200);
      await warm(b, token);
    }
    expect((await a.http.post('/auth/logout', { token })).status).toBe(204);
    expect(await status(b, token)).toBe(401);
  });

  it('refuses an end of which nobody was told: a trigger that is disabled under way', async () => {
    const { a, b, login } = await pair();
    const token = await login();
    await warm(a, token);
    await warm(b, token);
    await a.source.query('ALTER TABLE jwt_knox_sessions DISABLE TRIGGER jwt_knox_gone');
    expect((await a.http.post('/auth/logout', { token })).status).toBe(503);
    const other = await login();
    await warm(a, other);
    await warm(b, other);
    const { session } = await a.tokens.authenticate(other);
    await expect(a.tokens.revokeAll(session.userId)).rejects.toMatchObject({ status: 503 });
  });

  it('answers nothing from memory where the feed is of another database: its notices stay there', async () => {
    await pair();
    const rest = database;
    database = undefined as never;
    const a = await start({ feed: postgresFeed({ url: directUrlOf(rest) }) });
    await a.users.add('alice');
    const token = (await a.login()).access_token as string;
    await expect(warm(a, token)).rejects.toThrow('Memory never answered.');
    for (const app of apps.splice(0)) await app.close();
    await rest.drop();
  });

  it('does not start without the triggers, or without those of the users, and says what to do', async () => {
    await expect(start({}, [...jwtKnoxMigrations, CreateUsers1])).rejects.toThrow('add announceRevocations()');
    await database.drop();
    database = await createDatabase('postgres');
    await expect(start({}, [...jwtKnoxMigrations, announceRevocations(), CreateUsers1])).rejects.toThrow(
      'add announceUserChanges(',
    );
  });

  it.each(['jwt_knox_user_changed', 'jwt_knox_user_gone', 'jwt_knox_users_emptied'])(
    'does not start with users while %s is disabled',
    async (trigger) => {
      const { source } = await start();
      await source.query(`ALTER TABLE users DISABLE TRIGGER ${trigger}`);
      await expect(start()).rejects.toThrow('add announceUserChanges(');
      await start({ users: false });
    },
  );

  it('an eviction is told of as an end', async () => {
    const session = { limitPerUser: 1, onLimit: 'evict-oldest' } as const;
    const a = await start({}, ANNOUNCED, { session });
    const b = await start({}, ANNOUNCED, { session });
    await a.users.add('alice');
    const ended: unknown[] = [];
    b.app.get(JwtKnoxEvents).on('session.announced', ({ scope, isEnd }) => void (isEnd && ended.push(scope)));
    const { session_id: sessionId } = await a.login();
    await a.login();
    await expect.poll(() => ended).toEqual([{ sessionId }]);
  });

  it('a purge tells of no end, and an end of what had expired long ago is told of all the same', async () => {
    const { a, b, login } = await pair();
    await Promise.all([login(), login(), login()]);
    const [{ id }, { id: other }] = await a.source.query('SELECT id FROM jwt_knox_sessions');
    await a.source.query(
      'UPDATE jwt_knox_sessions SET "expiresAt" = CASE WHEN id = $1 THEN (extract(epoch FROM now()) * 1000)::bigint ELSE 1 END',
      [id],
    );
    await a.tokens.settled();
    const ends: unknown[] = [];
    b.app.get(JwtKnoxEvents).on('session.announced', ({ scope, isEnd }) => void (isEnd && ends.push(scope)));
    expect(await a.tokens.revoke(other)).toBe(true);
    a.clock.advance('1m');
    expect(await a.app.get(SessionAdminService).purgeExpired()).toBe(2);
    await a.tokens.settled();
    // It expired a moment ago: by another clock, it may still be accepted.
    await expect.poll(() => ends).toEqual([{ sessionId: id }]);
  });

  it('does not start where the user is read with the row', async () => {
    database = await createDatabase('postgres');
    const features = [leaseCache({ feed: postgresFeed() })];
    const settings = { database, extras: { features, storage: typeOrm({ userRelation: 'user' } as never) } };
    await expect(createApp(platform!, 'postgres', settings)).rejects.toThrow(/userRelation/);
  });

  it('L4: under later names, users are announced whose table came later, and then by other columns', async () => {
    class CreateUsersLater extends CreateUsers1 {
      override readonly name = 'CreateUsers1795000000000';
    }
    class AnnounceUsers extends announceUserChanges({ table: 'users', columns: ['username'] }) {
      override name = 'AnnounceUsers1795000000001';
    }
    class AnnounceMore extends announceUserChanges({ table: 'users', columns: ['username', 'isActive'] }) {
      override name = 'AnnounceUsers1795000000002';
    }
    const migrations = [AnnounceMore, AnnounceUsers, CreateUsersLater, announceRevocations(), ...jwtKnoxMigrations];
    const a = await start({}, migrations);
    await a.users.add('alice');
    const token = (await a.login()).access_token as string;
    await warm(a, token);
    await a.source.query('UPDATE users SET "isActive" = false');
    await a.tokens.settled();
    expect(await status(a, token)).toBe(401);
  });

  it('L1: a session that is deleted softly counts after settled()', async () => {
    @Entity('jwt_knox_sessions')
    class SoftSession extends JwtKnoxSessionBase {
      @Column()
      override userId!: string;
      @DeleteDateColumn()
      deletedAt!: Date | null;
    }
    class AddDeletedAt1795000000000 {
      up = (runner: QueryRunner) => runner.query('ALTER TABLE jwt_knox_sessions ADD "deletedAt" TIMESTAMP');
      down = async () => undefined;
    }
    class AnnounceLater extends announceRevocations() {
      override name = 'AnnounceRevocations1795000000001';
    }
    const migrations = [...jwtKnoxMigrations, AddDeletedAt1795000000000, AnnounceLater, CreateUsers1];
    database = await createDatabase('postgres');
    const a = await createApp(platform!, 'postgres', {
      database,
      typeorm: { migrations, autoLoadEntities: false, entities: [User, SoftSession, JwtKnoxFence] },
      extras: {
        storage: typeOrm({ entity: SoftSession }),
        features: [leaseCache({ feed: postgresFeed(), users: { announcedBy: 'application' } })],
      },
    });
    apps.push(a);
    await a.users.add('alice');
    const { access_token: token, session_id: id } = await a.login();
    await warm(a, token);
    await a.source.getRepository(SoftSession).softDelete({ id });
    await a.tokens.settled();
    expect(await status(a, token)).toBe(401);
  });

  it('the migrations leave nothing behind when they are undone', async () => {
    const { a } = await pair();
    await a.source.undoLastMigration();
    await a.source.undoLastMigration();
    await a.source.undoLastMigration();
    const left = await a.source.query(
      "SELECT proname AS name FROM pg_proc WHERE proname LIKE 'jwt_knox%' UNION SELECT tgname FROM pg_trigger WHERE tgname LIKE 'jwt_knox%'",
    );
    expect(left).toEqual([]);
  });
});
