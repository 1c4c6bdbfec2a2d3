import {
  type DynamicModule,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { JwtKnoxEvents } from '../contracts/events';
import { TokenTransport } from '../contracts/token-transport';
import { UserProvider } from '../contracts/user-provider';
import { JwtCodec } from '../tokens/jwt-codec';
import { Keyring } from '../tokens/keyring';
import { GUARD_EXPORTS, guardProviders } from '../guard/guard.providers';
import { requireSingletons } from '../guard/singletons';
import { warnOfCompetingModules } from '../guard/competing-modules';
import { warnOfGuardsBefore } from '../guard/guard-order';
import { warnOfUnguardedHandlers } from '../guard/unguarded-handlers';
import { BearerTransport } from '../guard/bearer.transport';
import {
  type AsyncVerifierSettings,
  ConfigurableVerifierClass,
  VERIFIER_EXTRAS,
  VERIFIER_OPTIONS_TOKEN,
} from './verifier.module-definition';
import { JWT_KNOX_OPTIONS } from '../options/resolve-options';
import { RENAMED, type ResolvedVerifierOptions, resolveVerifierOptions } from './resolve-verifier-options';
import type {
  JwtKnoxVerifierExtras,
  JwtKnoxVerifierOptions,
  JwtKnoxVerifierSettings,
  StorageVerifierOptions,
} from './verifier.options';
import { strayProblems } from '../options/extras';
import { bindStorage } from '../options/bind-storage';
import { SessionRepository } from '../contracts/session.repository';
import type { SessionStorage } from '../contracts/session-storage';
import { Actors } from '../sessions/actors';
import { DeviceCheck } from '../sessions/device-check';
import { HostErrors } from '../sessions/host-errors';
import { OWN_USER_PROVIDER, userProviders } from '../sessions/late-user-provider';
import { TokenRejections } from '../sessions/rejections';
import { reportUnreadableSessions } from '../sessions/storage-probe';
import { AccessTokenVerifier } from '../sessions/access-token.verifier';
import { SessionBinding } from '../sessions/session-binding';
import { SessionChecker } from '../sessions/session-checker';
import { SessionUsers } from '../sessions/session-users';
import { TokenVerifier } from '../sessions/token-verifier';
import { IntrospectionVerifier } from './introspection.verifier';
import { JwksVerifier } from './jwks.verifier';
import { LocalChecks, LocalUsers } from './local-users';
import { loadJose } from './load-jose';
import { IssuerAnswers } from './issuer-answers';
import { RemoteKeys } from './remote-keys';
import { RevocationCheck } from './revocation-check';
import { RevocationSubscription } from './revocation-subscription';
import { RevocationView } from './revocation-view';
import { VerifiedBinding } from './verified-binding';

/**
 * The guard of another application's access tokens: for a service that lets in the users of a `JwtKnoxModule` which runs
 * elsewhere. Set `jwks`, `introspection` or `storage`: how it finds out whether a token is good.
 *
 * @example
 * JwtKnoxVerifierModule.forRoot({ issuer: 'https://auth.example.com', audience: 'orders', jwks: {} });
 */
@Module({})
export class JwtKnoxVerifierModule extends ConfigurableVerifierClass implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger(JwtKnoxVerifierModule.name);
  /** Hidden: whoever prints it prints the whole application. */
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    super();
    this.#moduleRef = moduleRef;
  }

  static override forRoot(options: JwtKnoxVerifierSettings): DynamicModule {
    return assemble(super.forRoot(options), options);
  }

  static override forRootAsync(options: AsyncVerifierSettings): DynamicModule {
    return assemble(super.forRootAsync(options), options, strayProblems(options, VERIFIER_EXTRAS, RENAMED));
  }

  onModuleInit(): void {
    requireSingletons(this.#moduleRef, TokenVerifier as unknown as Type, JwtKnoxVerifierModule.name);
    requireSingletons(this.#moduleRef, OWN_USER_PROVIDER, JwtKnoxVerifierModule.name);
  }

  /** With a shared database, tells at start-up what is wrong with it. */
  async onApplicationBootstrap(): Promise<void> {
    warnOfCompetingModules(this.#moduleRef);
    warnOfGuardsBefore(this.#moduleRef);
    warnOfUnguardedHandlers(this.#moduleRef);
    const { remoteKeys, introspection, storageTimeout } =
      this.#moduleRef.get<ResolvedVerifierOptions>(JWT_KNOX_OPTIONS);
    if (remoteKeys || introspection) return;
    await reportUnreadableSessions(this.#moduleRef.get(SessionRepository), storageTimeout, this.logger);
  }
}

function assemble(definition: DynamicModule, extras: JwtKnoxVerifierExtras, problems: string[] = []): DynamicModule {
  const { imports, providers } = extras.storage ? sharedDatabase(extras.storage) : remote();
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ...imports],
    providers: [
      ...(definition.providers ?? []),
      ...optionProviders(extras, problems),
      ...providers,
      JwtCodec,
      JwtKnoxEvents,
      TokenRejections,
      DeviceCheck,
      {
        provide: SessionBinding,
        useFactory: (options: ResolvedVerifierOptions) => new VerifiedBinding(options),
        inject: [JWT_KNOX_OPTIONS],
      },
      ...userProviders(extras.userProvider, 'JwtKnoxVerifierModule'),
      ...guardProviders(extras, { name: 'JwtKnoxVerifierModule', strategy: 'jwt-knox-verifier' }),
    ],
    exports: [TokenVerifier, JwtKnoxEvents, ...GUARD_EXPORTS],
  };
}

function optionProviders(extras: JwtKnoxVerifierExtras, problems: string[]): Provider[] {
  return [
    {
      provide: Keyring,
      useFactory: ({ secret, keys }: Partial<StorageVerifierOptions> = {}) =>
        extras.storage ? Keyring.load({ secret, keys }, { signing: false, publishing: false }) : Keyring.none(),
      inject: [VERIFIER_OPTIONS_TOKEN],
    },
    {
      provide: JWT_KNOX_OPTIONS,
      useFactory: (options: JwtKnoxVerifierOptions, keyring: Keyring) =>
        resolveVerifierOptions(options, extras, [...keyring.problems, ...problems]),
      inject: [VERIFIER_OPTIONS_TOKEN, Keyring],
    },
    {
      provide: TokenTransport,
      useFactory: ({ transport = new BearerTransport(), realm }: ResolvedVerifierOptions) => {
        transport.configure({ realm, publicOrigins: [] });
        return transport;
      },
      inject: [JWT_KNOX_OPTIONS],
    },
  ];
}

interface Parts {
  imports: NonNullable<DynamicModule['imports']>;
  providers: Provider[];
}

function sharedDatabase(storage: SessionStorage): Parts {
  const { imports, provider } = bindStorage(storage, { name: 'JwtKnoxVerifierModule', readOnly: true });
  const verifier = { provide: TokenVerifier, useExisting: AccessTokenVerifier };
  return {
    imports,
    providers: [provider, HostErrors, Actors, SessionUsers, SessionChecker, AccessTokenVerifier, verifier],
  };
}

function remote(): Parts {
  const users = {
    provide: LocalUsers,
    useFactory: ({ storageTimeout }: ResolvedVerifierOptions, provider?: UserProvider) =>
      new LocalUsers(provider, storageTimeout),
    inject: [JWT_KNOX_OPTIONS, { token: UserProvider, optional: true }],
  };
  const verifier = {
    provide: TokenVerifier,
    useFactory: createRemoteVerifier,
    inject: [JWT_KNOX_OPTIONS, JwtCodec, LocalChecks, TokenRejections],
  };
  const checks = {
    provide: LocalChecks,
    useFactory: (own: LocalUsers, devices: DeviceCheck) => new LocalChecks(own, devices),
    inject: [LocalUsers, DeviceCheck],
  };
  return { imports: [], providers: [users, checks, verifier] };
}

async function createRemoteVerifier(
  options: ResolvedVerifierOptions,
  codec: JwtCodec,
  { users, devices }: LocalChecks,
  rejections: TokenRejections,
): Promise<TokenVerifier> {
  const { remoteKeys, introspection, clockTolerance } = options;
  const answers = introspection && new IssuerAnswers(introspection, clockTolerance);
  if (!remoteKeys) return new IntrospectionVerifier(options, { codec, answers: answers!, users, devices }, rejections);
  const keys = new RemoteKeys(await loadJose(), remoteKeys);
  // The first request finds them; an issuer that is down does not hold up the start.
  keys.load().catch(() => undefined);
  const { revocations: told } = remoteKeys;
  const stream = told && new RevocationSubscription(told, keys, new RevocationView(options));
  const revocations = stream && new RevocationCheck(stream, told.onSilence, answers);
  return new JwksVerifier(options, { codec, keys, users, devices, revocations }, rejections);
}
