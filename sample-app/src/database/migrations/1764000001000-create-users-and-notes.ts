import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';

/** The application's own tables. */
export class CreateUsersAndNotes1764000001000 implements MigrationInterface {
  readonly name = 'CreateUsersAndNotes1764000001000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const text = textColumn(queryRunner);
    await queryRunner.createTable(
      new Table({
        name: 'users',
        columns: [
          { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: 'PK_users' },
          text('username', 64),
          text('passwordHash', 255),
          { name: 'isAdmin', type: 'boolean' },
          { name: 'isActive', type: 'boolean' },
          { name: 'createdAt', type: 'bigint' },
          { name: 'passwordChangedAt', type: 'bigint', isNullable: true },
          { name: 'lastLoginAt', type: 'bigint', isNullable: true },
        ],
        indices: [{ name: 'UQ_users_username', columnNames: ['username'], isUnique: true }],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'notes',
        columns: [
          { ...text('id', 36), isPrimary: true, primaryKeyConstraintName: 'PK_notes' },
          text('userId', 36),
          text('text', 1_000),
          { name: 'createdAt', type: 'bigint' },
        ],
        indices: [{ name: 'IDX_notes_user', columnNames: ['userId'] }],
        foreignKeys: [
          {
            name: 'FK_notes_user',
            columnNames: ['userId'],
            referencedTableName: 'users',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
            onUpdate: 'NO ACTION',
          },
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('notes');
    await queryRunner.dropTable('users');
  }
}

/** MariaDB compares text without case and accents by default: `Alice` would be `alice`. */
function textColumn(queryRunner: QueryRunner): (name: string, length: number) => TableColumnOptions {
  const isMariadb = queryRunner.connection.options.type === 'mariadb';
  const exact = isMariadb ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' } : {};
  return (name, length) => ({ name, type: 'varchar', length: String(length), ...exact });
}
