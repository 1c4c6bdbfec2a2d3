import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import { jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { DataSource } from 'typeorm';
import { appWith, forRoot } from '../src/apps.js';
import { CreateUsers1764000000001 } from '../src/users.js';
import { type Running, start } from './start.js';

const alice = { username: 'alice', password: 'correct horse' };
const MARIADB = process.env.TEST_MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/mysql';
const NAME = `jwt_knox_package_${process.pid}_${randomBytes(5).toString('hex')}`;
const FILE = join(tmpdir(), `${NAME}.sqlite`);

const onServer = async (sql: string) => {
  const source = await new DataSource({ type: 'mysql', url: MARIADB }).initialize();
  await source.query(sql).finally(() => source.destroy());
};

/** Drivers that TypeORM takes in the place of those that it prefers today. */
interface Driver {
  options: () => TypeOrmModuleOptions;
  begin?: () => Promise<void>;
  end: () => Promise<void> | void;
  module: string;
}

const DRIVERS: Driver[] = [
  {
    // TypeORM prefers it to mysql2, where both are installed.
    module: 'mysql',
    options: () => ({ type: 'mysql', url: Object.assign(new URL(MARIADB), { pathname: `/${NAME}` }).href }),
    begin: () => onServer(`CREATE DATABASE ${NAME}`),
    end: () => onServer(`DROP DATABASE ${NAME}`),
  },
  // It has to be compiled, which takes a minute: whoever has done that says so.
  ...(process.env.TEST_SQLITE3 === '1'
    ? [
        {
          module: 'sqlite3',
          options: (): TypeOrmModuleOptions => ({ type: 'sqlite', database: FILE }),
          end: () => rmSync(FILE, { force: true }),
        },
      ]
    : []),
];

describe.each(DRIVERS)('An application with the driver $module', ({ module, options, begin, end }) => {
  let running: Running;
  beforeAll(async () => {
    await begin?.();
    const storage = TypeOrmModule.forRoot({
      ...options(),
      autoLoadEntities: true,
      migrations: [...jwtKnoxMigrations, CreateUsers1764000000001],
      migrationsRun: true,
      retryAttempts: 0,
    });
    const secret = randomBytes(48).toString('base64');
    // A busy machine may need longer than usual for ten logins at once.
    const patient = { storageTimeout: '20s', session: { limitPerUser: 5, onLimit: 'evict-oldest' } } as const;
    running = await start(appWith(forRoot({ secret, ...patient }), storage));
  }, 60_000);
  afterAll(async () => {
    await running?.app.close();
    await end();
  });

  const login = () => running.request('POST', '/auth/login', { json: alice });

  it('control: speaks to its database by that driver', () => {
    expect(Object.values(running.app.get(DataSource).driver)).toContain(require(module));
  });

  it('lets a user in from login to logout, and not a request longer', async () => {
    const { access_token: first, refresh_token } = (await login()).body;
    expect((await running.request('GET', '/notes', { token: first })).status).toBe(200);
    const refreshed = await running.request('POST', '/auth/refresh', { json: { refresh_token } });
    expect(refreshed.status).toBe(200);
    const token = refreshed.body.access_token;
    expect((await running.request('GET', '/auth/sessions', { token })).body).toHaveLength(1);
    expect((await running.request('POST', '/auth/logout', { token })).status).toBe(204);
    expect((await running.request('GET', '/notes', { token })).status).toBe(401);
  });

  it('answers ten times ten logins at once, and keeps the limit', async () => {
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, login));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    }
    const { body } = await login();
    expect((await running.request('GET', '/auth/sessions', { token: body.access_token })).body).toHaveLength(5);
  }, 60_000);
});
