import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leaseCache, postgresFeed } from '../../lib/cache';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { announceRevocations, announceUserChanges, jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { createApp } from '../support/create-app';
import { CreateUsers1 } from '../support/create-users';
import { createDatabase, databaseKinds, directUrlOf, type TestDatabase } from '../support/databases';
import { platforms } from '../support/platforms';
import { User } from '../support/users';

const [platform] = platforms;
const ENTITIES = [User, JwtKnoxSession, JwtKnoxFence];
const MIGRATIONS = [...jwtKnoxMigrations, CreateUsers1];

describe.runIf(databaseKinds.includes('postgres'))('tables that announce their changes, on PostgreSQL', () => {
  let database: TestDatabase;
  let owner: DataSource;

  beforeEach(async () => {
    database = await createDatabase('postgres');
    owner = await new DataSource(database.options).initialize();
  });
  afterEach(async () => {
    await owner.destroy();
    await database.drop();
  });

  const migrated = async (migrations: readonly any[], change: object = {}): Promise<DataSource> => {
    const options = { ...database.options, entities: ENTITIES, ...change, migrations: [...migrations] };
    const source = await new DataSource(options as DataSourceOptions).initialize();
    await source.runMigrations();
    return source;
  };
  const announcing = async (): Promise<string[]> => {
    const rows = await owner.query(
      "SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname LIKE 'jwt\\_knox\\_%' ORDER BY 1",
    );
    return rows.map(({ name }: { name: string }) => name);
  };
  const functions = async (): Promise<number> =>
    (await owner.query("SELECT 1 FROM pg_proc WHERE proname LIKE 'jwt\\_knox\\_%'")).length;

  it('are several, of modules with a table each', async () => {
    await owner.query('CREATE TABLE staff (id integer PRIMARY KEY, name text)');
    const source = await migrated(MIGRATIONS);
    await owner.query('CREATE TABLE staff_sessions (LIKE jwt_knox_sessions)');
    await source.destroy();
    const announced = [
      announceRevocations(),
      announceRevocations({ table: 'staff_sessions' }),
      announceUserChanges({ table: 'users', columns: ['username'] }),
      announceUserChanges({ table: 'staff', columns: ['name'] }),
    ];
    const later = await migrated([...MIGRATIONS, ...announced]);
    expect(await announcing()).toEqual(['jwt_knox_sessions', 'staff', 'staff_sessions', 'users']);
    for (let left = announced.length; left > 0; left--) {
      expect(await functions()).toBe(5);
      await later.undoLastMigration();
    }
    expect([await announcing(), await functions()]).toEqual([[], 0]);
    await later.destroy();
  });

  it('announce the columns that are named by now, when others are named', async () => {
    const watching = async (columns: string[]) => {
      await (await migrated([...MIGRATIONS, announceUserChanges({ table: 'users', columns })])).destroy();
      const [{ watched }] = await owner.query(
        "SELECT pg_get_triggerdef(oid) AS watched FROM pg_trigger WHERE tgname = 'jwt_knox_user_changed'",
      );
      return [/username/.test(watched), /isAdmin/.test(watched)];
    };
    expect(await watching(['username'])).toEqual([true, false]);
    expect(await watching(['username', 'isAdmin'])).toEqual([true, true]);
  });

  describe('in a schema of their own, by a role that may write nowhere else', () => {
    const announced = [
      ...MIGRATIONS,
      announceRevocations(),
      announceUserChanges({ table: 'auth.users', columns: ['username', 'isActive', 'isAdmin', 'validSince'] }),
    ];
    let role: string;
    let own: DataSourceOptions;

    beforeEach(async () => {
      role = `jwt_knox_owner_${process.pid}`;
      await owner.query(`CREATE ROLE ${role} LOGIN`);
      await owner.query(`CREATE SCHEMA auth AUTHORIZATION ${role}`);
      await owner.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
      // A pooler knows nobody who came after its start.
      const url = directUrlOf(database);
      own = { ...database.direct, url: url.replace(/\/\/[^@/]*@/, `//${role}@`) } as DataSourceOptions;
    });
    afterEach(async () => {
      await owner.query(`DROP OWNED BY ${role} CASCADE`);
      await owner.query(`DROP ROLE ${role}`);
    });

    it.each([
      ['that knows the entities', ENTITIES],
      ['of migrations alone', []],
    ])('are made by a data source %s', async (_title, entities) => {
      await (await migrated(announced, { ...own, schema: 'auth', entities })).destroy();
      expect(await announcing()).toEqual(['auth.jwt_knox_sessions', 'auth.users']);
    });

    it('serve the feed', async () => {
      const app = await createApp(platform!, 'postgres', {
        database: { ...database, options: own },
        typeorm: { schema: 'auth', migrations: announced },
        extras: { features: [leaseCache({ feed: postgresFeed(), users: true })] },
      });
      await app.users.add('alice');
      const { access_token: token } = await app.login();
      expect((await app.http.get('/notes', { token })).status).toBe(200);
      expect((await app.http.post('/auth/logout', { token })).status).toBe(204);
      expect((await app.http.get('/notes', { token })).status).toBe(401);
      await app.close();
    });
  });
});
