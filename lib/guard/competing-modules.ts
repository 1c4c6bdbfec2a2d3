import { Logger } from '@nestjs/common';
import { type ModuleRef, ModulesContainer } from '@nestjs/core';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { SessionRepository } from '../contracts/session.repository';

type NestModule = ReturnType<ModulesContainer['get']> & object;

/** How far a module of the library scopes into its application. */
export class ModuleScope {
  readonly isGlobal: boolean;
  readonly guardsAll: boolean;
  /** For messages. */
  readonly title: string;

  constructor(
    readonly moduleName: string,
    extras: { isGlobal?: boolean; guard?: string; realm?: string },
  ) {
    this.isGlobal = extras.isGlobal ?? true;
    this.guardsAll = extras.guard === 'global';
    this.title = extras.realm ? `${moduleName} of realm '${extras.realm}'` : moduleName;
  }
}

/** Warns of modules that get in each other's way: once for an application, though each of them calls it at the start. */
export function warnOfCompetingModules(moduleRef: ModuleRef): void {
  const scopes = modulesOf(moduleRef).map(scopeOf);
  if (scopes[0] !== moduleRef.get(ModuleScope)) return;
  const logger = new Logger('JwtKnox');
  const globals = scopes.filter(({ isGlobal }) => isGlobal);
  if (globals.length > 1) {
    logger.warn(
      `${globals.length} modules of nestjs-jwt-knox are global (${titlesOf(globals)}): JwtKnoxGuard, and everything else ` +
        'that several of them export, is the one of the first. If you want one module, call forRoot once, in your root ' +
        'module. If you want several, write isGlobal: false for all but one, and import each of these in the modules ' +
        'that use it.',
    );
  }
  const guards = scopes.filter(({ guardsAll }) => guardsAll);
  if (guards.length > 1) {
    logger.warn(
      `guard: 'global' is set for ${guards.length} modules (${titlesOf(guards)}): a request has to pass the guards of all ` +
        "of them. Write guard: 'global' for one, and @UseGuards(JwtKnoxGuard) on the routes of the others.",
    );
  }
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
        'the user of the other who has the same id. If you want one module, call forRoot once, in your root module, or ' +
        "import what it returned. If you have several tables of users, set another realm for each, such as realm: 'customers'.",
    ],
    name,
  );
}

/**
 * Refuses two modules that mount the same routes at the same place: only those of the first would be served.
 * @throws JwtKnoxConfigurationError
 */
export function requireOwnRoutes(moduleRef: ModuleRef, name: string): void {
  const routes = modulesOf(moduleRef).flatMap(({ controllers }) => Array.from(controllers.values(), routeOf));
  const twice = routes.find(({ base, path }, index) =>
    routes.slice(0, index).some((other) => other.base === base && other.path === path),
  );
  if (!twice) return;
  const remedy = twice.path.startsWith('.well-known')
    ? 'set routes.jwks in one of them and give both the same keys, and with routes.oauth in both, set routes.metadata: false in one'
    : "set another routes.prefix in one of them, such as 'customers', or routes: false";
  throw new JwtKnoxConfigurationError(
    [`routes: two modules mount the same routes below /${twice.path}, and only one of them would be served; ${remedy}.`],
    name,
  );
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

/** The modules of the library in one application. */
function modulesOf(moduleRef: ModuleRef): NestModule[] {
  const modules = moduleRef.get(ModulesContainer, { strict: false });
  return [...modules.values()].filter((one) => (one.providers.get(ModuleScope)?.instance as unknown) instanceof ModuleScope);
}

function scopeOf(module: NestModule): ModuleScope {
  return module.providers.get(ModuleScope)!.instance as ModuleScope;
}

function titlesOf(scopes: ModuleScope[]): string {
  return scopes.map(({ title }) => title).join(', ');
}
