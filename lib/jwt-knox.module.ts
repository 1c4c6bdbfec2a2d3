import {
  type DynamicModule,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Provider,
  Scope,
} from '@nestjs/common';
import { APP_GUARD, ModuleRef } from '@nestjs/core';
import { JwtKnoxConfigurationError, type StorageUnavailableError } from './contracts/errors';
import { JwtKnoxEvents } from './contracts/events';
import { SessionRepository } from './contracts/session.repository';
import { TokenTransport } from './contracts/token-transport';
import { UserProvider } from './contracts/user-provider';
import { OAuthClients } from './tokens/oauth-clients';
import { JwtCodec } from './tokens/jwt-codec';
import { Keyring } from './tokens/keyring';
import { generateId } from './tokens/token-key';
import { JwtKnoxGuard } from './guard/jwt-knox.guard';
import { GUARD_EXPORTS, guardProviders } from './guard/guard.providers';
import { createJwtKnoxStrategy, JwtKnoxStrategy } from './guard/jwt-knox.strategy';
import { ModuleScope, warnOfCompetingModules } from './guard/competing-modules';
import { TokenResponder } from './routes/token-responder';
import { BearerTransport } from './guard/bearer.transport';
import { controllersOf } from './routes/controllers';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
} from './jwt-knox.module-definition';
import { routesOf } from './options/extras';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options/options';
import { JWT_KNOX_OPTIONS, type ResolvedOptions, resolveOptions } from './options/resolve-options';
import { bindStorage } from './options/bind-storage';
import { defaultStorage } from './load-typeorm';
import { AccessTokenVerifier } from './sessions/access-token.verifier';
import { ClientAuthenticator } from './sessions/client-authenticator';
import { OAuthService } from './sessions/oauth.service';
import { HostErrors } from './sessions/host-errors';
import { LastUsed } from './sessions/last-used';
import { LoginArrivals } from './sessions/login-arrivals';
import { Logins } from './sessions/logins';
import { RefreshEvents } from './sessions/refresh-events';
import { TokenRejections } from './sessions/rejections';
import { SessionAdminService } from './sessions/session-admin.service';
import { SessionIssuer } from './sessions/session-issuer';
import { SessionLimiter } from './sessions/session-limiter';
import { SessionRefresher } from './sessions/session-refresher';
import { SessionList } from './sessions/session-list';
import { SessionRenewals } from './sessions/session-renewals';
import { SessionRenewer } from './sessions/session-renewer';
import { SessionRevoker } from './sessions/session-revoker';
import { SessionTokens } from './sessions/session-tokens';
import { SessionChecker } from './sessions/session-checker';
import { fromStorage, RequestDeadline } from './sessions/request-deadline';
import { TokenService } from './sessions/token.service';

const SERVICES = [
  JwtCodec,
  JwtKnoxEvents,
  TokenRejections,
  HostErrors,
  SessionTokens,
  SessionLimiter,
  SessionIssuer,
  LoginArrivals,
  Logins,
  LastUsed,
  SessionChecker,
  AccessTokenVerifier,
  SessionRevoker,
  RefreshEvents,
  SessionRefresher,
  SessionRenewer,
  SessionRenewals,
  SessionList,
  OAuthService,
  ClientAuthenticator,
  SessionAdminService,
  TokenService,
];

/**
 * Sessions and tokens for a Nest application. `forRoot` and `forRootAsync` take the options, and beside them the extras
 * that shape the module: `userProvider`, `routes`, `guard`, `storage` and others.
 */
@Module({})
export class JwtKnoxModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger(JwtKnoxModule.name);

  /** Hidden: whoever prints it prints the whole application. */
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    super();
    this.#moduleRef = moduleRef;
  }

  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return assemble(super.forRoot(options), options);
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return assemble(super.forRootAsync(options), options);
  }

  /** Refuses what would make a strategy, and the services behind it, anew with every request. */
  onModuleInit(): void {
    if (this.#moduleRef.introspect(TokenService).scope === Scope.DEFAULT) return;
    throw new JwtKnoxConfigurationError([
      'userProvider or storage: is request-scoped, or injects what is; make it a singleton. The provider receives ' +
        'the request as an argument.',
    ]);
  }

  /** Tells of a missing table at start-up, rather than by a 503 at the first login. */
  async onApplicationBootstrap(): Promise<void> {
    warnOfCompetingModules(this.#moduleRef);
    const repository = this.#moduleRef.get(SessionRepository);
    const { storageTimeout } = this.#moduleRef.get<ResolvedOptions>(JWT_KNOX_OPTIONS);
    const read = () => fromStorage(() => repository.findById(generateId()));
    await new RequestDeadline(storageTimeout).run(read).catch(({ cause }: StorageUnavailableError) => {
      this.logger.error(
        `The sessions cannot be read: ${cause instanceof Error ? cause.message : 'unknown error'}. If the table is missing, add ` +
          '`...jwtKnoxMigrations` (from nestjs-jwt-knox/migrations) to the migrations of the data source and run them.',
      );
    });
  }
}

function assemble(definition: DynamicModule, extras: JwtKnoxExtras): DynamicModule {
  const storage = bindStorage(extras.storage ?? defaultStorage(), 'JwtKnoxModule', false);
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ...storage.imports],
    controllers: controllersOf(extras),
    providers: [
      ...(definition.providers ?? []),
      ...optionProviders(extras),
      storage.provider,
      ...SERVICES,
      ...guardProviders(extras),
      { provide: ModuleScope, useValue: new ModuleScope('JwtKnoxModule', extras) },
      TokenResponder,
      {
        provide: JwtKnoxStrategy,
        useFactory: (verifier: AccessTokenVerifier, transport: TokenTransport) =>
          createJwtKnoxStrategy(verifier, transport, `jwt-knox-${generateId()}`),
        inject: [AccessTokenVerifier, TokenTransport],
      },
      ...(extras.userProvider ? [{ provide: UserProvider, useExisting: extras.userProvider }] : []),
      ...(extras.guard === 'global' ? [{ provide: APP_GUARD, useExisting: JwtKnoxGuard }] : []),
    ],
    exports: [TokenService, SessionAdminService, JwtKnoxEvents, SessionRepository, JwtKnoxStrategy, ...GUARD_EXPORTS],
  };
}

function optionProviders(extras: JwtKnoxExtras): Provider[] {
  return [
    {
      provide: Keyring,
      useFactory: (options?: JwtKnoxOptions) =>
        Keyring.load(options ?? {}, { signing: true, publishing: routesOf(extras.routes).jwks }),
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
        resolveOptions(options, extras, [...keyring.problems, ...clients.problems]),
      inject: [MODULE_OPTIONS_TOKEN, Keyring, OAuthClients],
    },
    {
      provide: TokenTransport,
      useFactory: (options: ResolvedOptions) => options.transport ?? new BearerTransport(options),
      inject: [JWT_KNOX_OPTIONS],
    },
  ];
}
