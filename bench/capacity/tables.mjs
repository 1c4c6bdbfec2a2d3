// The library's table for a size: filled first, indexed after, and what it takes on disk.
import { jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { JwtKnoxFence, JwtKnoxSession } from 'nestjs-jwt-knox/typeorm';
import { DataSource } from 'typeorm';
import { createDatabase } from '../databases.mjs';
import { fill } from './planted.mjs';

const TABLE = 'jwt_knox_sessions';

/** A database with the library's tables, empty. `source` is the run's own connection to it. */
export async function createTables(kind) {
  const database = await createDatabase({ kind, tables: 'none' });
  const entities = [JwtKnoxSession, JwtKnoxFence];
  const options = { ...database.options, poolSize: 2, entities, migrations: jwtKnoxMigrations };
  try {
    const source = await new DataSource(options).initialize();
    await source.runMigrations();
    return { ...database, source };
  } catch (error) {
    await database.drop();
    throw error;
  }
}

/** Fills the table without its indexes, where the rows can stand without them, and makes them after. */
export async function plantSessions({ source, kind }, row, rows) {
  const runner = source.createQueryRunner();
  await runner.connect();
  const began = performance.now();
  try {
    const { before, after } = await INDEXES[kind](runner);
    for (const sql of before) await runner.query(sql);
    await fill(runner, row, rows);
    const filled = performance.now();
    for (const sql of after) await runner.query(sql);
    return { fill: filled - began, index: performance.now() - filled };
  } finally {
    await runner.release();
  }
}

/** Fills the table with its indexes in place. */
export async function fillInPlace(source, row, rows) {
  const runner = source.createQueryRunner();
  try {
    await fill(runner, row, rows);
  } finally {
    await runner.release();
  }
}

/** The statements that take the indexes away, and those that make them again as they were. */
const INDEXES = {
  async postgres(runner) {
    const [{ name, definition }] = await runner.query(
      `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = '${TABLE}'::regclass AND contype = 'p'`,
    );
    const others = await runner.query(
      `SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE tablename = '${TABLE}' AND indexname <> $1`,
      [name],
    );
    return {
      before: [
        `ALTER TABLE ${TABLE} DROP CONSTRAINT "${name}"`,
        ...others.map((one) => `DROP INDEX "${one.name}"`),
        "SET maintenance_work_mem = '512MB'",
      ],
      after: [
        `ALTER TABLE ${TABLE} ADD CONSTRAINT "${name}" ${definition}`,
        ...others.map((one) => one.definition),
        'RESET maintenance_work_mem',
        `VACUUM ANALYZE ${TABLE}`,
        'CHECKPOINT',
      ],
    };
  },

  /** InnoDB keeps the rows in the primary key, which therefore grows as it does in life. */
  async mariadb(runner) {
    const found = await runner.query(
      `SELECT INDEX_NAME AS name, MIN(NON_UNIQUE) AS isLoose,
              GROUP_CONCAT(CONCAT('\`', COLUMN_NAME, '\`') ORDER BY SEQ_IN_INDEX) AS columns
       FROM information_schema.STATISTICS
       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND INDEX_NAME <> 'PRIMARY' GROUP BY INDEX_NAME`,
      [TABLE],
    );
    const add = ({ name, isLoose, columns }) => `ADD ${Number(isLoose) ? '' : 'UNIQUE '}INDEX \`${name}\` (${columns})`;
    return {
      before: [`ALTER TABLE ${TABLE} ${found.map(({ name }) => `DROP INDEX \`${name}\``).join(', ')}`],
      after: [`ALTER TABLE ${TABLE} ${found.map(add).join(', ')}`, `ANALYZE TABLE ${TABLE}`],
    };
  },
};

/** Bytes per session: the row and each index. On MariaDB the row lies in the primary key. */
export async function footprint({ source, kind }, rows) {
  const found = await source.query(SIZES[kind], kind === 'mariadb' ? [TABLE] : []);
  return Object.fromEntries(found.map(({ name, bytes }) => [name, Number(bytes) / rows]));
}

const SIZES = {
  postgres: `SELECT CASE WHEN relkind = 'i' THEN relname ELSE 'row' END AS name, pg_relation_size(oid) AS bytes
    FROM pg_class WHERE oid = '${TABLE}'::regclass
      OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = '${TABLE}'::regclass)
    ORDER BY relkind DESC, relname`,
  mariadb: `SELECT CASE WHEN index_name = 'PRIMARY' THEN 'row' ELSE index_name END AS name,
      stat_value * @@innodb_page_size AS bytes
    FROM mysql.innodb_index_stats
    WHERE database_name = DATABASE() AND table_name = ? AND stat_name = 'size' ORDER BY index_name = 'PRIMARY' DESC, index_name`,
};

/** How long a row is on PostgreSQL: as its login wrote it, and once it was refreshed. */
export async function rowLengths(source) {
  const found = await source.query(
    `SELECT generation > 0 AS "isRefreshed", avg(pg_column_size(session.*)) AS bytes FROM ${TABLE} AS session GROUP BY 1`,
  );
  const of = (wanted) => Number(found.find(({ isRefreshed }) => isRefreshed === wanted)?.bytes ?? NaN);
  return { login: of(false), refreshed: of(true) };
}
