import {
  applyDecorators,
  type CanActivate,
  RequestMethod,
  type Type,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { ErrorHeaders, NoStoreGuard } from '../guard/error-headers.interceptor';
import { JwtKnoxGuard } from '../guard/jwt-knox.guard';

/**
 * What all controllers of the library share; further guards run after the JwtKnoxGuard. Their path comes with the
 * subclass that the module makes of each.
 */
export const JwtKnoxRoute = (...guards: Type<CanActivate>[]) =>
  applyDecorators(UseGuards(NoStoreGuard, JwtKnoxGuard, ...guards), UseInterceptors(ErrorHeaders));

/** Where Nest serves a route of a controller: below the global prefix, unless the host excludes the route from it. */
export function servedPath(moduleRef: ModuleRef, method: RequestMethod, path: string): string {
  // Nest gives its configuration to nobody by injection.
  const config = moduleRef['container'].applicationConfig;
  const isExcluded = config
    ?.getGlobalPrefixOptions()
    .exclude?.some(
      (route) => [method, RequestMethod.ALL].includes(route.requestMethod) && new RegExp(route.pathRegex).test(path),
    );
  const prefix = isExcluded ? '' : (config?.getGlobalPrefix() ?? '');
  return `/${[...prefix.split('/'), ...path.split('/')].filter((part) => part !== '').join('/')}`;
}
