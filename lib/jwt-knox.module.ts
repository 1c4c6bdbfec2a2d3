import {
  type DynamicModule,
  Logger,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { JwtKnoxEvents } from './contracts/events';
import { SessionRepository } from './contracts/session.repository';
import { TokenTransport } from './contracts/token-transport';
import { OAuthClients } from './tokens/oauth-clients';
import { Keyring } from './tokens/keyring';
import { Connections } from './guard/connections';
import { GUARD_EXPORTS, guardProviders } from './guard/guard.providers';
import { requireSingletons } from './guard/singletons';
import { warnOfCompetingModules } from './guard/competing-modules';
import { conflictCheck, requireRealms } from './guard/conflicting-modules';
import { warnOfGuardsBefore } from './guard/guard-order';
import { warnOfUnguardedHandlers } from './guard/unguarded-handlers';
import { OwnPrograms } from './routes/own-programs';
import { OwnSessions } from './routes/own-sessions';
import { TokenResponder } from './routes/token-responder';
import { BearerTransport } from './guard/bearer.transport';
import { controllersOf } from './routes/controllers';
import { RevocationStream } from './routes/revocation-stream';
import { FrameworkErrors } from './routes/framework-errors';
import { FeatureDescriptions, ServedRoutes } from './routes/served-routes';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
} from './jwt-knox.module-definition';
import { EXTRAS, MOVED_TO_STORAGE, routesOf, strayProblems } from './options/extras';
import { featurePartsOf } from './options/features';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options/options';
import { JWT_KNOX_OPTIONS, type ResolvedOptions, resolveOptions } from './options/resolve-options';
import { bindStorage } from './options/bind-storage';
import { defaultStorage } from './load-typeorm';
import { AccessTokenVerifier } from './sessions/access-token.verifier';
import { Reauthentication } from './sessions/reauthentication';
import { SessionAdminService } from './sessions/session-admin.service';
import { OWN_USER_PROVIDER, userProviders } from './sessions/late-user-provider';
import { RevocationLog } from './sessions/revocation-log';
import { SESSION_SERVICES } from './sessions/session-services';
import { reportUnreadableSessions } from './sessions/storage-probe';
import { TokenService } from './sessions/token.service';
import { TokenVerifier } from './sessions/token-verifier';

/**
 * Sessions and tokens for a Nest application. `forRoot` and `forRootAsync` take the options, and beside them the extras
 * that shape the module: `userProvider`, `routes`, `guard`, `storage` and others.
 * @example
 * const imports = [JwtKnoxModule.forRoot({ secret: process.env.JWT_SECRET })]; // of your root module
 */
