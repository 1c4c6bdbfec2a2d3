import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Column, Entity } from 'typeorm';
import { describe, expect, it } from 'vitest';
import {
  JwtKnoxConfigurationError,
  type JwtKnoxExtras,
  JwtKnoxModule,
  type JwtKnoxOptions,
  type SessionStorage,
  TokenService,
} from '../../lib';
import { inMemory, InMemorySessionRepository } from '../../lib/testing';
import { JwtKnoxFence, JwtKnoxSession, JwtKnoxSessionBase, typeOrm } from '../../lib/typeorm';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { JwtKnoxVerifierModule } from '../../lib/verifier';
import { SECRET } from '../support/create-app';
import { configuredKeys } from '../support/forge';
import { clients } from '../support/oauth';
import { platforms } from '../support/platforms';

type Modules = NonNullable<ModuleMetadata['imports']>;

const knox = (settings: Partial<JwtKnoxOptions & JwtKnoxExtras> = {}) =>
  JwtKnoxModule.forRoot({ secret: SECRET, isGlobal: false, routes: false, ...settings });
const database = (name?: string, ...entities: Function[]) =>
  TypeOrmModule.forRoot({
    name,
    type: 'better-sqlite3',
    database: ':memory:',
    entities: [JwtKnoxSession, JwtKnoxFence, ...entities],
    migrations: jwtKnoxMigrations,
    migrationsRun: true,
    retryAttempts: 0,
  });

/** An entity of a host's, in a table of this name. */
function entityIn(table: string) {
  @Entity(table)
  class HostSession extends JwtKnoxSessionBase {
    @Column({ type: 'varchar', length: 255 })
    userId!: string;
  }
  return HostSession;
}

const silent = { logger: false as const, abortOnError: false };

async function boot(imports: Modules) {
  @Module({ imports })
  class HostModule {}
  const app = await NestFactory.create(HostModule, silent);
  app.enableShutdownHooks([]);
  return app.init();
}

async function problemsOf(imports: Modules): Promise<readonly string[]> {
  const outcome: unknown = await boot(imports).catch((error: unknown) => error);
  if (outcome instanceof JwtKnoxConfigurationError) return outcome.problems;
  if (outcome instanceof Error) throw outcome;
  await (outcome as Awaited<ReturnType<typeof boot>>).close();
  return [];
}

const REFUSAL = [expect.stringMatching(/^realm: two modules store .* in one table .* realm: 'customers'\.$/)];

/** A module of the host's that imports one of the library's. */
function feature(one: DynamicModule): Modules[number] {
  @Module({ imports: [one] })
  class Feature {}
  return Feature;
}

describe('two modules on one table', () => {
  const one = new InMemorySessionRepository();
  const shared: SessionStorage = { useFactory: () => one };
  const asynchronous = (realm?: string) =>
    JwtKnoxModule.forRootAsync({ isGlobal: false, routes: false, realm, useFactory: async () => ({ secret: SECRET }) });

  const refused: [string, () => Modules][] = [
    ['have no realm', () => [database(), knox(), knox()]],
    ['have no realm, in two features', () => [database(), feature(knox()), feature(knox())]],
    ['have one realm', () => [database(), knox({ realm: 'a' }), knox({ realm: 'a' })]],
    ['differ in the case of the realm alone', () => [database(), knox({ realm: 'staff' }), knox({ realm: 'Staff' })]],
    ['have no realm, and another secret', () => [database(), knox(), knox({ secret: undefined, keys: configuredKeys })]],
    ['have no realm, and options from factories', () => [database(), asynchronous(), asynchronous()]],
    ['are two of three', () => [database(), knox(), knox({ realm: 'a' }), knox({ realm: 'a' })]],
    [
      'have no realm, by two entities',
      () => ((entity) => [database(undefined, entity), knox(), knox({ storage: typeOrm({ entity }) })])(entityIn('jwt_knox_sessions')),
    ],
    ['have no realm, in a second data source', () => [database('b'), ...['b', 'b'].map((b) => knox({ storage: typeOrm({ dataSource: b }) }))]],
    ['have no realm, by one repository of the host', () => [knox({ storage: shared }), knox({ storage: shared })]],
  ]; // prettier-ignore

  it.each(refused)('do not start when they %s', async (_title, imports) => {
    expect(await problemsOf(imports())).toEqual(REFUSAL);
  });

  const started: [string, () => Modules][] = [
    ['have a realm each', () => [database(), knox({ realm: 'a' }), knox({ realm: 'b' })]],
    ['have a realm, but for one', () => [database(), knox(), knox({ realm: 'b' })]],
    ['have a realm each, and options from factories', () => [database(), asynchronous('a'), asynchronous('b')]],
    ['are one, imported twice', () => ((same) => [database(), feature(same), feature(same)])(knox())],
    [
      'use different data sources',
      () => [database('a'), database('b'), ...['a', 'b'].map((name) => knox({ storage: typeOrm({ dataSource: name }) }))],
    ],
    [
      'use different tables',
      () => ((entity) => [database(undefined, entity), knox(), knox({ storage: typeOrm({ entity }) })])(entityIn('other_sessions')),
    ],
    ['use different repositories of the host', () => [knox({ storage: inMemory() }), knox({ storage: inMemory() })]],
    [
      'are one that keeps sessions, and one that reads them',
      () => [database(), knox(), JwtKnoxVerifierModule.forRoot({ secret: SECRET, storage: typeOrm(), isGlobal: false })],
    ],
  ]; // prettier-ignore

  it.each(started)('control: start when they %s', async (_title, imports) => {
    expect(await problemsOf(imports())).toEqual([]);
  });

  it('control: start in two applications of one process', async () => {
    const [here, there] = [await boot([knox({ storage: shared })]), await boot([knox({ storage: shared })])];
    await here.close();
    await there.close();
  });

  it('do not meet in a running application either, which loads one of them late', async () => {
    const loaded = await boot([database(), knox({ realm: 'a' })]);
    try {
      const loader = loaded.get(LazyModuleLoader);
      await expect(loader.load(() => knox({ realm: 'a' }))).rejects.toMatchObject({ problems: REFUSAL });
      const late = await loader.load(() => knox({ realm: 'b' }));
      const { accessToken, session } = await late.get(TokenService).issue({ id: '1' });
      expect(session.realm).toBe('b');
      await expect(loaded.get(TokenService).authenticate(accessToken)).rejects.toMatchObject({ code: 'invalid_token' });
    } finally {
      await loaded.close();
    }
  });
});

