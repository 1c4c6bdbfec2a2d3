import { Controller, Get, type INestApplication, Module, type Type, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { AddressInfo } from 'node:net';
import { DataSource } from 'typeorm';
import {
  CurrentSession, CurrentUser, JwtKnoxEvents, JwtKnoxGuard, JwtKnoxModule, type JwtKnoxEventMap, type JwtKnoxExtras, type JwtKnoxOptions,
  OptionalAuth, Public, type Session, TokenService,
} from '../../lib'; // prettier-ignore
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { FakeClock } from '../../lib/testing';
import { leaseCache, localFeed } from '../../lib/cache';
import { CreateUsers1 } from './create-users';
import { createDatabase, type DatabaseKind, databaseKinds, type TestDatabase } from './databases';
import { createMigrated } from './migrated-databases';
import { AnswerCheck, contractOf } from './answer-check';
import { type Check, HttpClient } from './http-client';
import { isLong } from './lengths';
import { type Platform, platforms, type Tls } from './platforms';
import { TestUsers, User, UsersModule } from './users';
import { notingStatements } from './noting-logger';

export const SECRET = 'f8Jk2nQpR7sTuVwXyZ0123456789abcdefGHIJKLmnop';

const meet = (kind: DatabaseKind, adapters: readonly Platform[]) =>
  adapters.map((platform) => ({ title: `${platform.name} on ${kind}`, platform, kind }));

/** Every database the run is for, with every HTTP adapter: for what is about requests and answers. */
export const everyEnvironment = databaseKinds.flatMap((kind) => meet(kind, platforms));

const [express, fastify] = platforms as [Platform, Platform];
const ADAPTER_ON: Record<DatabaseKind, Platform> = { sqlite: fastify, postgres: express, mariadb: fastify };

/**
 * Every database the run is for. They know nothing of HTTP adapters: each meets one, so that a run on all databases meets
 * both; in long runs the embedded one meets every adapter, and so does a server that is alone.
 */
export const environments = databaseKinds.flatMap((kind) => {
  const meetsAll = isLong() && (kind === 'sqlite' || databaseKinds.length === 1);
  return meet(kind, meetsAll ? platforms : [ADAPTER_ON[kind]]);
});

@Controller('notes')
@UseGuards(JwtKnoxGuard)
export class NotesController {
  @Get() mine(
    @CurrentUser() user: User,
    @CurrentUser('username') username: string,
    @CurrentSession() session: Session,
  ) {
    return { userId: user.id, username, sessionId: session.id };
  }
  @Public() @Get('about') about() {
    return { about: 'notes' };
  }
  @OptionalAuth() @Get('greeting') greeting(@CurrentUser('username') username?: string) {
    return { hello: username ?? 'stranger' };
  }
}

export interface AppSettings {
  options?: JwtKnoxOptions;
  extras?: JwtKnoxExtras;
  controllers?: Type[];
  providers?: any[];
  entities?: any[];
  /** Further modules of the host. */
  imports?: any[];
  /** Further options of the data source. */
  typeorm?: Record<string, unknown>;
  /** Shares a database that another application made. */
  database?: TestDatabase;
  synchronize?: boolean;
  /** Sees the module before it is compiled, and the application before it listens. */
  prepare?: (app: INestApplication) => unknown;
  logger?: any;
  /** False: without the framework's own. */
  bodyParser?: boolean;
  /** Why answers of the library's routes need not be as the document says: what of the host's own changes them; or when. */
  unchecked?: string | (() => boolean);
  /** Serves https; then `http` of the application does not reach it. */
  tls?: Tls;
  /** For an issuer whose address is its own; any free one when left out. */
  port?: number;
}

export interface TestApp {
  app: INestApplication;
  http: HttpClient;
  users: TestUsers;
  clock: FakeClock;
  tokens: TokenService<User>;
  source: DataSource;
  statements: string[];
  events: { name: string; event: any }[];
  /** Logs in and gives the token response. */
  login(username?: string, headers?: Record<string, string>): Promise<any>;
  /** What `verify` answers to an access token. */
  statusOf(token: string): Promise<number>;
  close(): Promise<void>;
}

const EVENTS: (keyof JwtKnoxEventMap)[] = [
  'session.created', 'session.refreshed', 'session.revoked', 'sessions.purged', 'refresh.reused', 'login.failed',
  'client.rejected', 'authentication.rejected', 'access.forbidden', 'user-agent.changed', 'refresh.retried',
  'session.narrowed', 'session.bound', 'binding.refused',
]; // prettier-ignore

const MIGRATIONS = [...jwtKnoxMigrations, CreateUsers1];

/** With the usual tables, which the start finds made; without any where it makes others. */
function databaseFor(kind: DatabaseKind, { synchronize, typeorm = {} }: AppSettings): Promise<TestDatabase> {
  const isUsual = !synchronize && !['migrations', 'synchronize', 'schema'].some((name) => name in typeorm);
  return isUsual ? createMigrated(kind, MIGRATIONS) : createDatabase(kind);
}

/** A real application: real HTTP, real database, real cryptography. Only its clock stands still. */
export async function createApp(platform: Platform, kind: DatabaseKind, settings: AppSettings = {}): Promise<TestApp> {
  const database = settings.database ?? (await databaseFor(kind, settings));
  const clock = new FakeClock();
  const statements: string[] = [];
  const { options = {}, extras = {} } = settings;
  const knox: JwtKnoxOptions & JwtKnoxExtras = {
    ...(options.keys ? {} : { secret: SECRET }),
    clock,
    // Deadlines are what the tests of S9 are about; to all others, a busy machine is no finding.
    storageTimeout: '30s',
    ...options,
    imports: [UsersModule],
    userProvider: TestUsers,
    ...extras,
  };
  if (process.env.TEST_CACHE && !knox.storage)
    knox.features = [...(knox.features ?? []), leaseCache({ feed: localFeed() })];
  const source = TypeOrmModule.forRoot({
    ...database.options,
    autoLoadEntities: true,
    entities: settings.entities ?? [],
    migrations: settings.synchronize ? [] : MIGRATIONS,
    migrationsRun: !settings.synchronize,
    synchronize: settings.synchronize ?? false,
    logger: notingStatements(statements),
    logging: true,
    retryAttempts: 0,
    ...settings.typeorm,
  });

  @Module({
    imports: [source, UsersModule, JwtKnoxModule.forRoot(knox), ...(settings.imports ?? [])],
    controllers: settings.controllers ?? [NotesController],
    providers: settings.providers ?? [],
  })
  class HostModule {}

  const testing = Test.createTestingModule({ imports: [HostModule] }).setLogger(settings.logger ?? false);
  const app = (await testing.compile()).createNestApplication(platform.adapter(settings.tls) as any, {
    ...(settings.tls && { httpsOptions: settings.tls }),
    logger: settings.logger ?? false,
    bodyParser: settings.bodyParser ?? true,
  });
  await settings.prepare?.(app);
  app.enableShutdownHooks([]);
  await app.init();
  await platform.ready(app);
  await app.listen(settings.port ?? 0, '127.0.0.1');

  const { check, failures } = checkFor(app, settings.unchecked);
  const http = new HttpClient((app.getHttpServer().address() as AddressInfo).port, check);
  const events: TestApp['events'] = [];
  for (const name of EVENTS) app.get(JwtKnoxEvents).on(name, (event) => void events.push({ name, event }));
  return {
    app,
    http,
    users: app.get(TestUsers, { strict: false }),
    clock,
    tokens: app.get(TokenService),
    source: app.get(DataSource),
    statements,
    events,
    async login(username = 'alice', headers = {}) {
      const answer = await http.post('/auth/login', { json: { username, password: `${username}-password` }, headers });
      if (answer.status !== 200) throw new Error(`Login answered ${answer.status}: ${answer.text}`);
      return answer.body;
    },
    statusOf: async (token) => (await http.get('/auth/verify', { token })).status,
    async close() {
      await app.close();
      if (!settings.database) await database.drop();
      // A test may expect an error, and meet this one.
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** Holds the answers of an application to its document; `failures` are those that were not as they should be. */
export function checkFor(
  app: INestApplication,
  unchecked?: AppSettings['unchecked'],
): { check: Check; failures: unknown[] } {
  const failures: unknown[] = [];
  let made: AnswerCheck | undefined;
  const check: Check = (method, path, answer) => {
    if (typeof unchecked === 'function' ? unchecked() : unchecked !== undefined) return;
    try {
      made ??= new AnswerCheck(contractOf(app));
      made.check(method, path, answer);
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  return { check, failures };
}
