import { type OnModuleInit, type Provider, Scope } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { Session } from '../contracts/session';
import { type Credentials, type ExcludeFromDeadline, UserProvider } from '../contracts/user-provider';

/** Where a module keeps your user provider itself. */
export const OWN_USER_PROVIDER = Symbol('jwt-knox.own-user-provider');

/**
 * Your user provider, looked up when it is first asked: it may inject what injects `TokenService`. As a dependency it would
 * close a circle, in which Nest 11 ends the process without a word.
 */
export class LateUserProvider extends UserProvider implements OnModuleInit {
  readonly #moduleRef: ModuleRef;
  readonly #module: string;
  #found: UserProvider | undefined;

  /** @param module the name of the module, for messages */
  constructor(moduleRef: ModuleRef, module: string) {
    super();
    this.#moduleRef = moduleRef;
    this.#module = module;
  }

  /** @throws JwtKnoxConfigurationError for what is no user provider */
  onModuleInit(): void {
    // One that is request-scoped cannot be looked up; the module tells of that.
    if (this.#moduleRef.introspect(OWN_USER_PROVIDER).scope !== Scope.DEFAULT) return;
    if (this.users instanceof UserProvider) return;
    const { name } = (Object(this.users) as object).constructor;
    throw new JwtKnoxConfigurationError(
      [
        `userProvider: ${name} must extend UserProvider, which has the methods that it leaves out; write extends in place of implements.`,
      ],
      this.#module,
    );
  }

  validateCredentials(credentials: Credentials, request: any, exclude: ExcludeFromDeadline): Promise<any> {
    return this.users.validateCredentials(credentials, request, exclude);
  }

  findById(id: string): Promise<any> {
    return this.users.findById(id);
  }

  override getId(user: unknown): string {
    return this.users.getId(user);
  }

  override getUsername(user: unknown): string | null {
    return this.users.getUsername(user);
  }

  override isActive(user: unknown): boolean {
    return this.users.isActive(user);
  }

  override isAdmin(user: unknown): boolean {
    return this.users.isAdmin(user);
  }

  override validSince(user: unknown) {
    return this.users.validSince(user);
  }

  override snapshot(user: unknown): object | null {
    return this.users.snapshot(user);
  }

  override isUnavailable(error: unknown): boolean {
    return this.users.isUnavailable(error);
  }

  override onLogin(user: unknown, session: Session): void | Promise<void> {
    return this.users.onLogin(user, session);
  }

  private get users(): UserProvider {
    return (this.#found ??= this.#moduleRef.get<UserProvider>(OWN_USER_PROVIDER));
  }
}

/** Binds the user provider that a module is configured with, if any. */
export function userProviders(userProvider: unknown, module: string): Provider[] {
  // What is no class is told with all other problems.
  if (typeof userProvider !== 'function') return [{ provide: OWN_USER_PROVIDER, useValue: null }];
  return [
    { provide: OWN_USER_PROVIDER, useExisting: userProvider },
    {
      provide: UserProvider,
      useFactory: (moduleRef: ModuleRef) => new LateUserProvider(moduleRef, module),
      inject: [ModuleRef],
    },
  ];
}
