import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sessionRecord } from '../../lib';
import { JwtKnoxFence } from '../../lib/typeorm';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { createDatabase, type DatabaseKind, databaseKinds, type TestDatabase } from '../support/databases';

const RECORD = sessionRecord({
  id: '00000000-0000-4000-8000-000000000001', userId: 'alice', accessDigest: 'a'.repeat(64), createdAt: 1, authenticatedAt: 1, expiresAt: 2,
  lastUsedAt: 1, userAgent: 'curl',
}); // prettier-ignore

/** What a later version of the library, or its host, may do to the table beside running instances. */
const CHANGES: Record<string, Record<DatabaseKind, string>> = {
  'gets a column': {
    sqlite: 'ALTER TABLE jwt_knox_sessions ADD COLUMN extra varchar(10)',
    postgres: 'ALTER TABLE jwt_knox_sessions ADD COLUMN extra varchar(10)',
    mariadb: 'ALTER TABLE jwt_knox_sessions ADD COLUMN extra varchar(10) FIRST',
  },
  'has a column of another type': {
    sqlite: 'ALTER TABLE jwt_knox_sessions ADD COLUMN other int',
    postgres: 'ALTER TABLE jwt_knox_sessions ALTER COLUMN "userAgent" TYPE text',
    mariadb: 'ALTER TABLE jwt_knox_sessions MODIFY `userAgent` text',
  },
  'has lost an index': {
    sqlite: 'DROP INDEX "IDX_jwt_knox_sessions_expires"',
    postgres: 'DROP INDEX "IDX_jwt_knox_sessions_expires"',
    mariadb: 'DROP INDEX `IDX_jwt_knox_sessions_expires` ON jwt_knox_sessions',
  },
};

const cases = databaseKinds.flatMap((kind) =>
  [true, false].map((preparedStatements) => ({ kind, preparedStatements })),
);

describe.each(cases)('on $kind, preparedStatements: $preparedStatements', ({ kind, preparedStatements }) => {
  let database: TestDatabase;
  let source: DataSource;
  let repository: TypeOrmSessionRepository;

  const open = async (poolSize: number) => {
    const pool = kind === 'sqlite' ? {} : { poolSize };
    const options = {
      ...database.options,
      ...pool,
      entities: [JwtKnoxSession, JwtKnoxFence],
      migrations: jwtKnoxMigrations,
    };
    source = await new DataSource({ ...options, migrationsRun: true } as DataSource['options']).initialize();
    repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession), { preparedStatements });
    await repository.insert(RECORD);
  };
  beforeEach(async () => {
    database = await createDatabase(kind);
  });
  afterEach(async () => {
    await source.destroy();
    await database.drop();
  });

  const found = async () => (await repository.findById(RECORD.id))?.record;
  const several = () => Promise.all(Array.from({ length: 8 }, found));
  const expected = Array.from({ length: 8 }, () => RECORD);

  it.each(Object.keys(CHANGES))('finds sessions while the table %s', async (change) => {
    await open(4);
    expect(await several()).toEqual(expected);
    await source.query(CHANGES[change]![kind]);
    expect(await several()).toEqual(expected);
    expect(await several()).toEqual(expected);
  });

  it('prepares the look-up once for a connection, or not at all', async () => {
    await open(1);
    const executed = async () => {
      if (kind === 'sqlite') return 0;
      const sql =
        kind === 'postgres'
          ? `SELECT count(*) AS n FROM pg_prepared_statements WHERE name LIKE '%jwt_knox_sessions%'`
          : `SELECT VARIABLE_VALUE AS n FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'COM_STMT_PREPARE'`;
      return Number((await source.query(sql))[0].n);
    };
    const before = await executed();
    for (let i = 0; i < 3; i++) expect(await found()).toEqual(RECORD);
    expect((await executed()) - before).toBe(preparedStatements && kind !== 'sqlite' ? 1 : 0);
  });

  // What a pooler does that hands a connection to another client between two statements, by the server's own errors.
  const losses: Record<string, () => Promise<unknown>> = {
    'does not know the statement (26000)': () => source.query('DEALLOCATE ALL'),
    'has the statement of another client (42P05)': async () => {
      const runner = source.createQueryRunner();
      const client = await runner.connect();
      client.connection.parsedStatements = {};
      await runner.release();
    },
  };
  if (kind === 'postgres')
    it.each(Object.keys(losses))('goes on unprepared, for good, where a connection %s', async (loss) => {
      await open(1);
      const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      expect(await found()).toEqual(RECORD);
      await losses[loss]!();
      expect(await several()).toEqual(expected);
      await source.query('DEALLOCATE ALL');
      expect(await several()).toEqual(expected);
      expect(await repository.readCounter()).toBe(0);
      const left = await source.query('SELECT name FROM pg_prepared_statements');
      expect(left).toEqual([]);
      const lines = warn.mock.calls.map(([text]) => String(text));
      warn.mockRestore();
      expect(lines).toEqual(
        preparedStatements ? [expect.stringMatching(/^\[jwt-knox:statements-unprepared\] .*prepared statement/)] : [],
      );
    });

  it('tells of a failed statement by its error', async () => {
    await open(2);
    await found();
    await source.query('DROP TABLE jwt_knox_sessions');
    await expect(found()).rejects.toThrow(/jwt_knox_sessions/);
  });
});
