import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';

// A migration is history: it repeats names and lengths as they were, and never follows the entity.
const TABLE = 'jwt_knox_sessions';

/** Creates `jwt_knox_sessions` on SQLite, PostgreSQL, MariaDB and MySQL. */
export class JwtKnoxCreateSessions1764000000000 implements MigrationInterface {
  readonly name = 'JwtKnoxCreateSessions1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const text = textColumn(queryRunner);
    const table = new Table({
      name: tableName(queryRunner),
      columns: [
        { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: 'PK_jwt_knox_sessions' },
        text('userId', 255),
        text('accessDigest', 64),
        { ...text('refreshDigest', 64), isNullable: true },
        { ...text('previousRefreshDigest', 64), isNullable: true },
        { ...text('refreshSalt', 64), isNullable: true },
        { name: 'generation', type: 'int' },
        { name: 'rotatedAt', type: 'bigint', isNullable: true },
        { name: 'createdAt', type: 'bigint' },
        { name: 'authenticatedAt', type: 'bigint' },
        { name: 'expiresAt', type: 'bigint' },
        { name: 'lastUsedAt', type: 'bigint' },
        { ...text('userAgent', 512), isNullable: true },
        { ...text('ipAddress', 64), isNullable: true },
        { ...text('deviceName', 128), isNullable: true },
        { name: 'slot', type: 'int', isNullable: true },
      ],
      indices: [
        { name: 'IDX_jwt_knox_sessions_user', columnNames: ['userId'] },
        { name: 'IDX_jwt_knox_sessions_expires', columnNames: ['expiresAt'] },
        { name: 'UQ_jwt_knox_sessions_slot', columnNames: ['userId', 'slot'], isUnique: true },
      ],
    });
    await queryRunner.createTable(table);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable(tableName(queryRunner));
  }
}

function tableName(queryRunner: QueryRunner): string {
  return `${queryRunner.connection.options.entityPrefix ?? ''}${TABLE}`;
}

/**
 * MariaDB and MySQL compare text without case, accents and trailing spaces by default: there, ids and digests get a
 * binary collation, and descriptions the character set that holds every character.
 */
function textColumn(queryRunner: QueryRunner): (name: string, length: number) => TableColumnOptions {
  const isMysql = ['mysql', 'mariadb', 'aurora-mysql'].includes(queryRunner.connection.options.type);
  const exact = isMysql ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' } : {};
  return (name, length) => ({ name, type: 'varchar', length: String(length), ...exact });
}
