import { Scope, type Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { JwtKnoxConfigurationError } from '../contracts/errors';

/**
 * Refuses what would make a strategy, and the services behind it, anew with every request.
 * @param token what needs the user provider and the storage, directly or through others
 * @throws JwtKnoxConfigurationError
 */
export function requireSingletons(moduleRef: ModuleRef, token: Type | symbol, name: string): void {
  if (moduleRef.introspect(token).scope === Scope.DEFAULT) return;
  throw new JwtKnoxConfigurationError(
    [
      'userProvider and storage: must not be request-scoped, directly or through a dependency; make both singletons. Only ' +
        'validateCredentials receives the request. What findById needs of it, such as a tenant, must be part of the user id.',
    ],
    name,
  );
}
