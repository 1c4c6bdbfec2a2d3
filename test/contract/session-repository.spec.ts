import { DataSource } from 'typeorm';
import { describe, it } from 'vitest';
import { KnoxSession } from '../../lib/storage/knox-session.entity';
import { jwtKnoxMigrations } from '../../lib/storage/migrations';
import { TypeOrmSessionRepository } from '../../lib/storage/typeorm-session.repository';
import { InMemorySessionRepository, sessionRepositoryContract } from '../../lib/testing';
import { createDatabase, databaseKinds } from '../support/databases';

const runner = { describe, it };

sessionRepositoryContract('in memory', async () => ({ repository: new InMemorySessionRepository() }), runner);

for (const kind of databaseKinds) {
  sessionRepositoryContract(
    `TypeORM on ${kind}`,
    async () => {
      const database = await createDatabase(kind);
      const source = await new DataSource({
        ...database.options,
        entities: [KnoxSession],
        migrations: jwtKnoxMigrations,
        migrationsRun: true,
      }).initialize();
      return {
        repository: new TypeOrmSessionRepository(source.getRepository(KnoxSession)),
        close: async () => {
          await source.destroy();
          await database.drop();
        },
      };
    },
    runner,
  );
}
