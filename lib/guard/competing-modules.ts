import { Logger } from '@nestjs/common';
import { type ModuleRef, ModulesContainer } from '@nestjs/core';
import { line } from '../contracts/log-line';

type NestModule = ReturnType<ModulesContainer['get']> & object;

/** How far a module of the library reaches into its application. */
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
      line(
        'several-global-modules',
        `${globals.length} modules of nestjs-jwt-knox are global (${titlesOf(globals)}): JwtKnoxGuard, and everything else ` +
          'that several of them export, is the one of the first. If you want one module, call forRoot once, in your root ' +
          'module. If you want several, write isGlobal: false for all but one, and import each of these in the modules ' +
          'that use it.',
      ),
    );
  }
  const guards = scopes.filter(({ guardsAll }) => guardsAll);
  if (guards.length > 1) {
    logger.warn(
      line(
        'several-global-guards',
        `guard: 'global' is set for ${guards.length} modules (${titlesOf(guards)}): a request has to pass the guards of all ` +
          "of them. Write guard: 'global' for one, and @UseGuards(JwtKnoxGuard) on the routes of the others.",
      ),
    );
  }
}

/** The modules of the library in one application. */
export function modulesOf(moduleRef: ModuleRef): NestModule[] {
  const modules = moduleRef.get(ModulesContainer, { strict: false });
  return [...modules.values()].filter(
    (one) => (one.providers.get(ModuleScope)?.instance as unknown) instanceof ModuleScope,
  );
}

export function scopeOf(module: NestModule): ModuleScope {
  return module.providers.get(ModuleScope)!.instance as ModuleScope;
}

function titlesOf(scopes: ModuleScope[]): string {
  return scopes.map(({ title }) => title).join(', ');
}
