import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { indexOf, type IndexShape, integerType, tableName, textColumn } from './portable';

// A migration is history: it repeats names and lengths as they were, and never follows the entity.
const TABLE = 'jwt_knox_sessions';
const INDEXES: IndexShape[] = [
  { kind: 'IDX', suffix: 'user', columnNames: ['userId'] },
  { kind: 'IDX', suffix: 'expires', columnNames: ['expiresAt'] },
  { kind: 'UQ', suffix: 'slot', columnNames: ['userId', 'slot'] },
];

/** Creates `jwt_knox_sessions` on SQLite, PostgreSQL, MariaDB and MySQL. */
export class JwtKnoxCreateSessions1764000000000 implements MigrationInterface {
  readonly name = 'JwtKnoxCreateSessions1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const name = tableName(queryRunner, TABLE);
    // Made by `synchronize`: the next migration gives it what it lacks.
    if (await queryRunner.hasColumn(name, 'accessDigest')) return;
    const text = await textColumn(queryRunner);
    const table = new Table({
      name,
      columns: [
        { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: `PK_${name}` },
        text('userId', 255),
        text('accessDigest', 64),
        { ...text('refreshDigest', 64), isNullable: true },
        { ...text('previousRefreshDigest', 64), isNullable: true },
        { ...text('refreshSalt', 64), isNullable: true },
        { name: 'generation', type: integerType(queryRunner) },
        { name: 'rotatedAt', type: 'bigint', isNullable: true },
        { name: 'createdAt', type: 'bigint' },
        { name: 'authenticatedAt', type: 'bigint' },
        { name: 'expiresAt', type: 'bigint' },
        { name: 'lastUsedAt', type: 'bigint' },
        { ...text('userAgent', 512), isNullable: true },
        { ...text('ipAddress', 64), isNullable: true },
        { ...text('deviceName', 128), isNullable: true },
        { name: 'slot', type: integerType(queryRunner), isNullable: true },
      ],
      indices: INDEXES.map((shape) => indexOf(name, shape)),
    });
    await queryRunner.createTable(table);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable(tableName(queryRunner, TABLE));
  }
}
