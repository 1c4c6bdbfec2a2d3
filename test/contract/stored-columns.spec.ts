import {
  Column, type ColumnOptions, DataSource, type DataSourceOptions, DeleteDateColumn, DefaultNamingStrategy, Entity,
  type ValueTransformer,
} from 'typeorm'; // prettier-ignore
import { afterEach, describe, expect, it } from 'vitest';
import { type SessionRecord, sessionRecord, UnstorableUserIdError } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession, JwtKnoxSessionBase, stringTransformer } from '../../lib/typeorm';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { onServer } from '../host/database-servers';
import { createDatabase, type DatabaseKind, databaseKinds, type TestDatabase } from '../support/databases';

const ID = '00000000-0000-4000-8000-000000000001';
const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';

const recordOf = (change: Partial<SessionRecord> = {}): SessionRecord =>
  sessionRecord({
    id: ID, userId: UUID, accessDigest: 'a'.repeat(64), refreshDigest: 'b'.repeat(64), createdAt: 1, authenticatedAt: 1,
    expiresAt: 1_000, lastUsedAt: 1, ...change,
  }); // prettier-ignore

const ROTATION = {
  refreshDigest: 'c'.repeat(64), previousRefreshDigest: 'b'.repeat(64), refreshSalt: 'd'.repeat(64), generation: 1,
  at: 5, expiresAt: 1_005, rotationKeyDigest: null, lastUserAgent: 'curl 📱', lastIpAddress: null,
}; // prettier-ignore

/** An entity of a host with columns of its own. */
function entityWith(columns: Record<string, ColumnOptions>, name = 'host_sessions') {
  class HostSession extends JwtKnoxSessionBase {
    userId!: string;
  }
  for (const [property, options] of Object.entries(columns)) Column(options)(HostSession.prototype, property);
  Entity(name)(HostSession);
  return HostSession;
}

const binaryUuid: ValueTransformer = {
  to: (text: string) => Buffer.from(text.replaceAll('-', ''), 'hex'),
  from: (bytes: Buffer) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
};
const prefixed: ValueTransformer = {
  to: (text: string) => text.replace(/^usr_/, ''),
  from: (text: string) => `usr_${text}`,
};
const BINARY: Record<DatabaseKind, ColumnOptions> = {
  sqlite: { type: 'blob' },
  postgres: { type: 'bytea' },
  mariadb: { type: 'binary', length: 16 },
};

