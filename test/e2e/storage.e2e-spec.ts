import { Inject, Injectable, Module, type ModuleMetadata, Scope } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { Test } from '@nestjs/testing';
import type { Repository } from 'typeorm';
import { describe, expect, it } from 'vitest';
import {
  JwtKnoxConfigurationError,
  JwtKnoxModule,
  SessionRepository,
  type SessionStorage,
  TokenService,
} from '../../lib';
import { inMemory, InMemorySessionRepository } from '../../lib/testing';
import { JwtKnoxFence, JwtKnoxSession, typeOrm, TypeOrmSessionRepository } from '../../lib/typeorm';
import { JwtKnoxVerifierModule } from '../../lib/verifier';
import { SECRET } from '../support/create-app';

const DEVICE = { userAgent: 'test', ip: '127.0.0.1' };

async function boot(...imports: NonNullable<ModuleMetadata['imports']>) {
  const app = (
    await Test.createTestingModule({ imports })
      .setLogger(false as never)
      .compile()
  ).createNestApplication();
  app.enableShutdownHooks([]);
  return app.init();
}

/** The problems for which an application does not start. */
async function problemsOf(...imports: NonNullable<ModuleMetadata['imports']>): Promise<readonly string[]> {
  const outcome: unknown = await boot(...imports).catch((error: unknown) => error);
  if (outcome instanceof JwtKnoxConfigurationError) return outcome.problems;
  throw outcome instanceof Error ? outcome : new Error('The application started.');
}

const main = (storage?: SessionStorage, options = {}) => JwtKnoxModule.forRoot({ secret: SECRET, storage, ...options });
const database = (entities: any[] = []) =>
  TypeOrmModule.forRoot({
    type: 'better-sqlite3',
    database: ':memory:',
    entities,
    autoLoadEntities: entities.length === 0,
    synchronize: true,
    retryAttempts: 0,
  });

describe('the storage', () => {
  it("is a repository class of the application's own, with what it injects", async () => {
    @Injectable()
    class OwnRepository extends InMemorySessionRepository {
      constructor(@Inject('REALM') realm: string) {
        super(realm);
      }
    }
    @Module({ providers: [OwnRepository, { provide: 'REALM', useValue: '' }], exports: [OwnRepository] })
    class OwnModule {}
    const useFactory = (repository: OwnRepository) => repository;
    const app = await boot(main({ imports: [OwnModule], inject: [OwnRepository], useFactory }));
    try {
      const { session } = await app.get(TokenService).issue({ id: '1' }, DEVICE);
      expect(app.get(SessionRepository)).toBe(app.get(OwnRepository, { strict: false }));
      expect(await app.get(OwnRepository, { strict: false }).findById(session.id)).not.toBeNull();
    } finally {
      await app.close();
    }
  });

  it('in memory belongs to one application', async () => {
    const knox = main(inMemory());
    const [one, other] = [await boot(knox), await boot(knox)];
    try {
      const { accessToken } = await one.get(TokenService).issue({ id: '1' }, DEVICE);
      expect(await one.get(TokenService).authenticate(accessToken, DEVICE)).toMatchObject({ user: { id: '1' } });
      await expect(other.get(TokenService).authenticate(accessToken, DEVICE)).rejects.toMatchObject({
        code: 'invalid_token',
      });
    } finally {
      await one.close();
      await other.close();
    }
  });

  it('is TypeORM on the default data source when it is left out', async () => {
    const app = await boot(database(), main());
    try {
      const { session } = await app.get(TokenService).issue({ id: '1' }, DEVICE);
      expect(app.get(SessionRepository)).toBeInstanceOf(TypeOrmSessionRepository);
      expect(await app.get(SessionRepository).findById(session.id)).not.toBeNull();
    } finally {
      await app.close();
    }
  });

  it('takes preparedStatements from a factory, and nothing but true or false', async () => {
    const from = (value: unknown) => {
      @Module({ providers: [{ provide: 'POOLER', useValue: value }], exports: ['POOLER'] })
      class ConfigurationModule {}
      const useFactory = (pooler: boolean) => pooler;
      return main(typeOrm({ preparedStatements: { imports: [ConfigurationModule], inject: ['POOLER'], useFactory } }));
    };
    await (await boot(database(), from(true))).close();
    expect(await problemsOf(database(), from('yes'))).toEqual(['typeOrm(): preparedStatements must be true or false.']);
  });

  it('refuses to start when its factory returns no repository', async () => {
    const useFactory = (() => new Map()) as never;
    expect(await problemsOf(main({ useFactory }))).toEqual([
      expect.stringMatching(/^storage: useFactory must return .* extends SessionRepository/),
    ]);
  });

  it('is asked for after the options are found sound', async () => {
    const useFactory = () => {
      throw new Error('no connection');
    };
    expect(await problemsOf(main({ useFactory }, { issuer: '' }))).toEqual([expect.stringMatching(/^issuer: /)]);
  });

  it.each(['main', 'verifier'] as const)('refuses to start when it is request-scoped: %s', async (which) => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped extends InMemorySessionRepository {}
    @Module({
      providers: [{ provide: Scoped, useFactory: () => new Scoped(), scope: Scope.REQUEST }],
      exports: [Scoped],
    })
    class ScopedModule {}
    const storage = { imports: [ScopedModule], inject: [Scoped], useFactory: (one: Scoped) => one };
    const knox = which === 'main' ? main(storage) : JwtKnoxVerifierModule.forRoot({ secret: SECRET, storage });
    expect(await problemsOf(knox)).toEqual([
      expect.stringMatching(/^userProvider and storage: must not be request-scoped.*make both singletons/),
    ]);
  });
});

