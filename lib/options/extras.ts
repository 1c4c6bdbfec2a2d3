import type { DynamicModule } from '@nestjs/common';
import type { SessionStorage } from '../contracts/session-storage';
import { checkClientRoute, checkRevocations } from './client-routes';
import { featureProblems } from './features';
import { millisecondsOf } from './duration';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options';
import type { JwtKnoxLoginRoute, JwtKnoxRouteGuards } from './route-options';
import { userProviderProblems } from './user-provider-problems';

/** Former names of what the extra `storage` holds, with what to write instead. */
export const MOVED_TO_STORAGE = {
  dataSource: "storage: typeOrm({ dataSource }) of 'nestjs-jwt-knox/typeorm'",
  sessionEntity: "storage: typeOrm({ entity }) of 'nestjs-jwt-knox/typeorm'",
  sessionUser: "storage: typeOrm({ entity, userRelation }) of 'nestjs-jwt-knox/typeorm'",
  preparedStatements: "storage: typeOrm({ preparedStatements }) of 'nestjs-jwt-knox/typeorm'",
  sessionRepository: 'storage: { imports?, inject: [YourRepository], useFactory: (repository) => repository }',
};

/** Every extra with its default: what is not a key here is taken for an option. */
export const EXTRAS = {
  isGlobal: true,
  realm: '',
  imports: undefined,
  userProvider: undefined,
  storage: undefined,
  routes: undefined,
  guard: undefined,
  contextReader: undefined,
  loginGuards: undefined,
  features: undefined,
} satisfies Record<keyof JwtKnoxExtras, unknown>;
/** What the body of a login holds beside the username. */
const TAKEN_MEMBERS = ['password', 'device_name', 'remember'];
const ROUTE_SWITCHES = ['session', 'tokens', 'admin', 'oauth', 'metadata', 'jwks', 'revocations', 'debug'];

/** The routes with their defaults. */
export function routesOf(given: JwtKnoxExtras['routes'], loginGuards?: unknown) {
  const routes = given === false ? { session: false } : (given ?? {});
  const {
    prefix = 'auth',
    session = true,
    tokens = false,
    admin = false,
    oauth = false,
    jwks = false,
    revocations = false,
    debug = false,
  } = routes;
  const usernameField = (Object(routes.login) as JwtKnoxLoginRoute).usernameField ?? 'username';
  const { metadata = oauth } = routes;
  const freshness = routes.freshness === undefined ? null : millisecondsOf(routes.freshness);
  const hasLoginGuards = guardsIn(loginGuards).length > 0;
  return {
    prefix,
    session,
    tokens,
    admin,
    oauth,
    metadata,
    jwks,
    revocations,
    debug,
    usernameField,
    freshness,
    hasLoginGuards,
  };
}

/** What both modules make of the extras that say where they are and what they see. */
export function withPlacement(
  definition: DynamicModule,
  extras: Pick<JwtKnoxExtras, 'isGlobal' | 'imports'>,
): DynamicModule {
  return {
    ...definition,
    global: extras.isGlobal ?? true,
    // Nest 11 leaves the imports of the async form in the definition, the sync form's are an extra.
    imports: [...(definition.imports ?? extras.imports ?? [])],
  };
}

/** Notes what is wrong with the extras, by themselves and beside the options. */
export function checkExtras(problems: string[], extras: JwtKnoxExtras, options: Partial<JwtKnoxOptions>): void {
  const routes = extras.routes === false ? null : (extras.routes ?? {});
  checkRoutes(problems, routes);
  checkRouteGuards(problems, extras);
  checkLogin(problems, extras);
  problems.push(...userProviderProblems(extras.userProvider));
  if (extras.loginGuards !== undefined && !isGuardList(extras.loginGuards)) {
    problems.push('loginGuards: must be a list of guards, classes or instances.');
  }
  if (extras.loginGuards?.length && !extras.userProvider) {
    problems.push('loginGuards: need a userProvider, which returns the id of the user; set userProvider.');
  }
  if (extras.loginGuards?.length && !routesOf(extras.routes).session) {
    problems.push('loginGuards: have no effect without routes.session; enable that, or leave loginGuards out.');
  }
  if (routes?.tokens && !(extras.userProvider && routesOf(routes).session)) {
    problems.push(
      'routes.tokens: needs a userProvider and routes.session, which let users prove who they are; set both.',
    );
  }
  if (routes?.admin && !extras.userProvider) {
    problems.push('routes.admin: needs a userProvider whose isAdmin(user) returns who may use it; set userProvider.');
  }
  if (routes?.oauth) checkClientRoute(problems, 'routes.oauth', options);
  if (routes?.revocations) {
    checkClientRoute(problems, 'routes.revocations', options);
    checkRevocations(problems, extras);
  }
  if (routes?.metadata && !routes.oauth) {
    problems.push('routes.metadata: has no effect without routes.oauth; enable that, or leave metadata out.');
  }
  problems.push(...storageProblems(extras.storage), ...featureProblems(extras, options));
  if (extras.guard !== undefined && extras.guard !== 'manual' && extras.guard !== 'global') {
    problems.push("guard: must be 'manual' or 'global'.");
  }
  if (extras.contextReader !== undefined && typeof extras.contextReader?.prototype?.read !== 'function') {
    problems.push('contextReader: must be a class that extends RequestContextReader.');
  }
}

