import { Injectable, type OnModuleInit, Scope } from '@nestjs/common';
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
@Injectable()
export class LateUserProvider extends UserProvider implements OnModuleInit {
  readonly #moduleRef: ModuleRef;
  #found: UserProvider | undefined;

  constructor(moduleRef: ModuleRef) {
    super();
    this.#moduleRef = moduleRef;
  }

  /** @throws JwtKnoxConfigurationError for what is no user provider */
  onModuleInit(): void {
    // One that is request-scoped cannot be looked up; the module tells of that.
    if (this.#moduleRef.introspect(OWN_USER_PROVIDER).scope !== Scope.DEFAULT) return;
    if (this.users instanceof UserProvider) return;
    const { name } = (Object(this.users) as object).constructor;
    throw new JwtKnoxConfigurationError([
      `userProvider: ${name} must extend UserProvider, which has the methods that it leaves out; write extends in place of implements.`,
    ]);
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

  override isActive(user: unknown): boolean {
    return this.users.isActive(user);
  }

  override isAdmin(user: unknown): boolean {
    return this.users.isAdmin(user);
  }

  override validSince(user: unknown) {
    return this.users.validSince(user);
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
