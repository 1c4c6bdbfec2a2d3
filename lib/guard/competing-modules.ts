import { Logger } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { line } from '../contracts/log-line';
import { type ModuleScope, modulesOf, scopeOf, speaksForAll } from './nest-application';

/** Warns of modules that get in each other's way: once for an application, though each of them calls it at the start. */
export function warnOfCompetingModules(moduleRef: ModuleRef): void {
  if (!speaksForAll(moduleRef)) return;
  const scopes = modulesOf(moduleRef).map(scopeOf);
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

function titlesOf(scopes: ModuleScope[]): string {
  return scopes.map(({ title }) => title).join(', ');
}