function checkRoutes(problems: string[], routes: unknown): void {
  if (routes === null) return;
  if (typeof routes !== 'object') {
    problems.push('routes: must be an object, or false for no routes.');
    return;
  }
  const { prefix, guards: _guards, login: _login, freshness, ...switches } = routes as Record<string, unknown>;
  if (freshness !== undefined && !millisecondsOf(freshness)) {
    problems.push("routes.freshness: not a duration of more than zero; set seconds or a string such as '10m'.");
  }
  if (prefix !== undefined && !isPlainPath(prefix)) {
    problems.push("routes.prefix: must be a plain path such as 'auth' or 'api/auth'.");
  }
  for (const [name, value] of Object.entries(switches)) {
    if (!ROUTE_SWITCHES.includes(name)) {
      problems.push(
        `routes.${name}: no such option; known are prefix, ${ROUTE_SWITCHES.join(', ')}, freshness, guards, login.`,
      );
    } else if (value !== undefined && typeof value !== 'boolean') {
      problems.push(`routes.${name}: must be true or false.`);
    }
  }
}

function checkLogin(problems: string[], { routes, userProvider, loginGuards }: JwtKnoxExtras): void {
  const login: unknown = routes ? routes.login : undefined;
  if (login === undefined) return;
  const { usernameField, ...others } = Object(login) as Record<string, unknown>;
  if (typeof login !== 'object' || login === null || Object.keys(others).length > 0) {
    problems.push("routes.login: must be an object such as { usernameField: 'email' }.");
  }
  if (usernameField === undefined) return;
  const isName = typeof usernameField === 'string' && /^[A-Za-z]\w{0,63}$/.test(usernameField);
  if (!isName || TAKEN_MEMBERS.includes(usernameField) || usernameField in {}) {
    problems.push("routes.login.usernameField: must be a name of its own in the body, such as 'email'.");
  } else if (!userProvider || loginGuards?.length || !routesOf(routes).session) {
    problems.push('routes.login.usernameField: has no effect, the route that reads it is not mounted; leave it out.');
  }
}

/** Whether the routes of their names are mounted: a guard of another one would be ignored. */
function checkRouteGuards(problems: string[], { routes, userProvider }: JwtKnoxExtras): void {
  const guards: unknown = routes && routes.guards;
  if (guards === undefined || guards === false) return;
  if (typeof guards !== 'object' || guards === null) {
    problems.push('routes.guards: must be an object of lists of guards, by route.');
    return;
  }
  const { session, oauth } = routesOf(routes);
  const mounted: Record<string, boolean> = {
    login: session && userProvider !== undefined,
    refresh: session,
    logout: session,
    reauthenticate: session && userProvider !== undefined,
    introspect: oauth,
    revoke: oauth,
  };
  for (const [name, list] of Object.entries(guards)) {
    if (!Object.hasOwn(mounted, name)) {
      problems.push(`routes.guards.${name}: no such route; known are ${Object.keys(mounted).join(', ')}.`);
    } else if (list !== undefined && !isGuardList(list)) {
      problems.push(`routes.guards.${name}: must be a list of guards, classes or instances.`);
    } else if (list?.length && !mounted[name]) {
      problems.push(
        `routes.guards.${name}: has no effect, the route is not mounted; mount it, or leave its guards out.`,
      );
    }
  }
}

/** A guard of the host's, before a route. */
export type RouteGuard = NonNullable<JwtKnoxRouteGuards['login']>[number];

/** The guards of a list; none where it is malformed, which is told with all other problems. */
export function guardsIn(list: unknown): readonly RouteGuard[] {
  return isGuardList(list) ? list : [];
}

function isGuardList(list: unknown): list is RouteGuard[] {
  return Array.isArray(list) && list.every(isGuard);
}

function isGuard(guard: unknown): boolean {
  return typeof guard === 'function' || typeof (Object(guard) as { canActivate?: unknown }).canActivate === 'function';
}

function isPlainPath(path: unknown): path is string {
  return typeof path === 'string' && /^[\w./~-]*$/.test(path);
}

/** What is wrong with the extra `storage` itself. */
export function storageProblems(storage: unknown): string[] {
  if (storage === undefined || typeof (Object(storage) as SessionStorage).useFactory === 'function') return [];
  return [
    'storage: must be { imports?, inject?, useFactory }, as typeOrm() of nestjs-jwt-knox/typeorm and inMemory() of ' +
      'nestjs-jwt-knox/testing return it. For your own repository, write { useFactory: () => repository }.',
  ];
}

/** What stands beside the extras of `forRootAsync`. */
const ASYNC_NAMES = ['useFactory', 'useClass', 'useExisting', 'inject', 'provideInjectionTokensFrom'];

/**
 * What is given to `forRootAsync` and is no extra: Nest would ignore it.
 * @param renamed what to write in place of names that were extras once
 */
export function strayProblems(given: object, extras: object, renamed: Readonly<Record<string, string>>): string[] {
  const strays = Object.keys(given).filter((name) => !Object.hasOwn(extras, name) && !ASYNC_NAMES.includes(name));
  return strays.map((name) => {
    const remedy = Object.hasOwn(renamed, name) ? `write ${renamed[name]} instead.` : 'return it from the factory.';
    return `${name}: no such extra; ${remedy}`;
  });
}
