import { DataSource, type DataSourceOptions } from 'typeorm';
import type { ServerKind } from '../host/database-servers';
import { createDatabase, type DatabaseKind, disconnectOthers, type TestDatabase } from './databases';

/**
 * Databases in which migrations have run, for one test after the other: making the tables takes a server as long as a test.
 * What a test leaves in them is deleted; a database of which a test changed more than rows is dropped.
 */
interface Migrated {
  readonly database: TestDatabase;
  readonly inside: DataSource;
  /** What all but the rows looked like when nobody had used it. */
  readonly shape: string;
}

const RESTING = 2;
const unused: Record<ServerKind, Migrated[]> = { postgres: [], mariadb: [] };

/** @param migrations the same ones each time */
export async function createMigrated(
  kind: DatabaseKind,
  migrations: NonNullable<DataSourceOptions['migrations']>,
): Promise<TestDatabase> {
  if (kind === 'sqlite') return createDatabase(kind);
  const migrated = (await takeRested(kind)) ?? (await migrate(kind, migrations));
  return { ...migrated.database, drop: () => putBack(kind, migrated) };
}

/** Not the last one that was put back: what its application had still sent may arrive. */
async function takeRested(kind: ServerKind): Promise<Migrated | undefined> {
  const migrated = unused[kind].length >= RESTING ? unused[kind].shift() : undefined;
  if (migrated) await empty[kind](migrated.inside);
  return migrated;
}

async function migrate(kind: ServerKind, migrations: NonNullable<DataSourceOptions['migrations']>): Promise<Migrated> {
  const database = await createDatabase(kind);
  const options = { ...database.direct, poolSize: 1, migrations, migrationsRun: true } as DataSourceOptions;
  const inside = await new DataSource(options).initialize();
  return { database, inside, shape: await SHAPES[kind](inside) };
}

async function putBack(kind: ServerKind, migrated: Migrated): Promise<void> {
  if (await isWhole(kind, migrated)) return void unused[kind].push(migrated);
  await migrated.inside.destroy().catch(() => undefined);
  await migrated.database.drop();
}

/** False also for what a test has cut off. */
async function isWhole(kind: ServerKind, { inside, shape }: Migrated): Promise<boolean> {
  try {
    await disconnectOthers[kind](inside);
    return (await SHAPES[kind](inside)) === shape;
  } catch {
    return false;
  }
}

/** All rows but those that say which migrations have run; ids begin anew. */
const empty: Record<ServerKind, (inside: DataSource) => Promise<unknown>> = {
  postgres: (inside) =>
    inside.query(
      'DELETE FROM jwt_knox_sessions; DELETE FROM jwt_knox_fences; DELETE FROM users; ALTER SEQUENCE users_id_seq RESTART',
    ),
  async mariadb(inside) {
    for (const table of ['jwt_knox_sessions', 'jwt_knox_fences', 'users']) await inside.query(`DELETE FROM ${table}`);
    await inside.query('ALTER TABLE users AUTO_INCREMENT = 1');
  },
};

const SHAPES: Record<ServerKind, (inside: DataSource) => Promise<string>> = {
  postgres: ofPostgres,
  mariadb: ofMariaDb,
};

/** Of everything that is not the system's. */
async function ofPostgres(inside: DataSource): Promise<string> {
  const own = (of: string) => `${of} IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)')`;
  const parts = [
    `SELECT concat('table ', oid::regclass, relkind, relacl, relrowsecurity, reloptions) FROM pg_class WHERE ${own('relnamespace')}`,
    `SELECT concat('column ', attrelid::regclass, ' ', attnum, attname, ' ', format_type(atttypid, atttypmod), attnotnull, attcollation, attisdropped)
       FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE attnum > 0 AND ${own('relnamespace')}`,
    `SELECT concat('default ', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid)) FROM pg_attrdef`,
    `SELECT concat('index ', indexdef) FROM pg_indexes WHERE schemaname !~ '^(pg_|information_schema$)'`,
    `SELECT concat('constraint ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE ${own('connamespace')}`,
    `SELECT concat('trigger ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal`,
    `SELECT concat('function ', proname) FROM pg_proc WHERE ${own('pronamespace')}`,
    `SELECT concat('schema ', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_'`,
    `SELECT concat('extension ', extname) FROM pg_extension`,
    `SELECT concat('setting ', setconfig) FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    `SELECT concat('migration ', name) FROM migrations`,
  ];
  const rows: { line: string }[] = await inside.query(
    `SELECT line FROM (${parts.join(' UNION ALL ')}) AS lines(line) ORDER BY line`,
  );
  return rows.map(({ line }) => line).join('\n');
}

async function ofMariaDb(inside: DataSource): Promise<string> {
  const valuesOf = async (sql: string) => ((await inside.query(sql)) as object[]).map((row) => Object.values(row));
  const tables = await valuesOf('SHOW FULL TABLES');
  const made = await Promise.all(tables.map(([name]) => valuesOf(`SHOW CREATE TABLE \`${name}\``)));
  const others = [
    'SHOW TRIGGERS',
    'SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()',
    'SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()',
    'SELECT name FROM migrations ORDER BY id',
  ];
  const shape = JSON.stringify([tables, made, await Promise.all(others.map(valuesOf))]);
  return shape.replaceAll(/ AUTO_INCREMENT=\d+/g, '');
}