describe('the repository of a module with a realm', () => {
  it('is made for it by typeOrm() and inMemory()', async () => {
    @Module({ providers: [{ provide: 'PREPARED', useValue: false }], exports: ['PREPARED'] })
    class Settings {}
    const prepared = { imports: [Settings], inject: ['PREPARED'], useFactory: (given: boolean) => given };
    for (const storage of [typeOrm(), typeOrm({ preparedStatements: prepared }), inMemory()]) {
      const app = await boot([database(), knox({ realm: 'a', storage })]);
      const tokens = app.get(TokenService);
      const { session } = await tokens.issue({ id: '1' });
      expect((await tokens.list('1')).map(({ id, realm }) => [id, realm])).toEqual([[session.id, 'a']]);
      await app.close();
    }
  });

  it("is told the realm after what an application's own factory injects", async () => {
    @Injectable()
    class Store {}
    @Module({ providers: [Store], exports: [Store] })
    class StoreModule {}
    const given: unknown[] = [];
    const useFactory = (store: Store, context: { realm: string }) => {
      given.push(store, context);
      return new InMemorySessionRepository(context.realm);
    };
    const storage = { imports: [StoreModule], inject: [Store], useFactory };
    await (await boot([knox({ realm: 'a', storage })])).close();
    expect(given).toEqual([expect.any(Store), { realm: 'a', storageTimeout: 2_000 }]);
  });

  it.each([
    ['none', '', 'a'],
    ['another', 'b', 'a'],
    ['one, and the module has none', 'b', ''],
  ])('is refused when it is of %s', async (_title, of, realm) => {
    const storage = { useFactory: () => new InMemorySessionRepository(of) };
    expect(await problemsOf([knox({ realm, storage })])).toEqual([
      `storage: the repository is of the realm '${of}', and the module of '${realm}'; make the repository with the realm that useFactory is given in its last argument.`,
    ]);
  });
});

describe.each(platforms)('two modules and their routes: $name', (platform) => {
  const options = { keys: configuredKeys, clients, issuer: 'https://auth.example.com', storage: undefined };
  const both = (one: object, other: object) => [
    database(),
    knox({ ...options, secret: undefined, realm: 'a', routes: one }),
    knox({ ...options, secret: undefined, realm: 'b', routes: other }),
  ];
  async function problems(imports: Modules): Promise<readonly string[]> {
    @Module({ imports })
    class HostModule {}
    try {
      const app = await NestFactory.create(HostModule, platform.adapter() as never, silent);
      await (await app.init()).close();
      return [];
    } catch (error) {
      if (error instanceof JwtKnoxConfigurationError) return error.problems;
      throw error;
    }
  }

  it.each([
    [
      'no prefix',
      {},
      {},
      /below \/auth, .* call forRoot once, .* set another routes\.prefix for each, and another realm/,
    ],
    ['one prefix', { prefix: 'x/y' }, { prefix: 'x/y' }, /below \/x\/y, .* set another routes\.prefix for each/],
    ['jwks', { jwks: true }, { prefix: 'b', jwks: true }, /serve \/\.well-known, .* set routes\.jwks in one of them/],
    [
      'metadata',
      { oauth: true },
      { prefix: 'b', oauth: true },
      /serve \/\.well-known, .* routes\.metadata: false in one/,
    ],
  ])('do not start when both have %s', async (_title, one, other, message) => {
    expect(await problems(both(one, other))).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    ['a prefix each', {}, { prefix: 'b' }],
    ['different routes below one prefix', {}, { session: false, debug: true }],
    ['OAuth each, and metadata once', { oauth: true, jwks: true }, { prefix: 'b', oauth: true, metadata: false }],
  ])('control: start with %s', async (_title, one, other) => {
    expect(await problems(both(one, other))).toEqual([]);
  });
});
