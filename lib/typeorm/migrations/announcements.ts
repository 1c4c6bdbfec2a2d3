import { crc32 } from 'node:zlib';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tableName } from './portable';

/** How long an instance answers from memory after a fence, in ms: kept in the database, so that all instances agree. */
const LEASE_MS = 100;
const SESSIONS = 'jwt_knox_sessions';
const CHANNEL = 'jwt_knox_revoked';
/**
 * A session that expired so long ago, by any clock, is no end to tell of: a purge deletes a million of them. One that was put
 * out of its slot says 0, and is.
 */
const LONG_EXPIRED_MS = 3_600_000;
/** As many ids as fit into a notice of 8,000 bytes. */
const IDS_PER_NOTICE = 180;

/** What a change of makes a session another one: who may use it, until when, for what, by which keys. */
const WATCHED = [
  'id', 'realm', 'userId', 'kind', 'authenticatedAt', 'scopes', 'audience', 'claims', 'actorId', 'actorRealm', 'actorSessionId',
  'boundKind', 'boundKey', 'boundKeyThumbprint', 'boundAt',
]; // prettier-ignore

/** In the schema of the table, where a role may write that may write nowhere else. @param at that schema, quoted, with a dot */
const functionsAt = (at: string): string[] => [
  `CREATE OR REPLACE FUNCTION ${at}jwt_knox_lease() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT ${LEASE_MS}'`,
  `CREATE OR REPLACE FUNCTION ${at}jwt_knox_announce_gone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE name text; ids text;
BEGIN
  FOR name, ids IN SELECT kind, string_agg('"' || id || '"', ',') FROM (
    SELECT id, kind, (row_number() OVER (PARTITION BY kind) - 1) / ${IDS_PER_NOTICE} AS batch FROM (
      SELECT one->>TG_ARGV[0] AS id, CASE
        WHEN (one->>TG_ARGV[1])::numeric BETWEEN 1 AND extract(epoch FROM now()) * 1000 - ${LONG_EXPIRED_MS} THEN 'expired'
        ELSE 'ended' END AS kind FROM (SELECT to_jsonb(gone) AS one FROM gone OFFSET 0) AS every
    ) AS told
  ) AS numbered GROUP BY kind, batch
  LOOP PERFORM pg_notify('${CHANNEL}', '{"' || name || '":[' || ids || ']}'); END LOOP;
  RETURN NULL;
END $$`,
  `CREATE OR REPLACE FUNCTION ${at}jwt_knox_announce_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('${CHANNEL}', json_build_object('changed', json_build_array(to_jsonb(OLD)->>TG_ARGV[0]))::text);
  RETURN NULL;
END $$`,
  `CREATE OR REPLACE FUNCTION ${at}jwt_knox_announce_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('${CHANNEL}', '{"all":true}'); RETURN NULL; END $$`,
  `CREATE OR REPLACE FUNCTION ${at}jwt_knox_announce_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('${CHANNEL}', json_build_object('user', to_jsonb(OLD)->>TG_ARGV[0])::text);
  RETURN NULL;
END $$`,
];

/** A class of migrations, as `migrations` of a data source takes it. */
export type MigrationClass = new () => MigrationInterface;

/** The table of the sessions, where it is not the library's own. */
export interface AnnouncedSessions {
  /** @default 'jwt_knox_sessions' */
  table?: string | undefined;
}

/**
 * Makes PostgreSQL announce every end of a session to the instances that listen: for `postgresFeed()` of
 * `nestjs-jwt-knox/cache`. On other databases it does nothing. Refreshes and logins cost as before; a transaction that ends
 * sessions takes PostgreSQL's one lock for notices when it commits.
 *
 * TypeORM runs it at the moment of 1764200000000 (November 2025). Where a later migration of yours creates the table, extend
 * the class that this returns, and give it a `name` with a later moment.
 * @example
 * TypeOrmModule.forRoot({ migrations: [...jwtKnoxMigrations, announceRevocations()], migrationsRun: true });
 */