describe('a name beside an async factory that is no extra', () => {
  const useFactory = () => ({ secret: SECRET });
  const stray = { useFactory, inject: [], sessionEntity: JwtKnoxSession, issuer: 'a' };
  const problems = [
    "sessionEntity: no such extra; write storage: typeOrm({ entity }) of 'nestjs-jwt-knox/typeorm' instead.",
    'issuer: no such extra; return it from the factory.',
  ];

  it('is refused, and not ignored: the main module', async () => {
    expect(await problemsOf(JwtKnoxModule.forRootAsync({ ...stray, storage: inMemory() }))).toEqual(problems);
    await (await boot(JwtKnoxModule.forRootAsync({ useFactory, inject: [], storage: inMemory() }))).close();
  });

  it('is refused, and not ignored: the verifier', async () => {
    expect(await problemsOf(JwtKnoxVerifierModule.forRootAsync({ ...stray, storage: inMemory() }))).toEqual(problems);
    await (await boot(JwtKnoxVerifierModule.forRootAsync({ useFactory, storage: inMemory() }))).close();
  });
});

describe('TypeORM as the storage refuses to start', () => {
  const unknown = (names: string) => [
    `The data source does not know the entity ${names}: set autoLoadEntities: true, or add ${names} to its entities.`,
  ];

  it('when the data source lacks an entity of the library', async () => {
    expect(await problemsOf(database([JwtKnoxSession]), main())).toEqual(unknown('JwtKnoxFence'));
    expect(await problemsOf(database([JwtKnoxFence]), main())).toEqual(unknown('JwtKnoxSession'));
  });

  it("when it lacks JwtKnoxFence behind a subclass of the application's own", async () => {
    class OwnRepository extends TypeOrmSessionRepository {}
    const storage = {
      imports: [TypeOrmModule.forFeature([JwtKnoxSession])],
      inject: [getRepositoryToken(JwtKnoxSession)],
      useFactory: (rows: Repository<JwtKnoxSession>) => new OwnRepository(rows),
    };
    expect(await problemsOf(database([JwtKnoxSession]), main(storage))).toEqual(unknown('JwtKnoxFence'));
  });

  it('but not in a verifier, which reads no fences', async () => {
    const verifier = JwtKnoxVerifierModule.forRoot({ secret: SECRET, storage: typeOrm() });
    await (await boot(database([JwtKnoxSession]), verifier)).close();
  });

  it('refuses an option of typeOrm() that it does not know, such as one of another name', async () => {
    const options = { sessionEntity: class {}, source: 'other' } as object;
    expect(await problemsOf(database(), main(typeOrm(options)))).toEqual([
      'typeOrm(): sessionEntity, source: no such option; known are dataSource, entity, userRelation, preparedStatements.',
    ]);
  });

  it('when the entity has no such relation to the user', async () => {
    expect(await problemsOf(database(), main(typeOrm({ userRelation: 'owner' })))).toEqual([
      "userRelation: the entity JwtKnoxSession has no relation 'owner'; set entity to one of your own that has it.",
    ]);
  });
});
