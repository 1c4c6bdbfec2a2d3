import type { Provider } from '@nestjs/common';
import type { JwtKnoxExtras } from '../options/options';
import { AuthenticationCache } from './authentication-cache';
import { ErrorHeaders } from './error-headers.interceptor';
import { JwtKnoxGuard } from './jwt-knox.guard';
import { PassportAuthenticator, RequestAuthenticator } from './request-authenticator';
import { RequestContextReader } from './request-context';

/** What a guard needs wherever a host names it. */
export const GUARD_EXPORTS = [JwtKnoxGuard, RequestAuthenticator, RequestContextReader];

/** The guard of one module, and what it asks. */
export function guardProviders({ contextReader }: Pick<JwtKnoxExtras, 'contextReader'>): Provider[] {
  return [
    JwtKnoxGuard,
    AuthenticationCache,
    ErrorHeaders,
    { provide: RequestContextReader, useClass: contextReader ?? RequestContextReader },
    { provide: RequestAuthenticator, useClass: PassportAuthenticator },
  ];
}
