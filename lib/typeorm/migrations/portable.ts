import { type QueryRunner, type TableColumnOptions, TableIndex, type TableIndexOptions } from 'typeorm';
import { dialectOf, exactText } from '../dialect';

/** A table under the data source's `entityPrefix`. */
export function tableName(queryRunner: QueryRunner, name: string): string {
  return `${queryRunner.connection.options.entityPrefix ?? ''}${name}`;
}

/** What TypeORM makes of an entity's `int` on each database: anything else would show as a difference later. */
export function integerType(queryRunner: QueryRunner): string {
  return isMysql(queryRunner) ? 'int' : 'integer';
}

/** A text column whose text is compared character by character, as each database can. */
export async function textColumn(
  queryRunner: QueryRunner,
): Promise<(name: string, length: number) => TableColumnOptions> {
  const exact = isMysql(queryRunner) ? await exactTextOf(queryRunner) : {};
  return (name, length) => ({ name, type: 'varchar', length: String(length), ...exact });
}

export function isMysql(queryRunner: QueryRunner): boolean {
  return dialectOf(queryRunner.connection.options) === 'mysql';
}

async function exactTextOf(queryRunner: QueryRunner): Promise<ReturnType<typeof exactText>> {
  const [{ version }] = (await queryRunner.query('SELECT VERSION() AS version')) as [{ version: string }];
  return exactText({ type: /mariadb/i.test(version) ? 'mariadb' : 'mysql' }, undefined);
}

/** An index as a migration of the sessions makes it. */
export interface IndexShape {
  kind: 'IDX' | 'UQ';
  suffix: string;
  columnNames: string[];
}

/** `IDX_jwt_knox_sessions_user`: names of indexes are unique in a schema, and on SQLite in a file. */
export function indexOf(table: string, { kind, suffix, columnNames }: IndexShape): TableIndexOptions {
  return { name: `${kind}_${table}_${suffix}`, columnNames, isUnique: kind === 'UQ' };
}

/** Gives a table these indexes in place of others of the library; those that it has already stay. */
export async function setIndexes(
  queryRunner: QueryRunner,
  table: string,
  shapes: readonly IndexShape[],
): Promise<void> {
  const wanted = shapes.map((shape) => indexOf(table, shape));
  // A table under an entityPrefix had the names of the one without, at first.
  const ours = shapes.flatMap((shape) => [indexOf(table, shape), indexOf('jwt_knox_sessions', shape)]);
  // A copy: TypeORM takes from its list what is dropped.
  const indices = [...(await queryRunner.getTable(table))!.indices];
  const isWanted = (index: TableIndexOptions) => wanted.some((one) => isSame(one, index));
  for (const index of indices) {
    if (ours.some(({ name }) => name === index.name) && !isWanted(index)) await queryRunner.dropIndex(table, index);
  }
  const missing = wanted.filter((one) => !indices.some((index) => isSame(one, index)));
  for (const index of missing) await queryRunner.createIndex(table, new TableIndex(index));
}

function isSame(one: TableIndexOptions, other: TableIndexOptions): boolean {
  return one.name === other.name && one.columnNames?.join() === other.columnNames?.join();
}
