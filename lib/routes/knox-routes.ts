import { applyDecorators, type CanActivate, SetMetadata, type Type, UseGuards, UseInterceptors } from '@nestjs/common';
import type { JwtKnoxRouteGuards } from '../options/route-options';
import { ErrorHeaders, NoStoreGuard } from '../guard/error-headers.interceptor';
import { Authoritative } from '../guard/decorators';
import { JwtKnoxGuard } from '../guard/jwt-knox.guard';

/** What says whether a token is good, as a guard would. */
export const TokenStatusRoute = (...guards: Type<CanActivate>[]) =>
  applyDecorators(UseGuards(NoStoreGuard, JwtKnoxGuard, ...guards), UseInterceptors(ErrorHeaders));

/**
 * What all other controllers of the library share; further guards run after the JwtKnoxGuard. Their path comes with the
 * subclass that the module makes of each. What they change, or show, is as the storage has it.
 */
export const JwtKnoxRoute = (...guards: Type<CanActivate>[]) =>
  applyDecorators(Authoritative(), TokenStatusRoute(...guards));

const GUARDED_AS = 'jwt-knox:guarded-as';

/** A feature's controller that does the work of one of the library's routes: your guards of that route run before it too. */
export const GuardedAs = (route: keyof JwtKnoxRouteGuards) => SetMetadata(GUARDED_AS, route);

/** The route whose guards run before a controller; undefined for none. */
export function guardedAs(controller: Type): keyof JwtKnoxRouteGuards | undefined {
  return Reflect.getMetadata(GUARDED_AS, controller);
}
