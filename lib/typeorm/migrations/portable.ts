import type { QueryRunner, TableColumnOptions } from 'typeorm';

/** A table under the data source's `entityPrefix`. */
export function tableName(queryRunner: QueryRunner, name: string): string {
  return `${queryRunner.connection.options.entityPrefix ?? ''}${name}`;
}

/** What TypeORM makes of an entity's `int` on each database: anything else would show as a difference later. */
export function integerType(queryRunner: QueryRunner): string {
  return isMysql(queryRunner) ? 'int' : 'integer';
}

/**
 * MariaDB and MySQL compare text without case, accents and trailing spaces by default: there, text gets a character set
 * that holds every character, and a binary collation that does not pad, which the two call by different names.
 */
export async function textColumn(
  queryRunner: QueryRunner,
): Promise<(name: string, length: number) => TableColumnOptions> {
  const exact = isMysql(queryRunner) ? { charset: 'utf8mb4', collation: await binaryCollation(queryRunner) } : {};
  return (name, length) => ({ name, type: 'varchar', length: String(length), ...exact });
}

function isMysql(queryRunner: QueryRunner): boolean {
  return ['mysql', 'mariadb', 'aurora-mysql'].includes(queryRunner.connection.options.type);
}

async function binaryCollation(queryRunner: QueryRunner): Promise<string> {
  const [{ version }] = (await queryRunner.query('SELECT VERSION() AS version')) as [{ version: string }];
  return /mariadb/i.test(version) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
}
