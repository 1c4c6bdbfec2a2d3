import { ChildEntity, Column, DataSource, type DataSourceOptions, Entity, TableInheritance } from 'typeorm';
import { PGliteDriver } from 'typeorm-pglite';
import { afterAll, describe, it } from 'vitest';
import type { SessionRecord } from '../../lib';
import { JwtKnoxFence } from '../../lib/typeorm/fence.entity';
import { JwtKnoxSession, JwtKnoxSessionBase } from '../../lib/typeorm/session.entity';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { type ContractSubject, InMemorySessionRepository, sessionRepositoryContract } from '../../lib/testing';
import { createDatabase, type DatabaseKind, databaseKinds } from '../support/databases';

const runner = { describe, it };

const undone: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const undo of undone) await undo();
});

/** Opens a storage once for all cases, and empties it for each: databases take longer to make than all else. */
function emptiedForEach(open: () => Promise<DataSource>): () => Promise<DataSource> {
  let opened: Promise<DataSource> | undefined;
  return async () => {
    const source = await (opened ??= open());
    for (const { tablePath } of source.entityMetadatas) {
      const table = tablePath.split('.').map((part) => source.driver.escape(part));
      await source.query(`DELETE FROM ${table.join('.')}`);
    }
    return source;
  };
}

/** The same on a database of its own. */
const onDatabase = (kind: DatabaseKind, options: object) =>
  emptiedForEach(async () => {
    const database = await createDatabase(kind);
    const source = await new DataSource({ ...database.options, ...options } as DataSourceOptions).initialize();
    undone.push(() => source.destroy().then(() => database.drop()));
    return source;
  });

const inMemory = (realm: string) => async () => {
  const repository = new InMemorySessionRepository(realm);
  return { repository, columns: { tenantId: 7 }, readColumns: async (id: string) => repository.columnsOf(id) };
};
sessionRepositoryContract('in memory', inMemory(''), runner);
sessionRepositoryContract('in memory, of a realm', inMemory('staff'), runner);

const variants: { kind: DatabaseKind; title: string; settings: object; cache?: object }[] = databaseKinds.flatMap(
  (kind) => [
    { kind, title: `TypeORM on ${kind}`, settings: {} },
    { kind, title: `TypeORM on ${kind}, of a realm`, settings: { realm: 'staff' } },
    { kind, title: `TypeORM on ${kind}, prepared statements`, settings: { preparedStatements: true } },
    // The cache's own table is made by synchronize.
    { kind, title: `TypeORM on ${kind}, with a result cache`, settings: {}, cache: { alwaysEnabled: true } },
  ],
);

for (const { kind, title, settings, cache } of variants) {
  const open = onDatabase(kind, {
    entities: [JwtKnoxSession, JwtKnoxFence],
    ...(cache ? { cache, synchronize: true } : { migrations: jwtKnoxMigrations, migrationsRun: true }),
  });
  sessionRepositoryContract(title, async () => subjectOn(await open(), settings), runner);
}

function subjectOn(source: DataSource, settings = {}): ContractSubject {
  const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession), settings);
  return { repository, transaction: (work) => source.transaction(work) };
}

@Entity('tenant_sessions')
class TenantSession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
  @Column({ type: 'int' }) tenantId!: number;
  @Column({ type: 'varchar', length: 20, name: 'channel_name', default: 'web' }) channel!: string;
}

const columns = { tenantId: 7, channel: 'kiosk' };

/** A column that must not be null, wherever the contract gives none. */
class OfOneTenant extends TypeOrmSessionRepository {
  override insert(record: SessionRecord, given: Readonly<Record<string, unknown>> = columns) {
    return super.insert(record, given);
  }
}

for (const kind of databaseKinds) {
  const openSource = onDatabase(kind, { entities: [TenantSession, JwtKnoxFence], synchronize: true });
  const open = async () => {
    const source = await openSource();
    const rows = source.getRepository(TenantSession);
    return {
      repository: new OfOneTenant(rows as never),
      columns,
      readColumns: async (id: string) => {
        const { tenantId, channel } = await rows.findOneByOrFail({ id });
        return { tenantId, channel };
      },
    };
  };
  sessionRepositoryContract(`TypeORM on ${kind}, an entity with columns of the host's`, open, runner);
}

@Entity('all_sessions')
@TableInheritance({ column: { type: 'varchar', length: 16, name: 'client' } })
class AnySession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) userId!: string;
}

@ChildEntity('web')
class WebSession extends AnySession {
  @Column({ type: 'varchar', length: 20, default: 'unknown' }) engine!: string;
}

@ChildEntity('desk')
class DeskSession extends AnySession {
  @Column({ type: 'int', nullable: true }) desk!: number | null;
}

for (const kind of databaseKinds) {
  const entities = [AnySession, WebSession, DeskSession, JwtKnoxFence];
  const open = onDatabase(kind, { entities, synchronize: true });
  for (const [title, entity] of [
    ['a child', WebSession],
    ['the parent', AnySession],
  ] as const) {
    for (const preparedStatements of [false, true]) {
      const openSubject = async (): Promise<ContractSubject> => {
        const source = await open();
        const rows = source.getRepository<JwtKnoxSessionBase>(entity);
        const repository = new TypeOrmSessionRepository(rows, { preparedStatements });
        return { repository, transaction: (work) => source.transaction(work) };
      };
      const way = preparedStatements ? ', prepared' : '';
      sessionRepositoryContract(`TypeORM on ${kind}, ${title} that shares its table${way}`, openSubject, runner);
    }
  }
}

// Drivers that TypeORM takes in place of the usual ones, in memory.
for (const [title, driver] of [
  ['sql.js', { type: 'sqljs' }],
  ['PGlite', { type: 'postgres', driver: new PGliteDriver({}).driver }],
] as const) {
  const open = emptiedForEach(async () => {
    const tables = { entities: [JwtKnoxSession, JwtKnoxFence], migrations: jwtKnoxMigrations, migrationsRun: true };
    const source = await new DataSource({ ...driver, ...tables } as object as DataSourceOptions).initialize();
    undone.push(() => source.destroy());
    return source;
  });
  sessionRepositoryContract(`TypeORM on ${title}`, async () => subjectOn(await open()), runner);
}
