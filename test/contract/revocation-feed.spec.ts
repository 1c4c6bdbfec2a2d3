import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { postgresFeed } from '../../lib/cache';
import { LEASE_MS } from '../../lib/cache/feed-lease';
import { revocationFeedContract } from '../../lib/testing';
import { JwtKnoxFence } from '../../lib/typeorm/fence.entity';
import { announceRevocations, jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { TypeOrmSessionRepository } from '../../lib/typeorm/typeorm-session.repository';
import { createDatabase, databaseKinds, POOLER } from '../support/databases';

const END_CONNECTIONS =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jwt-knox feed'";

async function onPostgres() {
  const database = await createDatabase('postgres');
  const migrations = [...jwtKnoxMigrations, announceRevocations()];
  const settings = { entities: [JwtKnoxSession, JwtKnoxFence], migrations, migrationsRun: true };
  const source = await new DataSource({ ...database.options, ...settings } as DataSourceOptions).initialize();
  const repository = new TypeOrmSessionRepository(source.getRepository(JwtKnoxSession));
  return {
    // No pooler in transaction mode lets it listen.
    feed: postgresFeed(POOLER === undefined ? {} : { url: (database.direct as { url: string }).url }),
    setting: { database: repository.primaryDatabase(), announcesUsers: false, lease: LEASE_MS },
    cut: () => source.query(END_CONNECTIONS),
    close: async () => {
      await source.destroy();
      await database.drop();
    },
  };
}

describe.runIf(databaseKinds.includes('postgres'))('a feed by triggers', () => {
  revocationFeedContract('PostgreSQL', onPostgres, { describe, it: (title, body) => it(title, body, 60_000) });

  /** What a client of the feed shows the server, which is not asked: the servers of these tests trust everybody. */
  const shown = async (own: object, given: Record<string, unknown>) => {
    const database = await createDatabase('postgres');
    const { url } = database.direct as { url: string };
    const { hostname: host, port, pathname, username } = new URL(url);
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
