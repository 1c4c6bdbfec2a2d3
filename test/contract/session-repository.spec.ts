import { DataSource } from 'typeorm';
import { describe, it } from 'vitest';
import { JwtKnoxFence } from '../../lib/typeorm/fence.entity';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { InMemorySessionRepository, sessionRepositoryContract } from '../../lib/testing';
import { createDatabase, type DatabaseKind, databaseKinds } from '../support/databases';

const runner = { describe, it };

sessionRepositoryContract('in memory', async () => ({ repository: new InMemorySessionRepository() }), runner);

const variants: { kind: DatabaseKind; title: string; settings: object; cache?: object }[] = databaseKinds.flatMap(
  (kind) => [
    { kind, title: `TypeORM on ${kind}`, settings: {} },
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
        close: async () => {
          await source.destroy();
          await database.drop();
        },
      };
    },
    runner,
  );
}
