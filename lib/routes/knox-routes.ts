import { applyDecorators, type CanActivate, type Type, UseGuards, UseInterceptors } from '@nestjs/common';
import { ErrorHeaders, NoStoreGuard } from '../guard/error-headers.interceptor';
import { JwtKnoxGuard } from '../guard/jwt-knox.guard';

/**
 * What all controllers of the library share; further guards run after the JwtKnoxGuard. Their path comes with the
 * subclass that the module makes of each.
 */
export const JwtKnoxRoute = (...guards: Type<CanActivate>[]) =>
  applyDecorators(UseGuards(NoStoreGuard, JwtKnoxGuard, ...guards), UseInterceptors(ErrorHeaders));
