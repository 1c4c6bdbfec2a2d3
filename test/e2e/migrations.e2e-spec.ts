import { DataSource, DefaultNamingStrategy, type DataSourceOptions } from 'typeorm';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SessionRecord, sessionRecord } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession, typeOrm } from '../../lib/typeorm';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { createApp, environments, NotesController } from '../support/create-app';
import { createDatabase, databaseKinds, type TestDatabase } from '../support/databases';

const snake = (text: string) => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, '');

/** Renames whatever has no name of its own, and respects names that were given. */
class PoliteNamingStrategy extends DefaultNamingStrategy {
  override columnName(propertyName: string, customName: string, prefixes: string[]) {
    return customName || snake(prefixes.concat(propertyName).join('_'));
  }
  override indexName(...[table, columns]: Parameters<DefaultNamingStrategy['indexName']>) {
    return `idx_${snake(typeof table === 'string' ? table : table.name)}_${columns.join('_')}`;
  }
  override primaryKeyName(...[table]: Parameters<DefaultNamingStrategy['primaryKeyName']>) {
    return `pk_${snake(typeof table === 'string' ? table : table.name)}`;
  }
}

const SETUPS: [title: string, options: Partial<DataSourceOptions>][] = [
  ['the options as they are', {}],
  ['a naming strategy in snake case', { namingStrategy: new PoliteNamingStrategy() }],
  ['an entityPrefix', { entityPrefix: 'app_' }],
  ['an entityPrefix and a naming strategy', { entityPrefix: 'app_', namingStrategy: new PoliteNamingStrategy() }],
];

describe.each(databaseKinds)('the migrations: %s', (kind) => {
  let database: TestDatabase;
  let source: DataSource;

  beforeEach(async () => {
    database = await createDatabase(kind);
  });
  afterEach(async () => {
    await source.destroy();
    await database.drop();
  });

  const open = async (options: Partial<DataSourceOptions> = {}, entities: any[] = [JwtKnoxSession, JwtKnoxFence]) => {
    const all = { ...database.options, entities, migrations: jwtKnoxMigrations, ...options };
    source = await new DataSource(all as DataSourceOptions).initialize();
  };
  const drift = async () => (await source.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
  const tables = async (name: string) => {
    const runner = source.createQueryRunner();
    try {
      return await runner.hasTable(name);
    } finally {
      await runner.release();
    }
  };
  const record = (id: number, change: Partial<SessionRecord> = {}): SessionRecord =>
    sessionRecord({
      id: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
      userId: 'alice',
      accessDigest: 'a'.repeat(64),
      createdAt: 1_764_000_000_000,
      authenticatedAt: 1_764_000_000_000,
      expiresAt: 1_764_000_086_400,
      lastUsedAt: 1_764_000_000_000,
      ...change,
    });

  describe.each(SETUPS)('with %s', (_title, options) => {
    const table = `${options.entityPrefix ?? ''}jwt_knox_sessions`;

    it('go up, down and up again', async () => {
      await open(options);
      for (let round = 0; round < 2; round++) {
        expect(await tables(table)).toBe(false);
        expect(await source.runMigrations()).toHaveLength(jwtKnoxMigrations.length);
        expect(await tables(table)).toBe(true);
        expect(await source.runMigrations()).toEqual([]);
        if (round > 0) continue;
        for (const _ of jwtKnoxMigrations) await source.undoLastMigration();
        expect(await drift()).not.toEqual([]);
      }
    });

    it('leave nothing that the entity would have otherwise', async () => {
      await open(options);
      await source.runMigrations();
      expect(await drift()).toEqual([]);
    });

    it('make a table that holds sessions', async () => {
      await open(options);
      await source.runMigrations();
      const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession));
      const full = record(1, { userAgent: 'é😀'.repeat(100), deviceName: '😀'.repeat(128), slot: 1, rotatedAt: 5 });
      expect(await repository.insert(full)).toBe(true);
      expect(await repository.insert(record(2, { slot: 1 }))).toBe(false);
      expect((await repository.findById(full.id))?.record).toEqual(full);
      expect(await repository.findByUser('alice')).toEqual([full]);
      expect(await repository.deleteByUser('alice')).toBe(1);
    });
  });

  it('control: a table without one of its indexes is a drift', async () => {
    await open();
    await source.runMigrations();
    const onTable = kind === 'mariadb' ? ' ON jwt_knox_sessions' : '';
    const quote = kind === 'mariadb' ? '`' : '"';
    await source.query(`DROP INDEX ${quote}IDX_jwt_knox_sessions_expires${quote}${onTable}`);
    expect(await drift()).toHaveLength(1);
  });

  const expectDifferent = async (ids: string[]) => {
    await open();
    await source.runMigrations();
    const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession));
    for (const [i, userId] of ids.entries()) expect(await repository.insert(record(i, { userId, slot: 1 }))).toBe(true);
    for (const [i, userId] of ids.entries()) {
      expect((await repository.findByUser(userId)).map((row) => row.id)).toEqual([record(i).id]);
    }
    for (const userId of ids) expect(await repository.deleteByUser(userId)).toBe(1);
  };

  it('make user ids that differ in case, accents or width different ids', () =>
    expectDifferent(['alice', 'Alice', 'ALICE', 'alicé', 'straße', 'strasse', '1', '01', '１']));

  it('make user ids that differ in spaces different ids', () =>
    expectDifferent(['alice', 'alice ', ' alice', 'alice  ']));

  it('make a session id in capitals another id', async () => {
    await open();
    await source.runMigrations();
    const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession));
    const id = 'abcdefab-0000-4000-8000-000000000000';
    await repository.insert(record(1, { id }));
    expect(await repository.findById(id.toUpperCase())).toBeNull();
    expect(await repository.deleteById(id.toUpperCase())).toBe(false);
    expect(await repository.deleteById(id)).toBe(true);
  });
});

describe.each(environments)('sessions in a data source of their own: $title', ({ platform, kind }) => {
  it('live there, and the users where they were', async () => {
    const database = await createDatabase(kind);
    const sessions = TypeOrmModule.forRoot({
      ...database.options,
      name: 'sessions',
      autoLoadEntities: true,
      migrations: jwtKnoxMigrations,
      migrationsRun: true,
      retryAttempts: 0,
    });
    const t = await createApp(platform, kind, {
      imports: [sessions],
      extras: { storage: typeOrm({ dataSource: 'sessions' }) },
      controllers: [NotesController],
    });
    try {
      await t.users.add('alice');
      const { access_token: token, session_id: id } = await t.login();
      t.statements.length = 0;
      expect((await t.http.get('/notes', { token })).body).toMatchObject({ username: 'alice', sessionId: id });
      expect(t.statements).toEqual([expect.stringContaining('users')]);
      expect(t.source.hasMetadata(JwtKnoxSession)).toBe(false);
      const own = t.app.get<DataSource>('sessionsDataSource');
      expect(await own.getRepository(JwtKnoxSession).countBy({ id })).toBe(1);
      expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
      expect((await t.http.get('/notes', { token })).status).toBe(401);
    } finally {
      await t.close();
      await database.drop();
    }
  });
});
