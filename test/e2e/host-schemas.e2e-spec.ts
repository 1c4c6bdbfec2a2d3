import { Column, DataSource, type DataSourceOptions, Entity } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession, JwtKnoxSessionBase, typeOrm } from '../../lib/typeorm';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import { createDatabase, databaseKinds, type TestDatabase } from '../support/databases';
import { platforms } from '../support/platforms';
import { User } from '../support/users';
import { notingLogger } from '../support/noting-logger';

const TABLES = ['jwt_knox_fences', 'jwt_knox_sessions', 'migrations'];

/** A session entity that says itself where its table is. */
@Entity('crm_sessions', { schema: 'crm' })
class CrmSession extends JwtKnoxSessionBase {
  @Column({ name: 'userId', type: 'varchar', length: 255 })
  override userId!: string;
}

describe.runIf(databaseKinds.includes('postgres')).each(platforms)('schemas of PostgreSQL, on $name', (platform) => {
  const kind = 'postgres';
  let database: TestDatabase;
  /** The host's own connection, which sees all schemas. */
  let owner: DataSource;
  const apps: TestApp[] = [];

  beforeEach(async () => {
    database = await createDatabase(kind);
    owner = await new DataSource(database.direct).initialize();
    for (const schema of ['crm', 'shop']) await owner.query(`CREATE SCHEMA ${schema}`);
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    await owner.destroy();
    await database.drop();
  });

  const tablesIn = async (schema: string): Promise<string[]> => {
    const rows = await owner.query(`SELECT tablename AS name FROM pg_tables WHERE schemaname = '${schema}' ORDER BY 1`);
    return rows.map(({ name }: { name: string }) => name);
  };
  const count = async (table: string): Promise<number> =>
    Number((await owner.query(`SELECT COUNT(*) AS count FROM ${table}`))[0].count);
  const open = async (settings: AppSettings): Promise<TestApp> => {
    const app = await createApp(platform, kind, { database, ...settings });
    apps.push(app);
    return app;
  };
  const start = async (schema: string, { typeorm, ...settings }: AppSettings = {}): Promise<TestApp> => {
    const entities = [User, JwtKnoxSession, JwtKnoxFence];
    const app = await open({ ...settings, typeorm: { autoLoadEntities: false, entities, schema, ...typeorm } });
    if (!(await app.users.rows.existsBy({ username: 'alice' }))) await app.users.add('alice');
    return app;
  };

  describe.each<[string, DataSourceOptions['entities']]>([
    ['that knows the entities', [JwtKnoxSession, JwtKnoxFence]],
    ['of migrations alone', []],
  ])('the migrations by a data source %s', (_title, entities) => {
    let source: DataSource;
    const connect = async (schema: string) => {
      const options = { ...database.options, schema, entities, migrations: jwtKnoxMigrations } as DataSourceOptions;
      source = await new DataSource(options).initialize();
    };
    afterEach(() => source.destroy());

    it('make and drop their tables in its schema, and leave a neighbour as it is', async () => {
      await connect('shop');
      await source.runMigrations();
      await source.destroy();
      await connect('crm');
      for (let round = 0; round < 2; round++) {
        await source.runMigrations();
        expect([await tablesIn('crm'), await count('crm.jwt_knox_fences')]).toEqual([TABLES, 2]);
        for (const _ of jwtKnoxMigrations) await source.undoLastMigration();
        expect(await tablesIn('crm')).toEqual(['migrations']);
      }
      expect([await tablesIn('public'), await tablesIn('shop')]).toEqual([[], TABLES]);
    });
  });

  it('the tables of a schema are those of the entities: nothing is left to generate', async () => {
    const { source } = await start('crm');
    expect((await source.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
    await owner.query('DROP INDEX crm."IDX_jwt_knox_sessions_expires"');
    expect((await source.driver.createSchemaBuilder().log()).upQueries).toHaveLength(1);
  });

  it.each([false, true])(
    'a session lives in its schema from login to end; preparedStatements: %s',
    async (prepared) => {
      const t = await start('crm', {
        options: { session: { limitPerUser: 3, onLimit: 'evict-oldest' } },
        extras: { storage: typeOrm({ preparedStatements: prepared }), routes: { admin: true } },
      });
      const all: { access_token: string; refresh_token: string }[] = [];
      for (let i = 0; i < 4; i++) {
        all.push(await t.login());
        t.clock.advance('1s');
      }
      expect(await Promise.all(all.map((one) => t.statusOf(one.access_token)))).toEqual([401, 204, 204, 204]);
      const { body: next } = await t.http.post('/auth/refresh', { json: { refresh_token: all[1]!.refresh_token } });
      expect((await t.http.get('/auth/sessions', { token: next.access_token })).body).toHaveLength(3);
      const own = `/auth/sessions/${next.session_id}`;
      const phone = { token: next.access_token, json: { device_name: 'Phone' } };
      expect((await t.http.patch(own, phone)).status).toBe(204);
      expect(await count('crm.jwt_knox_sessions')).toBe(3);
      expect((await t.http.post('/auth/logout', { token: all[3]!.access_token })).status).toBe(204);
      expect((await t.http.post('/auth/logout-all', { token: next.access_token })).body).toEqual({ revoked: 2 });
      expect([await count('crm.jwt_knox_sessions'), await count('crm.jwt_knox_fences')]).toEqual([0, 3]);
      expect([await tablesIn('public'), await tablesIn('shop')]).toEqual([[], []]);
    },
  );

  it('a table that compares text loosely is named at start, and that of a neighbour is not', async () => {
    const errorsOf = async (schema: string) => {
      const errors: string[] = [];
      const logger = notingLogger((line) => errors.push(String(line)), 'error');
      await start(schema, { logger });
      // An application of before may still say what it could not delete.
      return errors.filter((line) => !line.includes('login-undeleted'));
    };
    expect([await errorsOf('crm'), await errorsOf('shop')]).toEqual([[], []]);
    await owner.query('ALTER TABLE crm.jwt_knox_sessions ALTER COLUMN "kind" TYPE char(16)');
    expect(await errorsOf('crm')).toEqual([expect.stringMatching(/compares text otherwise.*kind \(bpchar\)/)]);
    expect(await errorsOf('shop')).toEqual([]);
  });

  it('applications of one secret in two schemas of a database are nothing to each other', async () => {
    const options = { session: { limitPerUser: 1, onLimit: 'reject' } } as const;
    const [crm, shop] = [await start('crm', { options }), await start('shop', { options })];
    const [mine, theirs] = [await crm.login(), await shop.login()];
    expect([await crm.statusOf(theirs.access_token), await shop.statusOf(mine.access_token)]).toEqual([401, 401]);
    expect((await shop.http.post('/auth/refresh', { json: { refresh_token: mine.refresh_token } })).status).toBe(401);
    expect((await crm.http.get('/auth/sessions', { token: mine.access_token })).body).toHaveLength(1);
    expect((await crm.http.post('/auth/logout-all', { token: mine.access_token })).body).toEqual({ revoked: 1 });
    expect([await count('crm.jwt_knox_fences'), await count('shop.jwt_knox_fences')]).toEqual([3, 2]);
    expect(await shop.statusOf(theirs.access_token)).toBe(204);
    await crm.tokens.revokeBefore(crm.clock.now() + 1);
    expect(await shop.statusOf(theirs.access_token)).toBe(204);
  });

  it('control: applications in one schema do meet', async () => {
    const one = await start('crm');
    const other = await start('crm');
    expect(await other.statusOf((await one.login()).access_token)).toBe(204);
  });

  it("an entity's own schema is where its sessions are, with the fences in that of the data source", async () => {
    const t = await open({
      extras: { storage: typeOrm({ entity: CrmSession, preparedStatements: true }) },
      synchronize: true,
      typeorm: { autoLoadEntities: false, entities: [User, CrmSession, JwtKnoxFence], schema: 'shop' },
    });
    await t.users.add('alice');
    const login = await t.login();
    expect([await tablesIn('crm'), await tablesIn('shop')]).toEqual([['crm_sessions'], ['jwt_knox_fences', 'users']]);
    const { body } = await t.http.post('/auth/refresh', { json: { refresh_token: login.refresh_token } });
    expect(await t.statusOf(body.access_token)).toBe(204);
    expect((await t.http.post('/auth/logout-all', { token: body.access_token })).body).toEqual({ revoked: 1 });
    expect([await count('crm.crm_sessions'), await count('shop.jwt_knox_fences')]).toEqual([0, 2]);
    expect((await t.source.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
  });
});
