import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  type TableColumnOptions,
  TableColumn,
  TableIndex,
} from 'typeorm';
import { integerType, tableName, textColumn } from './portable';

// A migration is history: it repeats names and lengths as they were, and never follows the entity.
const SESSIONS = 'jwt_knox_sessions';
const FENCES = 'jwt_knox_fences';

const BEFORE = [
  { name: 'IDX_jwt_knox_sessions_user', columnNames: ['userId'] },
  { name: 'UQ_jwt_knox_sessions_slot', columnNames: ['userId', 'slot'], isUnique: true },
];
const AFTER = [
  { name: 'IDX_jwt_knox_sessions_user', columnNames: ['realm', 'userId'] },
  { name: 'UQ_jwt_knox_sessions_slot', columnNames: ['realm', 'userId', 'kind', 'slot'], isUnique: true },
];

/**
 * Adds the fences, and to the sessions what keys, lifetimes, rights, actors and bound devices need. Only adds: sessions
 * that are alive go on.
 */
export class JwtKnoxFencesAndKeys1764100000000 implements MigrationInterface {
  readonly name = 'JwtKnoxFencesAndKeys1764100000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const sessions = tableName(queryRunner, SESSIONS);
    const columns = await newColumns(queryRunner);
    await queryRunner.addColumns(
      sessions,
      columns.map((column) => new TableColumn(column)),
    );
    await replaceIndexes(queryRunner, sessions, BEFORE, AFTER);
    const text = await textColumn(queryRunner);
    const fences = tableName(queryRunner, FENCES);
    const scope = { ...text('scope', 80), isPrimary: true, primaryKeyConstraintName: 'PK_jwt_knox_fences' };
    await queryRunner.createTable(new Table({ name: fences, columns: [scope, { name: 'value', type: 'bigint' }] }));
    const rows = ['#', '*'].map((one) => ({ scope: one, value: 0 }));
    await queryRunner.manager.createQueryBuilder().insert().into(fences, ['scope', 'value']).values(rows).execute();
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const sessions = tableName(queryRunner, SESSIONS);
    await queryRunner.dropTable(tableName(queryRunner, FENCES));
    await replaceIndexes(queryRunner, sessions, AFTER, BEFORE);
    await queryRunner.dropColumns(
      sessions,
      (await newColumns(queryRunner)).map(({ name }) => name),
    );
  }
}

async function replaceIndexes(queryRunner: QueryRunner, table: string, old: typeof BEFORE, next: typeof BEFORE) {
  for (const { name } of old) await queryRunner.dropIndex(table, name);
  for (const index of next) await queryRunner.createIndex(table, new TableIndex(index));
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
