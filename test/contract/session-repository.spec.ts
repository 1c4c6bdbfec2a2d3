import { DataSource } from 'typeorm';
import { describe, it } from 'vitest';
import { KnoxSession } from '../../lib/storage/knox-session.entity';
import { jwtKnoxMigrations } from '../../lib/storage/migrations';
import { TypeOrmSessionRepository } from '../../lib/storage/typeorm-session.repository';
import { InMemorySessionRepository, sessionRepositoryContract } from '../../lib/testing';
import { createDatabase, databaseKinds } from '../support/databases';

const runner = { describe, it };

sessionRepositoryContract('in memory', async () => ({ repository: new InMemorySessionRepository() }), runner);

const variants = databaseKinds.flatMap((kind) => [
  { kind, title: `TypeORM on ${kind}`, settings: {} },
  { kind, title: `TypeORM on ${kind}, prepared statements`, settings: { preparedStatements: true } },
]);

for (const { kind, title, settings } of variants) {
  sessionRepositoryContract(
    title,
    async () => {
      const database = await createDatabase(kind);
      const source = await new DataSource({
        ...database.options,
        entities: [KnoxSession],
        migrations: jwtKnoxMigrations,
        migrationsRun: true,
      }).initialize();
      return {
        repository: new TypeOrmSessionRepository(source.getRepository(KnoxSession), settings),
        close: async () => {
          await source.destroy();
          await database.drop();
        },
      };
    },
    runner,
  );
}