@Module({})
export class JwtKnoxModule extends ConfigurableModuleClass implements NestModule, OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger(JwtKnoxModule.name);

  /** Hidden: whoever prints it prints the whole application. */
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    super();
    this.#moduleRef = moduleRef;
  }

  /**
   * Configures the module with options that you have at start-up.
   * @throws JwtKnoxConfigurationError when the application starts, with every problem in one message
   * @example
   * JwtKnoxModule.forRoot({ secret: process.env.JWT_SECRET, imports: [UsersModule], userProvider: KnoxUsers });
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return assemble(super.forRoot(options), options);
  }

  /**
   * Configures the module with a factory that returns the options. Extras, such as `userProvider`, go next to it.
   * @throws JwtKnoxConfigurationError as `forRoot` does
   * @example
   * JwtKnoxModule.forRootAsync({
   *   imports: [UsersModule],
   *   userProvider: KnoxUsers,
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ secret: config.getOrThrow('JWT_SECRET') }),
   * });
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return assemble(super.forRootAsync(options), options, strayProblems(options, EXTRAS, MOVED_TO_STORAGE));
  }

  /** Nest calls it before it adds the routes. */
  configure(): void {
    const adapter = this.#moduleRef.get(HttpAdapterHost, { strict: false }).httpAdapter;
    if (adapter?.getType() === 'fastify') this.frameworkErrors().listenToFastify(adapter.getInstance());
  }

  onModuleInit(): void {
    requireSingletons(this.#moduleRef, TokenService, JwtKnoxModule.name);
    requireSingletons(this.#moduleRef, OWN_USER_PROVIDER, JwtKnoxModule.name);
    requireRealms(this.#moduleRef, JwtKnoxModule.name);
    const adapter = this.#moduleRef.get(HttpAdapterHost, { strict: false }).httpAdapter;
    if (adapter?.getType() === 'express') this.frameworkErrors().listenToExpress(adapter);
  }

  private frameworkErrors(): FrameworkErrors {
    return new FrameworkErrors(new ServedRoutes(this.#moduleRef).all());
  }

  /** Tells of a missing table at start-up, rather than by a 503 at the first login. */
  async onApplicationBootstrap(): Promise<void> {
    warnOfCompetingModules(this.#moduleRef);
    warnOfGuardsBefore(this.#moduleRef);
    warnOfUnguardedHandlers(this.#moduleRef);
    const { storageTimeout } = this.#moduleRef.get<ResolvedOptions>(JWT_KNOX_OPTIONS);
    await reportUnreadableSessions(this.#moduleRef.get(SessionRepository), storageTimeout, this.logger);
  }
}

/** What an application injects. */
const EXPORTS = [TokenService, SessionAdminService, JwtKnoxEvents, SessionRepository, TokenTransport];

function assemble(definition: DynamicModule, extras: JwtKnoxExtras, problems: string[] = []): DynamicModule {
  const added = featurePartsOf(extras);
  const storage = bindStorage(extras.storage ?? defaultStorage(), {
    name: 'JwtKnoxModule',
    readOnly: false,
    front: added.repository,
  });
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ...storage.imports, ...added.imports],
    controllers: controllersOf(extras, added.controllers),
    providers: [
      ...(definition.providers ?? []),
      ...optionProviders(extras, problems),
      storage.provider,
      conflictCheck(JwtKnoxModule.name),
      ...SESSION_SERVICES,
      { provide: TokenVerifier, useExisting: AccessTokenVerifier },
      Connections,
      TokenResponder,
      ...(typeof extras.userProvider === 'function' ? [Reauthentication, OwnPrograms] : []),
      OwnSessions,
      ...(routesOf(extras.routes).revocations ? [RevocationLog, RevocationStream] : []),
      ...userProviders(extras.userProvider, 'JwtKnoxModule'),
      ...added.providers,
      { provide: FeatureDescriptions, useValue: new FeatureDescriptions(added.descriptions) },
      ...guardProviders(extras, { name: 'JwtKnoxModule', strategy: 'jwt-knox' }),
    ],
    exports: [...EXPORTS, ...GUARD_EXPORTS, ...added.exports],
  };
}

function optionProviders(extras: JwtKnoxExtras, problems: string[]): Provider[] {
  return [
    {
      provide: Keyring,
      useFactory: (options?: JwtKnoxOptions) =>
        Keyring.load(options ?? {}, {
          signing: true,
          publishing: routesOf(extras.routes).jwks,
          streaming: routesOf(extras.routes).revocations,
        }),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    {
      provide: OAuthClients,
      useFactory: (options?: JwtKnoxOptions) => OAuthClients.load(options?.clients),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    {
      provide: JWT_KNOX_OPTIONS,
      useFactory: (options: JwtKnoxOptions, keyring: Keyring, clients: OAuthClients) =>
        resolveOptions(options, extras, [...keyring.problems, ...clients.problems, ...problems]),
      inject: [MODULE_OPTIONS_TOKEN, Keyring, OAuthClients],
    },
    {
      provide: TokenTransport,
      useFactory: (options: ResolvedOptions) => {
        const transport = options.transport ?? new BearerTransport(options);
        transport.configure(options);
        return transport;
      },
      inject: [JWT_KNOX_OPTIONS],
    },
  ];
}
