import { HttpStatus } from '@nestjs/common';
import { JwtKnoxError } from './errors';

/** Who asks is no configured client, or did not prove it (RFC 6749 section 5.2). */
export class InvalidClientError extends JwtKnoxError {
  constructor() {
    super(
      'invalid_client',
      HttpStatus.UNAUTHORIZED,
      'invalid_client',
      'Client authentication failed: send the id and secret of a configured client by HTTP Basic.',
    );
  }
}

/** The client proved who it is, and may not do this (RFC 6749 section 5.2, which has 400 for it). */
export class UnauthorizedClientError extends JwtKnoxError {
  /** @param right what its `may` would have to list */
  constructor(right: string) {
    super(
      'unauthorized_client',
      HttpStatus.BAD_REQUEST,
      'unauthorized_client',
      `This client may not do that: the configuration of the issuer must list '${right}' in its \`may\`.`,
    );
  }
}

/** A refresh asked for a token for a service that its session is not for (RFC 8707 section 2). Nothing was used up. */
export class InvalidTargetError extends JwtKnoxError {
  constructor() {
    super(
      'invalid_target',
      HttpStatus.BAD_REQUEST,
      'invalid_target',
      'The session is not for that resource: ask for one of its audiences, or leave resource out.',
    );
  }
}
