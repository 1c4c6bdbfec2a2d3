import type { QueryRunner, Repository } from 'typeorm';
import { SESSION_FIELDS, type SessionField, type SessionRecord } from '../contracts/session';
import { dialectOf, exactText } from './dialect';
import type { JwtKnoxSessionBase } from './session.entity';

/** A column whose text is compared or kept otherwise than the library needs. */
interface LooseColumn {
  name: string;
  /** The collation, character set or type that makes it so. */
  kind: string;
}

/**
 * What of an existing table is not as entity and migration would make it, and no difference to TypeORM: how its text
 * compares, and on MariaDB and MySQL which characters it holds.
 */
export async function textProblems(rows: Repository<JwtKnoxSessionBase>, runner: QueryRunner): Promise<string[]> {
  const { metadata } = rows;
  const loose = await looseColumns(rows, runner);
  const relevant = loose.filter(({ name }) => {
    const column = metadata.findColumnWithDatabaseName(name);
    const field: SessionField | undefined = SESSION_FIELDS[column?.propertyName as keyof SessionRecord];
    // The library compares the id of what it found once more. A foreign key compares as what it refers to.
    if (column?.propertyName === 'id') return false;
    return field?.type === 'text' && !metadata.foreignKeys.some(({ columns }) => columns.includes(column!));
  });
  if (relevant.length === 0) return [];
  const names = relevant.map(({ name, kind }) => `${name} (${kind})`).join(', ');
  return [
    `The table ${metadata.tableName} compares text otherwise than by each character, or cannot hold every character: ${names}. ${remedyFor(runner)}`,
  ];
}

function remedyFor({ connection: { driver } }: QueryRunner): string {
  if (dialectOf(driver.options) !== 'mysql') return 'Change these columns to varchar with the default collation.';
  const { charset, collation } = exactText(driver.options, driver.version);
  return `Change these columns to CHARACTER SET ${charset} COLLATE ${collation}.`;
}

function looseColumns({ metadata }: Repository<JwtKnoxSessionBase>, runner: QueryRunner): Promise<LooseColumn[]> {
  const { driver } = runner.connection;
  switch (dialectOf(driver.options)) {
    case 'mysql':
      return runner.query(
        'SELECT COLUMN_NAME AS name, COLLATION_NAME AS kind FROM information_schema.COLUMNS ' +
          'WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND COLLATION_NAME IS NOT NULL ' +
          `AND COLLATION_NAME NOT IN ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin')`,
        [metadata.database ?? null, metadata.tableName],
      );
    case 'postgres':
      return runner.query(
        'SELECT a.attname AS name, COALESCE(c.collname, t.typname) AS kind FROM pg_attribute a ' +
          'JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation c ON c.oid = a.attcollation ' +
          `AND NOT c.collisdeterministic WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 ` +
          `AND (c.oid IS NOT NULL OR t.typname IN ('citext', 'bpchar'))`,
        [metadata.tablePath.split('.').map((part) => driver.escape(part)).join('.')],
      ); // prettier-ignore
    default:
      return sqliteColumns(metadata.tableName, runner);
  }
}

/** SQLite tells of a column's collation by the indexes on it: those are what user ids are looked up by. */
async function sqliteColumns(table: string, runner: QueryRunner): Promise<LooseColumn[]> {
  return runner.query(
    'SELECT DISTINCT x.name AS name, x.coll AS kind FROM pragma_index_list(?) AS l, pragma_index_xinfo(l.name) AS x ' +
      `WHERE x.key = 1 AND x.coll <> 'BINARY' AND x.name IS NOT NULL`,
    [table],
  );
}
