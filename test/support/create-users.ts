import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** The host's own table, by a migration as hosts do it. */
export class CreateUsers1 implements MigrationInterface {
  readonly name: string = 'CreateUsers1764000000001';
  protected readonly table: string = 'users';

  async up(runner: QueryRunner): Promise<void> {
    const isMysql = runner.connection.options.type === 'mariadb';
    await runner.createTable(
      new Table({
        name: this.table,
        columns: [
          {
            name: 'id',
            type: isMysql ? 'int' : 'integer',
            isPrimary: true,
            isGenerated: true,
            generationStrategy: 'increment',
          },
          {
            name: 'username',
            type: 'varchar',
            length: '64',
            isUnique: true,
            ...(isMysql && { collation: 'utf8mb4_bin' }),
          },
          { name: 'passwordHash', type: 'varchar', length: '200' },
          { name: 'isActive', type: isMysql ? 'tinyint' : 'boolean', default: isMysql ? 1 : true },
          { name: 'isAdmin', type: isMysql ? 'tinyint' : 'boolean', default: isMysql ? 0 : false },
          { name: 'validSince', type: 'bigint', isNullable: true },
          { name: 'logins', type: 'int', default: 0 },
        ],
      }),
    );
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(this.table);
  }
}
