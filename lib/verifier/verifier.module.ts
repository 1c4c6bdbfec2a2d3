import {
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Provider,
  Scope,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, ModuleRef } from '@nestjs/core';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import { TokenTransport } from '../contracts/token-transport';
import { UserProvider } from '../contracts/user-provider';
import { JwtCodec } from '../tokens/jwt-codec';
import { Keyring } from '../tokens/keyring';
import { isWeakClientSecret } from '../tokens/secret-check';
import { generateId } from '../tokens/token-key';
import { JwtKnoxGuard } from '../guard/jwt-knox.guard';
import { AuthenticationCache } from '../guard/authentication-cache';
import { createJwtKnoxStrategy, JwtKnoxStrategy } from '../guard/jwt-knox.strategy';
import { ModuleScope, warnOfCompetingModules } from '../guard/competing-modules';
import { ErrorHeaders } from '../guard/error-headers.interceptor';
import { BearerTransport } from '../guard/bearer.transport';
import {
  type AsyncVerifierRoot,
  ConfigurableVerifierClass,
  VERIFIER_OPTIONS_TOKEN,
  type VerifierRoot,
} from './verifier.module-definition';
import { JWT_KNOX_OPTIONS } from '../options/resolve-options';
import { type ResolvedVerifierOptions, resolveVerifierOptions } from './resolve-verifier-options';
import type { JwtKnoxVerifierExtras, JwtKnoxVerifierOptions, VerifierMode } from './verifier.options';
import { storageOf } from '../typeorm/typeorm.storage';
import { TokenRejections } from '../sessions/rejections';
import { AccessTokenVerifier } from '../sessions/access-token.verifier';
import { SessionChecker } from '../sessions/session-checker';
import { TokenVerifier } from '../sessions/token-verifier';
import { IntrospectionClient } from './introspection-client';
import { IntrospectionVerifier } from './introspection.verifier';
import { JwksVerifier } from './jwks.verifier';
import { LocalUsers } from './local-users';
import { loadJose } from './load-jose';
import { AnswerCache } from './answer-cache';
import { RemoteKeys } from './remote-keys';

const GUARD = [JwtKnoxGuard, AuthenticationCache, ErrorHeaders];

/**
 * The guard of another application's access tokens: for a service that lets in the users of a `JwtKnoxModule` which runs
 * elsewhere. `mode` says how it finds out whether a token is good.
 */
@Module({})
export class JwtKnoxVerifierModule extends ConfigurableVerifierClass implements OnModuleInit, OnApplicationBootstrap {
  /** Hidden: whoever prints it prints the whole application. */
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    super();
    this.#moduleRef = moduleRef;
  }

  static override forRoot(options: VerifierRoot): DynamicModule {
    return assemble(super.forRoot(options), options);
  }

  static override forRootAsync(options: AsyncVerifierRoot): DynamicModule {
    return assemble(super.forRootAsync(options), options);
  }

  /** Refuses what would make a strategy, and the services behind it, anew with every request. */
  onModuleInit(): void {
    if (this.#moduleRef.introspect(TokenVerifier as unknown as Type).scope === Scope.DEFAULT) return;
    throw new JwtKnoxConfigurationError(
      ['userProvider or sessionRepository: is request-scoped, or injects what is; make it a singleton.'],
      'JwtKnoxVerifierModule',
    );
  }

  onApplicationBootstrap(): void {
    warnOfCompetingModules(this.#moduleRef);
  }
}

function assemble(definition: DynamicModule, extras: JwtKnoxVerifierExtras): DynamicModule {
  const { imports, providers } = extras.mode === 'shared-database' ? sharedDatabase(extras) : remote(extras.mode);
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ...imports],
    providers: [
      ...(definition.providers ?? []),
      ...optionProviders(extras),
      ...providers,
      JwtCodec,
      JwtKnoxEvents,
      TokenRejections,
      ...GUARD,
      { provide: ModuleScope, useValue: new ModuleScope('JwtKnoxVerifierModule', extras) },
      {
        provide: JwtKnoxStrategy,
        useFactory: (verifier: TokenVerifier, transport: TokenTransport) =>
          createJwtKnoxStrategy(verifier, transport, `jwt-knox-verifier-${generateId()}`),
        inject: [TokenVerifier, TokenTransport],
      },
      ...(extras.userProvider ? [{ provide: UserProvider, useExisting: extras.userProvider }] : []),
      ...(extras.guard === 'global' ? [{ provide: APP_GUARD, useExisting: JwtKnoxGuard }] : []),
    ],
    exports: [TokenVerifier, JwtKnoxEvents, JwtKnoxStrategy, TokenRejections, ...GUARD],
  };
}

