import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BROKERS } from '../../test/support/brokers.js';
import { firstOf, isLong } from '../../test/support/lengths.js';
import { sampleDatabase } from './support/sample-database.js';
import { AppProcess, MAIN, NPM_START_TWO, START_TIMEOUT } from './support/app-process.js';

const { redis: REDIS_URL } = BROKERS;

type Env = Record<string, string>;

const KINDS = ['postgres', 'sqlite', 'mariadb'] as const;

/** What a database can be combined with. */
const FEEDS: Record<(typeof KINDS)[number], readonly Env[]> = {
  sqlite: [{}],
  postgres: [{}, { FEED: 'redis', REDIS_URL }],
  mariadb: [{ REDIS_URL }],
};

describe.each(firstOf(KINDS, 1))('the cache of the sample: %s', (kind) => {
  const running: AppProcess[] = [];
  let env: Env;
  let drop: () => Promise<void> | void;

  beforeAll(() => AppProcess.build(), START_TIMEOUT);
  beforeEach(async () => {
    ({ env, drop } = await sampleDatabase(kind));
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.stop()));
    await drop();
  });

  const start = async (more: Env, command = MAIN) => {
    const app = await AppProcess.start({ ...env, ...more }, command);
    running.push(app);
    return app;
  };
  /** One process on SQLite, and two elsewhere; the same one twice where there is only one. */
  const startAll = async (more: Env) => {
    const one = await start(more);
    return [one, kind === 'sqlite' ? one : await start(more)] as const;
  };

  // Each test starts two processes or three.
  describe.each(firstOf(FEEDS[kind], 1))('with %j', (feed) => {
    it.each(firstOf(['lease', 'announce'], 1))(
      'CACHE=%s: a logout counts at every process once it is answered',
      async (CACHE) => {
        const [one, two] = await startAll({ ...feed, CACHE });
        for (const username of ['alice', 'bob']) {
          const { access_token: token } = await one.login(username);
          for (const app of [two, two, one]) expect(await app.accepts(token)).toBe(true);
          expect((await one.http.send('POST', '/auth/logout', { token })).status).toBe(204);
          expect([await two.accepts(token), await one.accepts(token)]).toEqual([false, false]);
        }
      },
    );

    it.runIf(isLong())(
      'users who are disabled or deleted are out at every process, and a changed password ends what it must',
      async () => {
        const [one, two] = await startAll({ ...feed, CACHE: 'lease' });
        const { access_token: admin } = await one.login('admin');
        const { access_token: bob } = await two.login('bob');
        for (let request = 0; request < 3; request++) {
          expect((await two.http.send('GET', '/me', { token: bob })).body).toEqual({ username: 'bob' });
        }
        const disabled = await one.http.send('PATCH', '/users/bob', { token: admin, json: { is_active: false } });
        expect([disabled.status, await two.accepts(bob)]).toEqual([200, false]);

        const { access_token: alice } = await two.login('alice');
        expect(await two.accepts(alice)).toBe(true);
        const json = { current_password: 'alice-password', new_password: 'alice-new-password' };
        const changed = await two.http.send('PUT', '/me/password', { token: alice, json });
        expect(changed.status).toBe(200);
        expect([await one.accepts(alice), await one.accepts(changed.body.access_token)]).toEqual([false, true]);

        const gone = await one.http.send('DELETE', '/users/alice', { token: admin });
        expect([gone.status, await two.accepts(changed.body.access_token)]).toEqual([204, false]);
      },
    );
  });

  it.runIf(isLong())('is off unless it is asked for, and says what it rests on when it is on', async () => {
    const said = async (more: Env) => {
      const app = await start({ ...more, LOG: 'verbose' });
      return app.says(/(answer from memory|Nothing is kept in memory|Listening on)/);
    };
    expect(await said({})).toBe('Listening on');
    expect(await said({ CACHE: 'lease' })).toBe('answer from memory');
    expect(await said({ CACHE: 'announce' })).toBe('Nothing is kept in memory');
  });
});

describe('a feed that does not fit', () => {
  const REFUSED: [Env, string][] = [
    [{ CACHE: 'lease', FEED: 'postgres' }, 'FEED: postgres needs sessions in PostgreSQL; set FEED=local'],
    [{ CACHE: 'lease', FEED: 'nats' }, 'FEED: must be postgres or redis or local, not "nats".'],
    [{ CACHE: 'on' }, 'CACHE: must be off or lease or announce, not "on".'],
    [{ FEED: 'local' }, 'FEED: has no effect with CACHE=off; set CACHE=lease or CACHE=announce.'],
    [{ CACHE: 'lease', REDIS_URL }, 'REDIS_URL: has no effect without FEED=redis.'],
    [
      { CACHE: 'lease', FEED: 'local', DATABASE_URL: 'postgres://127.0.0.1/none' },
      'FEED: local is for one process on SQLite; set FEED=postgres.',
    ],
    [
      { CACHE: 'lease', FEED: 'postgres', DATABASE_URL: 'mysql://127.0.0.1/none' },
      'FEED: postgres needs sessions in PostgreSQL; set FEED=redis.',
    ],
  ];

  it.each(firstOf(REFUSED, 1))('such as %j is refused with what to set', async (env, problem) => {
    const { code, output } = await AppProcess.failure(env);
    expect([code, output]).toEqual([1, expect.stringContaining(`  - ${problem}`)]);
  });
});

describe('npm run start:two', () => {
  it('says that it needs a PostgreSQL, where it is given none', async () => {
    const { code, output } = await AppProcess.run(NPM_START_TWO, { DATABASE_URL: 'sqlite::memory:' });
    expect([code, output]).toEqual([1, expect.stringContaining('set DATABASE_URL=postgres://')]);
  });

  it('serves both processes at one address, where a logout at one counts at the other, and ends both when it is told to', async () => {
    const database = await sampleDatabase('postgres');
    const env = { ...database.env, JWT_SECRET: randomBytes(32).toString('hex') };
    const app = await AppProcess.start(env, NPM_START_TWO);
    const servers = await app.says(/listening on (\S+ and \S+), with CACHE=lease/);
    const [one, two] = servers.split(' and ').map((url) => AppProcess.clientOf(url!));
    try {
      const ask = (token: string) => app.http.send('GET', '/notes', { token });
      const { access_token: token } = await app.login('alice');
      const answers = [await ask(token), await ask(token)];
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(new Set(answers.map(({ headers }) => headers['x-served-by'])).size).toBe(2);
      expect((await app.http.send('POST', '/auth/logout', { token })).status).toBe(204);
      expect([(await ask(token)).status, (await ask(token)).status]).toEqual([401, 401]);
    } finally {
      await app.stop();
      await Promise.all([one, two].map((http) => expect(http!.send('GET', '/health')).rejects.toThrow('ECONNREFUSED')));
      await database.drop();
    }
  });
});
