import { Column, DataSource, type DataSourceOptions, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SessionRecord, sessionRecord } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession, JwtKnoxSessionBase } from '../../lib/typeorm';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { createSharedDatabase, databaseKinds, type TestDatabase } from '../support/databases';

@Entity('staff_sessions')
class StaffSession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
}

@Entity('customer_sessions')
class CustomerSession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
}

@Entity('sessions_of_the_people_who_visit_us_and_leave_a_note')
class LongNamedSession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
}

@Entity('members')
class Member {
  @PrimaryColumn({ type: 'varchar', length: 64 }) id!: string;
}

@Entity('member_sessions')
class MemberSession extends JwtKnoxSessionBase {
  @Column({ name: 'userId', type: 'varchar', length: 64 }) userId!: string;
  @ManyToOne(() => Member, { onDelete: 'CASCADE' }) @JoinColumn({ name: 'userId' }) member!: Member;
}

const recordOf = (id: number, change: Partial<SessionRecord> = {}): SessionRecord =>
  sessionRecord({
    id: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`, userId: 'bob', accessDigest: 'a'.repeat(64), createdAt: 1,
    authenticatedAt: 1, expiresAt: 1_000, lastUsedAt: 1, ...change,
  }); // prettier-ignore

describe.each(databaseKinds)('tables of sessions on %s', (kind) => {
  let database: TestDatabase;
  let sources: DataSource[];

  beforeEach(async () => {
    sources = [];
    database = await createSharedDatabase(kind);
  });
  afterEach(async () => {
    for (const source of sources) await source.destroy();
    await database.drop();
  });

  const open = async (options: object, entities: Function[] = [JwtKnoxSession, JwtKnoxFence]) => {
    const all = { ...database.options, entities, ...options } as DataSourceOptions;
    const source = await new DataSource(all).initialize();
    sources.push(source);
    return source;
  };
  const drift = async (source: DataSource) =>
    (await source.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
  const indexesOf = async (source: DataSource, table: string) => {
    const runner = source.createQueryRunner();
    const found = await runner.getTable(table);
    await runner.release();
    return found!.indices.map(({ name }) => name).toSorted();
  };
  const namesFor = (table: string) => [`IDX_${table}_expires`, `IDX_${table}_user`, `UQ_${table}_slot`];
  const repositoryOf = (source: DataSource, entity: Function) =>
    new TypeOrmSessionRepository(source.getRepository(entity as typeof StaffSession));

  it.each([
    ['synchronize', { synchronize: true }],
    ['migrations', { migrations: jwtKnoxMigrations, migrationsRun: true }],
  ])('of two applications stand side by side in one database, by %s', async (_title, way) => {
    for (const entityPrefix of ['crm_', 'shop_']) {
      const source = await open({ ...way, entityPrefix, migrationsTableName: `${entityPrefix}migrations` });
      expect(await indexesOf(source, `${entityPrefix}jwt_knox_sessions`)).toEqual(
        namesFor(`${entityPrefix}jwt_knox_sessions`),
      );
      expect(await repositoryOf(source, JwtKnoxSession).insert(recordOf(1))).toBe(true);
    }
    // The one that came first has lost nothing to the other.
    for (const source of sources) expect(await drift(source)).toEqual([]);
  });

  it("of a host's own entities stand side by side", async () => {
    const source = await open({ synchronize: true }, [StaffSession, CustomerSession, JwtKnoxSession, JwtKnoxFence]);
    for (const table of ['staff_sessions', 'customer_sessions', 'jwt_knox_sessions'])
      expect(await indexesOf(source, table)).toEqual(namesFor(table));
    expect(await drift(source)).toEqual([]);
  });

  it('have other names of indexes where a name would be too long for the database', async () => {
    const source = await open({ synchronize: true }, [LongNamedSession, JwtKnoxFence]);
    expect(await indexesOf(source, 'sessions_of_the_people_who_visit_us_and_leave_a_note')).toHaveLength(3);
    expect(await drift(source)).toEqual([]);
  });

  const expectApart = async (repository: TypeOrmSessionRepository) => {
    const users = ['bob', 'BOB', 'bób', 'bob '];
    for (const [index, userId] of users.entries())
      expect(await repository.insert(recordOf(index, { userId, slot: 1, deviceName: 'Bob’s 📱' }))).toBe(true);
    for (const [index, userId] of users.entries())
      expect(await repository.findByUser(userId)).toEqual([
        recordOf(index, { userId, slot: 1, deviceName: 'Bob’s 📱' }),
      ]);
    expect(await repository.deleteByUser('BOB')).toBe(1);
    expect((await repository.findByUser('bob')).map(({ userId }) => userId)).toEqual(['bob']);
  };

  it('keep users apart by every character, also where synchronize makes them', async () => {
    // What a database of another character set gives to columns that name none.
    if (kind === 'mariadb') await (await open({}, [])).query('ALTER DATABASE CHARACTER SET latin1');
    const source = await open({ synchronize: true }, [StaffSession, JwtKnoxFence]);
    await expectApart(repositoryOf(source, StaffSession));
    expect(await drift(source)).toEqual([]);
  });

  it('compare user ids as the table of users does that a foreign key refers to', async () => {
    const source = await open({ synchronize: true }, [Member, MemberSession, JwtKnoxFence]);
    await source.getRepository(Member).insert({ id: 'bob' });
    expect(await repositoryOf(source, MemberSession).insert(recordOf(1, { deviceName: 'Bob’s 📱' }))).toBe(true);
    expect(await drift(source)).toEqual([]);
  });

  it('that synchronize made are taken over by the migrations, with what is in them', async () => {
    const before = await open({ synchronize: true });
    await repositoryOf(before, JwtKnoxSession).insert(recordOf(1, { slot: 1 }));
    const source = await open({ migrations: jwtKnoxMigrations });
    expect(await source.runMigrations()).toHaveLength(jwtKnoxMigrations.length);
    expect(await drift(source)).toEqual([]);
    expect(await repositoryOf(source, JwtKnoxSession).findByUser('bob')).toEqual([recordOf(1, { slot: 1 })]);
    expect(await source.getRepository(JwtKnoxFence).count()).toBe(2);
  });

  it('of an earlier version, as synchronize made them, are taken over too', async () => {
    const before = await open({ migrations: jwtKnoxMigrations.slice(0, 1), migrationsRun: true });
    await before.query('DROP TABLE migrations');
    if (kind === 'mariadb')
      await before.query('ALTER TABLE jwt_knox_sessions CONVERT TO CHARACTER SET latin1 COLLATE latin1_swedish_ci');
    const source = await open({ migrations: jwtKnoxMigrations, migrationsRun: true });
    expect(await drift(source)).toEqual([]);
    await expectApart(repositoryOf(source, JwtKnoxSession));
  });

  it('under an entityPrefix get the names that follow it, where an earlier version gave them others', async () => {
    const entityPrefix = 'crm_';
    const before = await open({ entityPrefix, migrations: jwtKnoxMigrations.slice(0, 1), migrationsRun: true });
    const runner = before.createQueryRunner();
    const table = (await runner.getTable('crm_jwt_knox_sessions'))!;
    for (const index of table.indices.slice()) {
      await runner.dropIndex(table, index);
      index.name = index.name!.replace(entityPrefix, '');
      await runner.createIndex(table, index);
    }
    await runner.release();
    const source = await open({ entityPrefix, migrations: jwtKnoxMigrations, migrationsRun: true });
    expect(await indexesOf(source, 'crm_jwt_knox_sessions')).toEqual(namesFor('crm_jwt_knox_sessions'));
    expect(await drift(source)).toEqual([]);
  });
});