function optionProviders(extras: JwtKnoxVerifierExtras): Provider[] {
  const hasKeys = extras.mode === 'shared-database';
  return [
    {
      provide: Keyring,
      useFactory: (options?: JwtKnoxVerifierOptions) =>
        hasKeys ? Keyring.load(options ?? {}, { signing: false, publishing: false }) : Keyring.none(),
      inject: [VERIFIER_OPTIONS_TOKEN],
    },
    {
      provide: JWT_KNOX_OPTIONS,
      useFactory: (options: JwtKnoxVerifierOptions, keyring: Keyring) =>
        resolveVerifierOptions(options, extras, [...keyring.problems, ...clientProblems(options)]),
      inject: [VERIFIER_OPTIONS_TOKEN, Keyring],
    },
    {
      provide: TokenTransport,
      useFactory: (options: ResolvedVerifierOptions) => options.transport ?? new BearerTransport(),
      inject: [JWT_KNOX_OPTIONS],
    },
  ];
}

function clientProblems(options?: JwtKnoxVerifierOptions): string[] {
  const secret: unknown = options?.client?.secret;
  return typeof secret === 'string' && secret !== '' && isWeakClientSecret(secret)
    ? ['client: the secret is published, a placeholder or can be guessed; give the issuer a client with another one.']
    : [];
}

interface Parts {
  imports: DynamicModule[];
  providers: Provider[];
}

function sharedDatabase(extras: JwtKnoxVerifierExtras): Parts {
  const { imports, provider } = storageOf(extras, false);
  const verifier = { provide: TokenVerifier, useExisting: AccessTokenVerifier };
  return { imports, providers: [provider, SessionChecker, AccessTokenVerifier, verifier] };
}

function remote(mode: VerifierMode): Parts {
  const users = {
    provide: LocalUsers,
    useFactory: ({ storageTimeout }: ResolvedVerifierOptions, provider?: UserProvider) =>
      new LocalUsers(provider, storageTimeout),
    inject: [JWT_KNOX_OPTIONS, { token: UserProvider, optional: true }],
  };
  const useFactory = mode === 'jwks' ? createJwksVerifier : createIntrospectionVerifier;
  const inject = [JWT_KNOX_OPTIONS, JwtCodec, LocalUsers, TokenRejections];
  return { imports: [], providers: [users, { provide: TokenVerifier, useFactory, inject }] };
}

async function createJwksVerifier(
  options: ResolvedVerifierOptions,
  codec: JwtCodec,
  users: LocalUsers,
  rejections: TokenRejections,
): Promise<TokenVerifier> {
  const keys = new RemoteKeys(await loadJose(), options.remoteKeys!);
  // The first request finds them; an issuer that is down does not hold up the start.
  keys.load().catch(() => undefined);
  return new JwksVerifier(options, codec, keys, users, rejections);
}

function createIntrospectionVerifier(
  options: ResolvedVerifierOptions,
  codec: JwtCodec,
  users: LocalUsers,
  rejections: TokenRejections,
): TokenVerifier {
  const { cacheTtl, cacheSize } = options.introspection!;
  const answers = new AnswerCache<{ expiresAt: number }>(cacheTtl, cacheSize);
  const client = new IntrospectionClient(options.introspection!);
  return new IntrospectionVerifier(options, codec, client, answers, users, rejections);
}
