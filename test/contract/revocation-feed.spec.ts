import { randomBytes } from 'node:crypto';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { type FeedSetting, FeedSetupError, postgresFeed } from '../../lib/cache';
import { LEASE_MS } from '../../lib/cache/feed-lease';
import { revocationFeedContract } from '../../lib/testing';
import { JwtKnoxFence } from '../../lib/typeorm/fence.entity';
import { announceRevocations, jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { createDatabase, databaseKinds, directUrlOf, POOLER } from '../support/databases';

const END_CONNECTIONS =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jwt-knox feed'";

async function onPostgres() {
  const database = await createDatabase('postgres');
  const migrations = [...jwtKnoxMigrations, announceRevocations()];
  const settings = { entities: [JwtKnoxSession, JwtKnoxFence], migrations, migrationsRun: true, poolSize: 1 };
  const source = await new DataSource({ ...database.options, ...settings } as DataSourceOptions).initialize();
  const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession));
  return {
    // No pooler in transaction mode lets it listen.
    feed: postgresFeed(POOLER === undefined ? {} : { url: directUrlOf(database) }),
    setting: { database: repository.primaryDatabase(), announcesUsers: false, lease: LEASE_MS },
    url: directUrlOf(database),
    query: (sql: string) => source.query(sql),
    cut: () => source.query(END_CONNECTIONS),
    close: async () => {
      await source.destroy();
      await database.drop();
    },
  };
}

describe.runIf(databaseKinds.includes('postgres'))('a feed by triggers', () => {
  revocationFeedContract('PostgreSQL', onPostgres, { describe, it: (title, body) => it(title, body, 60_000) });

  const unheard = { receive: () => undefined, lost: () => undefined };
  const { signal } = new AbortController();

  it('is of the same server as the storage, whatever the zone and the style in which a session writes moments', async () => {
    const subject = await onPostgres();
    try {
      await subject.query("SET TIME ZONE 'Asia/Tokyo'");
      await subject.query("SET DateStyle = 'German'");
      const connection = await subject.feed.open(unheard, subject.setting, signal);
      await connection.confirm!();
      connection.close();
    } finally {
      await subject.close();
    }
  });

  it.each(['jwt_knox_lease', 'pg_control_system', 'pg_control_checkpoint'])(
    'says what to grant to a role that may not call %s',
    async (name) => {
      const subject = await onPostgres();
      const role = `feed_${randomBytes(6).toString('hex')}`;
      await subject.query(`CREATE ROLE ${role} LOGIN`);
      const [{ schema }] = await subject.query('SELECT current_schema() AS schema');
      await subject.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
      await subject.query(`ALTER ROLE ${role} SET search_path TO ${schema}`);
      try {
        await subject.query(`REVOKE EXECUTE ON FUNCTION ${name}() FROM PUBLIC`);
        const url = Object.assign(new URL(subject.url), { username: role }).href;
        const opening = postgresFeed({ url }).open(unheard, subject.setting, signal);
        const confirmed = opening.then((connection) => connection.confirm!().finally(() => connection.close()));
        const error = await confirmed.catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(FeedSetupError);
        expect((error as Error).message).toMatch(
          `postgresFeed(): permission denied for function ${name}; grant the role EXECUTE on jwt_knox_lease(), `,
        );
      } finally {
        // Databases are used again.
        await subject.query(`GRANT EXECUTE ON FUNCTION ${name}() TO PUBLIC`);
        await subject.query(`DROP OWNED BY ${role}`);
        await subject.query(`DROP ROLE ${role}`);
        await subject.close();
      }
    },
  );

  it('says so where its connection does not find the table', async () => {
    const subject = await onPostgres();
    try {
      const setting = {
        ...subject.setting,
        database: { ...subject.setting.database, table: '"elsewhere"."sessions"' },
      };
      await expect(subject.feed.open(unheard, setting as FeedSetting, signal)).rejects.toThrow(
        'postgresFeed(): its connection finds no table of the sessions; name the schema',
      );
    } finally {
      await subject.close();
    }
  });

  /** What a client of the feed shows the server, which is not asked: the servers of these tests trust everybody. */
  const shown = async (own: object, given: Record<string, unknown>) => {
    const database = await createDatabase('postgres');
    const { hostname: host, port, pathname, username } = new URL(directUrlOf(database));
    const fields = { type: 'postgres' as const, host, port: Number(port), username, database: pathname.slice(1) };
    const settings = { ...fields, ...own, entities: [JwtKnoxSession, JwtKnoxFence] };
    const source = await new DataSource(settings as DataSourceOptions).initialize();
    try {
      const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession));
      const { connectionParameters } = repository.primaryDatabase()!.newClient(given) as any;
      const { user, password } = connectionParameters;
      return [user, typeof password === 'function' ? await password() : password];
    } finally {
      await source.destroy();
      await database.drop();
    }
  };

  it.each([
    ['a string', 'secret'],
    ['a function, as for tokens that expire', async () => 'secret'],
  ])('shows the password of the data source, where that is %s', async (_, password) => {
    expect(await shown({ password }, {})).toEqual(['postgres', 'secret']);
  });

  it('shows the password of its own address', async () => {
    const given = { connectionString: 'postgres://feed:other@127.0.0.1/postgres' };
    expect(await shown({ password: 'secret' }, given)).toEqual(['feed', 'other']);
  });
});
