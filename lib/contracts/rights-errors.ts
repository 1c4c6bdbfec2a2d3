import { HttpStatus } from '@nestjs/common';
import { JwtKnoxError, UnauthorizedError } from './errors';

export class ForbiddenError extends JwtKnoxError {
  constructor(message = 'This needs an administrator.') {
    super('forbidden', HttpStatus.FORBIDDEN, 'Forbidden', message);
  }
}

/** The session may not do this (RFC 6750 section 3.1): its scopes do not cover what the route requires. */
export class InsufficientScopeError extends JwtKnoxError {
  /** @param scopes what the route requires: all of them, or one of several that it lists */
  constructor(readonly scopes: readonly string[]) {
    const message = `The access token may not do this; it needs the scope ${scopes.join(' ')}.`;
    super('insufficient_scope', HttpStatus.FORBIDDEN, 'Forbidden', message);
  }
}

/** The user proved their credentials too long ago for this (RFC 9470): `POST reauthenticate`, then try again. */
export class InsufficientUserAuthenticationError extends UnauthorizedError {
  /** How long ago the proof may be, in whole seconds. */
  readonly maxAge: number;

  /** @param maxAge in milliseconds */
  constructor(maxAge: number) {
    super('insufficient_user_authentication', 'Prove your credentials again: the last proof is too old for this.');
    this.maxAge = Math.floor(maxAge / 1_000);
  }
}