export function announceRevocations({ table = SESSIONS }: AnnouncedSessions = {}): MigrationClass {
  return class AnnounceRevocations implements MigrationInterface {
    // Several modules have a table each.
    readonly name = `JwtKnoxAnnounceRevocations${table === SESSIONS ? '' : markOf(table)}1764200000000`;

    async up(queryRunner: QueryRunner): Promise<void> {
      if (!isPostgres(queryRunner)) return;
      const { path, column, deletedAt } = named(queryRunner, table);
      const at = schemaOf(path);
      for (const sql of [...functionsAt(at), ...dropTriggers(path, TRIGGERS)]) await queryRunner.query(sql);
      const id = `'${column('id', false)}'`;
      const expiry = `'${column('expiresAt', false)}'`;
      await queryRunner.query(`CREATE TRIGGER jwt_knox_gone AFTER DELETE ON ${path} REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION ${at}jwt_knox_announce_gone(${id}, ${expiry})`);
      await queryRunner.query(`CREATE TRIGGER jwt_knox_changed AFTER UPDATE ON ${path}
        FOR EACH ROW WHEN (${changes(column, deletedAt)}) EXECUTE FUNCTION ${at}jwt_knox_announce_changed(${id})`);
      await queryRunner.query(`CREATE TRIGGER jwt_knox_emptied AFTER TRUNCATE ON ${path}
        FOR EACH STATEMENT EXECUTE FUNCTION ${at}jwt_knox_announce_all()`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      if (!isPostgres(queryRunner)) return;
      const { path } = named(queryRunner, table);
      // The functions of several tables are the same: they go with the last trigger that needs them.
      for (const sql of [...dropTriggers(path, TRIGGERS), dropUnused(schemaOf(path))]) await queryRunner.query(sql);
    }
  };
}

/** The table of your users. */
export interface AnnouncedUsers {
  /** With its schema, where it has one: `auth.users`. */
  table: string;
  /** The column that `UserProvider.getId` returns. @default 'id' */
  id?: string | undefined;
  /** Every column that `snapshot`, `isActive`, `isAdmin` and `validSince` read, as the database names them. */
  columns: readonly string[];
}

/**
 * Makes PostgreSQL announce changes of your users: for `leaseCache({ users: true })`. Add it after
 * {@link announceRevocations}; on other databases it does nothing. TypeORM runs it at the moment of 1764200000001 (November
 * 2025): give it a `name` with a moment after the migration that creates the table. When `columns` change, it runs anew;
 * under a name of your own, add another one with a later moment: it takes the place of the triggers of the first.
 * @example
 * class AnnounceUsers1795000000001 extends announceUserChanges({ table: 'users', columns: ['name', 'isActive'] }) {
 *   override name = 'AnnounceUsers1795000000001';
 * }
 */
export function announceUserChanges({ table, id = 'id', columns }: AnnouncedUsers): MigrationClass {
  return class AnnounceUserChanges implements MigrationInterface {
    // It runs anew when another column is to be watched.
    readonly name = `JwtKnoxAnnounceUserChanges${markOf([table, id, columns])}1764200000001`;

    async up(queryRunner: QueryRunner): Promise<void> {
      if (!isPostgres(queryRunner)) return;
      const path = quotedPath(table);
      const at = schemaOf(path);
      for (const sql of [...functionsAt(at), ...dropTriggers(path, USER_TRIGGERS)]) await queryRunner.query(sql);
      const watched = [id, ...columns].map((name) => `OLD.${quoted(name)} IS DISTINCT FROM NEW.${quoted(name)}`);
      const call = `EXECUTE FUNCTION ${at}jwt_knox_announce_user('${id.replaceAll("'", "''")}')`;
      await queryRunner.query(`CREATE TRIGGER jwt_knox_user_changed AFTER UPDATE ON ${path}
        FOR EACH ROW WHEN (${watched.join(' OR ')}) ${call}`);
      await queryRunner.query(`CREATE TRIGGER jwt_knox_user_gone AFTER DELETE ON ${path} FOR EACH ROW ${call}`);
      await queryRunner.query(`CREATE TRIGGER jwt_knox_users_emptied AFTER TRUNCATE ON ${path}
        FOR EACH STATEMENT EXECUTE FUNCTION ${at}jwt_knox_announce_all()`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      if (!isPostgres(queryRunner)) return;
      const path = quotedPath(table);
      for (const sql of [...dropTriggers(path, USER_TRIGGERS), dropUnused(schemaOf(path))])
        await queryRunner.query(sql);
    }
  };
}

const TRIGGERS = ['gone', 'changed', 'emptied'];
const USER_TRIGGERS = ['user_changed', 'user_gone', 'users_emptied'];

const dropTriggers = (path: string, names: readonly string[]): string[] =>
  names.map((name) => `DROP TRIGGER IF EXISTS jwt_knox_${name} ON ${path}`);

/** @param at as for the functions */
const dropUnused = (at: string): string => {
  const names = ['announce_gone', 'announce_changed', 'announce_all', 'announce_user', 'lease'];
  const all = names.map((name) => `${at}jwt_knox_${name}()`);
  return `DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgfoid IN (${all.map((one) => `to_regprocedure('${quotedText(one)}')`).join(', ')})) THEN
    DROP FUNCTION IF EXISTS ${all.join(', ')};
  END IF;
END $$`;
};

function isPostgres({ connection }: QueryRunner): boolean {
  return connection.options.type === 'postgres';
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const quotedText = (text: string): string => text.replaceAll("'", "''");

/** What a migration is about, within its name. */
const markOf = (about: unknown): string => `_${crc32(JSON.stringify(about)).toString(16)}_`;

/** With its dot; empty where the path has none. */
const schemaOf = (path: string): string => path.slice(0, path.lastIndexOf('.') + 1);

const quotedPath = (path: string): string => path.split('.').map(quoted).join('.');

/** By a data source that knows no entities, as TypeORM makes tables. */
function withSchema({ connection }: QueryRunner, table: string): string {
  const { schema } = connection.options as { schema?: string };
  return schema === undefined || table.includes('.') ? table : `${schema}.${table}`;
}

/** Names as the database has them: a table of your own may name its columns otherwise. */
function named(queryRunner: QueryRunner, table: string) {
  const own = queryRunner.connection.entityMetadatas.find((one) => one.tableName === table || one.tablePath === table);
  const path = quotedPath(own?.tablePath ?? withSchema(queryRunner, tableName(queryRunner, table)));
  const column = (property: string, isQuoted = true): string => {
    const name = own?.findColumnWithPropertyName(property)?.databaseName ?? property;
    return isQuoted ? quoted(name) : name.replaceAll("'", "''");
  };
  const deletedAt = own?.deleteDateColumn && quoted(own.deleteDateColumn.databaseName);
  return { path, column, deletedAt };
}

/**
 * Never for a rotation or a touch: the old access key stays as the previous one, and ends move later.
 * @param deletedAt where an entity has it: what is deleted softly is gone
 */
function changes(column: (property: string) => string, deletedAt?: string): string {
  const [digest, previous, expires, most] = ['accessDigest', 'previousAccessDigest', 'expiresAt', 'maxExpiresAt'].map(
    (name) => column(name),
  );
  const watched = [...WATCHED.map((name) => column(name)), ...(deletedAt ? [deletedAt] : [])];
  return [
    ...watched.map((name) => `OLD.${name}::text IS DISTINCT FROM NEW.${name}::text`),
    `(OLD.${digest} IS DISTINCT FROM NEW.${digest} AND OLD.${digest} IS DISTINCT FROM NEW.${previous})`,
    `NEW.${expires} < OLD.${expires}`,
    `COALESCE(NEW.${most} < OLD.${most}, OLD.${most} IS NULL AND NEW.${most} IS NOT NULL)`,
  ].join(' OR ');
}