describe.each(databaseKinds)('what a host makes of the columns on %s', (kind) => {
  let database: TestDatabase;
  let source: DataSource;
  let repository: TypeOrmSessionRepository;

  const open = async (entity: Function, options: object = {}, prepare: (url: TestDatabase) => unknown = () => 0) => {
    database = await createDatabase(kind);
    await prepare(database);
    const all = { ...database.options, entities: [entity, JwtKnoxFence], synchronize: true, ...options };
    source = await new DataSource(all as DataSourceOptions).initialize();
    repository = new TypeOrmSessionRepository(source.getRepository(entity as typeof JwtKnoxSession));
  };
  afterEach(async () => {
    if (source.isInitialized) await source.destroy();
    await database.drop();
  });

  const expectServed = async (record: SessionRecord) => {
    expect(await repository.insert(record)).toBe(true);
    expect((await repository.findById(record.id))?.record).toEqual(record);
    expect(await repository.findByUser(record.userId)).toEqual([record]);
    expect(await repository.findSlots(record.userId, { limit: 3, aliveAt: 2, most: 3 })).toEqual([record]);
    expect(await repository.findCrowded(0, 2, 10)).toEqual([record.userId]);
    expect((await repository.statistics(2, record.userId)).sessions.active).toBe(1);
    expect(await repository.deleteByUser(record.userId)).toBe(1);
  };

  it.each<[string, ColumnOptions, string]>([
    ['bytes', { ...BINARY[kind], transformer: binaryUuid }, UUID],
    ['text without its prefix', { type: 'varchar', length: 36, transformer: prefixed }, `usr_${UUID}`],
    ['text with case', { type: 'varchar', length: 36 }, UUID.toUpperCase()],
    ['a column of another name', { name: 'owner', type: 'varchar', length: 36 }, UUID],
  ])('user ids as %s are found again', async (_title, column, userId) => {
    await open(entityWith({ userId: column }));
    await expectServed(recordOf({ userId }));
  });

  const uuid: ColumnOptions = kind === 'sqlite' ? { type: 'varchar', length: 36 } : { type: 'uuid' };
  const lowercase: ValueTransformer = { to: (text: string) => text.toLowerCase(), from: (text: string) => text };
  it.each<[string, ColumnOptions, string]>([
    ['a uuid in capitals', { ...uuid, transformer: kind === 'sqlite' ? lowercase : stringTransformer }, UUID.toUpperCase()],
    ['a number with zeros', { type: 'int', transformer: stringTransformer }, '007'],
    ['no number', { type: 'int', transformer: stringTransformer }, '7 or so'],
    ['a text longer than the column', { type: 'varchar', length: 3 }, 'alice'],
    ['bytes that are none', { ...BINARY[kind], transformer: binaryUuid }, 'alice'],
    ...(kind === 'sqlite' ? [['a number beyond what the driver counts', { type: 'bigint' }, '9007199254740993'] as [string, ColumnOptions, string]] : []),
  ])('a user id that does not come back starts no session, and says why: %s', async (_title, column, userId) => {
    await open(entityWith({ userId: column }));
    await expect(repository.insert(recordOf({ userId }))).rejects.toThrow(UnstorableUserIdError);
    expect(await source.getRepository('HostSession').count()).toBe(0);
    expect(await repository.findByUser(userId)).toEqual([]);
  }); // prettier-ignore

  it('only user ids are the host’s to declare: what TypeORM would ignore does not start', async () => {
    const cipher: ColumnOptions = { type: 'varchar', length: 512, nullable: true, transformer: prefixed };
    await open(
      entityWith({ userId: { type: 'varchar', length: 64 }, userAgent: cipher, ticket: { type: 'int', default: 1 } }),
    );
    expect(repository.setupProblems({ readOnly: false })).toEqual([
      "The entity HostSession declares userAgent again, which TypeORM ignores; of the session's columns only userId is yours to declare.",
    ]);
  });

  it('user ids may be hidden, and named by a strategy', async () => {
    class Snake extends DefaultNamingStrategy {
      override columnName(property: string, custom: string) {
        return custom || property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      }
    }
    const entity = entityWith({ userId: { type: 'varchar', length: 64, select: false } });
    await open(entity, { namingStrategy: new Snake() });
    await expectServed(recordOf({ userAgent: 'curl' }));
  });

  it('rows that the host deletes softly are gone, and leave their slot', async () => {
    const entity = entityWith({ userId: { type: 'varchar', length: 64 } });
    DeleteDateColumn({ name: 'deletedAt' })(entity.prototype, 'deletedAt');
    await open(entity);
    await repository.insert(recordOf({ slot: 1 }));
    await source.getRepository(entity).softDelete({ id: ID });
    expect(await repository.findById(ID)).toBeNull();
    expect(await repository.findSlots(UUID, { limit: 1, aliveAt: 2, most: 1 })).toEqual([]);
    expect(await repository.insert(recordOf({ id: ID.replace('1', '2'), slot: 1 }))).toBe(true);
  });

  it('a sound table has no problems', async () => {
    await open(JwtKnoxSession);
    expect(await repository.inspect()).toEqual([]);
  });

  const LOOSE: Record<DatabaseKind, { column: ColumnOptions; kind: string }> = {
    sqlite: { column: { type: 'varchar', length: 64, collation: 'NOCASE' }, kind: 'NOCASE' },
    postgres: { column: { type: 'citext' }, kind: 'citext' },
    mariadb: { column: { type: 'varchar', length: 64, collation: 'utf8mb4_general_ci' }, kind: 'utf8mb4_general_ci' },
  };
  it('a table that mixes users up is named, with its cure', async () => {
    const { column, kind: why } = LOOSE[kind];
    await open(entityWith({ userId: column }));
    const problems = await repository.inspect();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^The table host_sessions compares text otherwise.*: userId \(.*\)\. Change /);
    expect(problems[0]).toContain(why);
  });

  it.runIf(kind !== 'sqlite')('what a column of your own cannot hold is not blamed on the user id', async () => {
    await open(entityWith({ userId: { type: 'int', transformer: stringTransformer }, tenant: { type: 'varchar', length: 3 } }));
    const refused = repository.insert(recordOf({ userId: '7' }), { tenant: 'north' });
    await expect(refused).rejects.toThrow(/too long/);
    expect(await repository.insert(recordOf({ userId: '7' }), { tenant: 'n' })).toBe(true);
  }); // prettier-ignore

  /** A transaction of the host's, in which text has to be written again. */
  const expectKeptInTransaction = async (id: string) => {
    await source.transaction(async (manager) => {
      const within = repository.within(manager)!.repository;
      expect(await within.insert(recordOf({ id, deviceName: 'Bob 📱' }))).toBe(true);
      expect(await within.rotate(id, 'b'.repeat(64), ROTATION)).toBe(true);
    });
    const found = (await repository.findById(id))?.record;
    expect([found?.deviceName, found?.lastUserAgent]).toEqual(['Bob ?', 'curl ?']);
  };

  if (kind === 'mariadb') {
    it('text beyond the character set of an old table is kept as far as it goes', async () => {
      await open(JwtKnoxSession);
      await source.query('ALTER TABLE jwt_knox_sessions CONVERT TO CHARACTER SET latin1 COLLATE latin1_bin');
      expect(await repository.insert(recordOf({ deviceName: 'Bob’s phone é 📱' }))).toBe(true);
      expect((await repository.findById(ID))?.record.deviceName).toBe('Bob?s phone ? ?');
      expect(await repository.rotate(ID, 'b'.repeat(64), ROTATION)).toBe(true);
      expect((await repository.findById(ID))?.record.lastUserAgent).toBe('curl ?');
      await expectKeptInTransaction(ID.replace('1', '3'));
      await expect(repository.insert(recordOf({ id: ID.replace('1', '2'), userId: '📱' }))).rejects.toThrow(
        UnstorableUserIdError,
      );
      expect(await repository.findByUser('📱')).toEqual([]);
      expect(await repository.deleteByUser('📱')).toBe(0);
      expect((await repository.inspect())[0]).toMatch(/userId \(latin1_bin\).*COLLATE utf8mb4_nopad_bin/);
    });
  }

  if (kind === 'postgres') {
    it('text beyond the encoding of the database is kept as far as it goes', async () => {
      const name = `jwt_knox_latin1_${process.pid}`;
      await onServer('postgres', `CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`);
      try {
        await open(JwtKnoxSession, { database: name, url: undefined, host: '127.0.0.1', username: 'postgres' });
        expect(await repository.insert(recordOf({ deviceName: 'Bob’s phone 📱' }))).toBe(true);
        expect((await repository.findById(ID))?.record.deviceName).toBe('Bob?s phone ?');
        await expectKeptInTransaction(ID.replace('1', '3'));
        await expect(repository.insert(recordOf({ id: ID.replace('1', '2'), userId: '📱' }))).rejects.toThrow(
          UnstorableUserIdError,
        );
        expect(await repository.findByUser('📱')).toEqual([]);
        await source.destroy();
      } finally {
        await onServer('postgres', `DROP DATABASE ${name} WITH (FORCE)`);
      }
    }); // prettier-ignore
  }
});
