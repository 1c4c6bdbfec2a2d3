import { Column, DataSource, type DataSourceOptions, Entity } from 'typeorm';
import { PGliteDriver } from 'typeorm-pglite';
import { describe, it } from 'vitest';
import type { SessionRecord } from '../../lib';
import { JwtKnoxFence } from '../../lib/typeorm/fence.entity';
import { JwtKnoxSession, JwtKnoxSessionBase } from '../../lib/typeorm/session.entity';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { type ContractSubject, InMemorySessionRepository, sessionRepositoryContract } from '../../lib/testing';
import { createDatabase, type DatabaseKind, databaseKinds } from '../support/databases';

const runner = { describe, it };

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
  sessionRepositoryContract(
    title,
    async () => {
      const database = await createDatabase(kind);
      const source = await new DataSource({
        ...database.options,
        entities: [JwtKnoxSession, JwtKnoxFence],
        ...(cache ? { cache, synchronize: true } : { migrations: jwtKnoxMigrations, migrationsRun: true }),
      }).initialize();
      return {
        repository: new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession), settings),
        transaction: (work) => source.transaction(work),
        close: async () => {
          await source.destroy();
          await database.drop();
        },
      };
    },
    runner,
  );
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
  const open = async () => {
    const database = await createDatabase(kind);
    const entities = [TenantSession, JwtKnoxFence];
    const source = await new DataSource({ ...database.options, entities, synchronize: true }).initialize();
    const rows = source.getRepository(TenantSession);
    return {
      repository: new OfOneTenant(rows as never),
      columns,
      readColumns: async (id: string) => {
        const { tenantId, channel } = await rows.findOneByOrFail({ id });
        return { tenantId, channel };
      },
      close: async () => {
        await source.destroy();
        await database.drop();
      },
    };
  };
  sessionRepositoryContract(`TypeORM on ${kind}, an entity with columns of the host's`, open, runner);
}

// Drivers that TypeORM takes in place of the usual ones, in memory.
sessionRepositoryContract('TypeORM on sql.js', () => openWith({ type: 'sqljs' }), runner);

/** One for all: it takes seconds to start, and is one connection to one database. */
const engine = new PGliteDriver({}).driver;
sessionRepositoryContract(
  'TypeORM on PGlite',
  () => openWith({ type: 'postgres', driver: withoutEnd(engine), dropSchema: true }),
  runner,
);

async function openWith(options: object): Promise<ContractSubject> {
  const source = await new DataSource({
    ...options,
    entities: [JwtKnoxSession, JwtKnoxFence],
    migrations: jwtKnoxMigrations,
    migrationsRun: true,
  } as object as DataSourceOptions).initialize();
  const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession));
  return { repository, transaction: (work) => source.transaction(work), close: () => source.destroy() };
}

/** The engine goes on when a data source is closed. */
function withoutEnd({ Pool }: { Pool: new () => object }) {
  return {
    Pool: class extends Pool {
      end(done: () => void): void {
        done();
      }
    },
  };
}
