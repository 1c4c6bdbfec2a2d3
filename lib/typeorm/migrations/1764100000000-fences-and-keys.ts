import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions, TableColumn } from 'typeorm';
import { type IndexShape, integerType, isMysql, setIndexes, tableName, textColumn } from './portable';

// A migration is history: it repeats names and lengths as they were, and never follows the entity.
const SESSIONS = 'jwt_knox_sessions';
const FENCES = 'jwt_knox_fences';

const EXPIRES: IndexShape = { kind: 'IDX', suffix: 'expires', columnNames: ['expiresAt'] };
const BEFORE: IndexShape[] = [
  { kind: 'IDX', suffix: 'user', columnNames: ['userId'] },
  EXPIRES,
  { kind: 'UQ', suffix: 'slot', columnNames: ['userId', 'slot'] },
];
const AFTER: IndexShape[] = [
  { kind: 'IDX', suffix: 'user', columnNames: ['realm', 'userId'] },
  EXPIRES,
  { kind: 'UQ', suffix: 'slot', columnNames: ['realm', 'userId', 'kind', 'slot'] },
];

/**
 * Adds the fences, and to the sessions what keys, lifetimes, rights, actors and bound devices need. Only adds: sessions
 * that are alive go on. Tables that `synchronize` made are taken over: what they have already stays.
 */
export class JwtKnoxFencesAndKeys1764100000000 implements MigrationInterface {
  readonly name = 'JwtKnoxFencesAndKeys1764100000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const sessions = tableName(queryRunner, SESSIONS);
    const present = (await queryRunner.getTable(sessions))!.columns;
    const missing = (await newColumns(queryRunner)).filter(({ name }) => !present.some((one) => one.name === name));
    await queryRunner.addColumns(
      sessions,
      missing.map((column) => new TableColumn(column)),
    );
    if (isMysql(queryRunner)) await compareExactly(queryRunner, sessions);
    await setIndexes(queryRunner, sessions, AFTER);
    await createFences(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const sessions = tableName(queryRunner, SESSIONS);
    await queryRunner.dropTable(tableName(queryRunner, FENCES));
    await setIndexes(queryRunner, sessions, BEFORE);
    await queryRunner.dropColumns(
      sessions,
      (await newColumns(queryRunner)).map(({ name }) => name),
    );
  }
}

async function createFences(queryRunner: QueryRunner): Promise<void> {
  const fences = tableName(queryRunner, FENCES);
  const text = await textColumn(queryRunner);
  const scope = { ...text('scope', 80), isPrimary: true, primaryKeyConstraintName: `PK_${fences}` };
  const columns = [scope, { name: 'value', type: 'bigint' }];
  await queryRunner.createTable(new Table({ name: fences, columns }), true);
  const rows = ['#', '*'].map((one) => ({ scope: one, value: 0 }));
  // Unlike the runner, a query builder does not look in the data source's schema for a table without an entity.
  const { name } = (await queryRunner.getTable(fences))!;
  const insert = queryRunner.manager.createQueryBuilder().insert().into(name, ['scope', 'value']).values(rows);
  await insert.orIgnore().execute();
}

/** Text that `synchronize` of an earlier version made compares as the database does by default. */
async function compareExactly(queryRunner: QueryRunner, table: string): Promise<void> {
  const { charset, collation } = (await textColumn(queryRunner))('', 0);
  const columns: Record<'name' | 'type' | 'nullable' | 'preset', string | null>[] = await queryRunner.query(
    'SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable, COLUMN_DEFAULT AS preset ' +
      'FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLLATION_NAME <> ?',
    [table, collation],
  );
  for (const { name, type, nullable, preset } of columns) {
    // MariaDB gives a default as SQL, MySQL as text.
    const text = preset === null || preset === 'NULL' ? null : preset.replace(/^'(.*)'$/, '$1');
    const rest = `${nullable === 'YES' ? 'NULL' : 'NOT NULL'}${text === null ? '' : ` DEFAULT '${text}'`}`;
    const exact = `CHARACTER SET ${charset} COLLATE ${collation}`;
    await queryRunner.query(`ALTER TABLE \`${table}\` MODIFY \`${name}\` ${type} ${exact} ${rest}`);
  }
}

async function newColumns(queryRunner: QueryRunner): Promise<TableColumnOptions[]> {
  const sized = await textColumn(queryRunner);
  const text = (name: string, length: number) => ({ ...sized(name, length), isNullable: true });
  const moment = (name: string) => ({ name, type: 'bigint', isNullable: true });
  const { length: _, ...unsized } = sized('claims', 0);
  return [
    { ...sized('realm', 64), default: "''" },
    { ...sized('kind', 16), default: "'login'" },
    text('previousAccessDigest', 64),
    text('accessSalt', 64),
    moment('accessKeyAt'),
    { name: 'accessKeyIndex', type: integerType(queryRunner), isNullable: true },
    text('rotationKeyDigest', 64),
    moment('idleTimeout'),
    moment('maxExpiresAt'),
    text('lastUserAgent', 512),
    text('lastIpAddress', 64),
    text('scopes', 1_024),
    text('audience', 512),
    text('acr', 255),
    text('amr', 255),
    text('actorId', 255),
    text('actorRealm', 64),
    text('actorSessionId', 36),
    { ...unsized, type: 'text', isNullable: true },
    text('boundKind', 16),
    text('boundKey', 1_024),
    text('boundKeyThumbprint', 64),
    moment('boundAt'),
    moment('boundProofAt'),
  ];
}
