import type { Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';
import { modulesOf, scopeOf } from './nest-application';

/**
 * Refuses what two modules of this name must not share. Asked before Nest mounts routes, which it does before it calls
 * hooks; and of a module that is loaded when the application runs already, Nest calls none.
 */
export function conflictCheck(name: string): Provider {
  return {
    provide: Symbol('JWT_KNOX_CONFLICTS'),
    useFactory: (moduleRef: ModuleRef) => {
      requireOwnRoutes(moduleRef, name);
      requireRealms(moduleRef, name);
    },
    inject: [ModuleRef, SessionRepository],
  };
}

/**
 * Refuses two modules that would take each other's users for their own: both start and end sessions in one table, and
 * nothing tells whose they are. A user of the one would be the user of the other who has the same id.
 * @param name of the modules that keep sessions; those that only read them may share a table with the one that does
 * @throws JwtKnoxConfigurationError
 */
export function requireRealms(moduleRef: ModuleRef, name: string): void {
  const repositories = modulesOf(moduleRef)
    .filter((one) => scopeOf(one).moduleName === name)
    .map((one) => one.providers.get(SessionRepository)?.instance as unknown)
    // A test may have put anything in its place; and one that is still being made asks when it is.
    .filter((one) => one instanceof SessionRepository && Object.hasOwn(one, 'realm')) as SessionRepository[];
  const isShared = repositories.some((one, index) => repositories.slice(0, index).some((other) => share(one, other)));
  if (!isShared) return;
  throw new JwtKnoxConfigurationError(
    [
      'realm: two modules store their sessions in one table and do not differ in their realm: a user of the one would be ' +
        'the user of the other who has the same id. If you want one module, call forRoot once, in your root module. If you ' +
        "have several tables of users, set another realm for each, such as realm: 'customers'.",
    ],
    name,
  );
}

/**
 * Refuses two modules that mount the same routes at the same place: only those of the first would be served.
 * @throws JwtKnoxConfigurationError
 */
function requireOwnRoutes(moduleRef: ModuleRef, name: string): void {
  const routes = modulesOf(moduleRef).flatMap(({ controllers }) => Array.from(controllers.values(), routeOf));
  const twice = routes.find(({ base, path }, index) =>
    routes.slice(0, index).some((other) => other.base === base && other.path === path),
  );
  if (!twice) return;
  const problem = twice.path.startsWith('.well-known')
    ? `routes: two modules serve /${twice.path}, and only those routes of one would be reached. Give both the same keys and ` +
      'set routes.jwks in one of them; with routes.oauth in both, set routes.metadata: false in one.'
    : `routes: two modules mount the same routes below /${twice.path}, and only those of one would be reached. If you want ` +
      'one module, call forRoot once, in your root module. If you have several tables of users, set another routes.prefix ' +
      'for each, and another realm.';
  throw new JwtKnoxConfigurationError([problem], name);
}

/** A controller of a module is a subclass of the library's, or of a feature's. */
function routeOf({ metatype }: { metatype: unknown }): { base: unknown; path: string } {
  return { base: Object.getPrototypeOf(metatype), path: String(Reflect.getMetadata('path', metatype as object)) };
}

/** Without regard to case, as some databases compare text. */
function share(one: SessionRepository, other: SessionRepository): boolean {
  if (one.realm.toLowerCase() !== other.realm.toLowerCase()) return false;
  const [here, there] = [one.location(), other.location()];
  return here.length === there.length && here.every((member, index) => member === there[index]);
}
