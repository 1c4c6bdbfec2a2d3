import type { Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TokenTransport } from '../contracts/token-transport';
import type { JwtKnoxExtras } from '../options/options';
import { SessionRenewals } from '../sessions/session-renewals';
import { TokenVerifier } from '../sessions/token-verifier';
import { generateId } from '../tokens/token-key';
import { AuthenticationCache } from './authentication-cache';
import { CredentialCheck } from './credential-check';
import { ErrorHeaders } from './error-headers.interceptor';
import { RightsCheck } from './rights-check';
import { JwtKnoxGuard } from './jwt-knox.guard';
import { createJwtKnoxStrategy, JwtKnoxStrategy } from './jwt-knox.strategy';
import { ModuleScope } from './nest-application';
import { PassportAuthenticator, RequestAuthenticator } from './request-authenticator';
import { RequestContextReader } from './request-context';

/** What a guard needs wherever a host names it. */
export const GUARD_EXPORTS = [JwtKnoxStrategy, JwtKnoxGuard, RequestAuthenticator, RequestContextReader];

type GuardExtras = Pick<JwtKnoxExtras, 'contextReader' | 'guard' | 'isGlobal'>;

/**
 * The guard of one module, and what it asks: a strategy of its own that hands tokens to the module's `TokenVerifier`.
 * @param module its name, and what the name of its strategy begins with
 */
export function guardProviders(extras: GuardExtras, module: { name: string; strategy: string }): Provider[] {
  const { contextReader, guard } = extras;
  return [
    JwtKnoxGuard,
    AuthenticationCache,
    ErrorHeaders,
    RightsCheck,
    { provide: RequestContextReader, useClass: contextReader ?? RequestContextReader },
    { provide: RequestAuthenticator, useClass: PassportAuthenticator },
    { provide: ModuleScope, useValue: new ModuleScope(module.name, extras) },
    {
      provide: CredentialCheck,
      useFactory: (verifier: TokenVerifier, transport: TokenTransport, renewals?: SessionRenewals) =>
        new CredentialCheck(verifier, transport, renewals),
      inject: [TokenVerifier, TokenTransport, { token: SessionRenewals, optional: true }],
    },
    {
      provide: JwtKnoxStrategy,
      useFactory: (check: CredentialCheck, transport: TokenTransport) =>
        createJwtKnoxStrategy(check, transport, `${module.strategy}-${generateId()}`),
      inject: [CredentialCheck, TokenTransport],
    },
    ...(guard === 'global' ? [{ provide: APP_GUARD, useExisting: JwtKnoxGuard }] : []),
  ];
}
