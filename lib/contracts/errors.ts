import { HttpException, HttpStatus } from '@nestjs/common';

/** The stable error codes of the HTTP contract. */
export type JwtKnoxErrorCode =
  | 'missing_token'
  | 'invalid_token'
  | 'token_expired'
  | 'invalid_request'
  | 'invalid_credentials'
  | 'invalid_client'
  | 'unauthorized_client'
  | 'invalid_target'
  | 'invalid_refresh_token'
  | 'refresh_token_expired'
  | 'refresh_token_reused'
  | 'session_limit_reached'
  | 'forbidden'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'binding_required'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'cross_origin_refused'
  | 'storage_unavailable'
  | 'issuer_unavailable'
  | 'too_busy';

/** Which check refused a token. Told to events and logs, never to the caller. */
export type RejectionReason =
  | 'malformed'
  | 'header'
  | 'unknown_key'
  | 'algorithm'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'realm'
  | 'audience'
  | 'expired'
  | 'not_active'
  | 'session_not_found'
  | 'key_mismatch'
  | 'user_mismatch'
  | 'session_expired'
  | 'user_not_found'
  | 'user_inactive'
  | 'credentials_outdated'
  | 'user_agent_mismatch'
  | 'actor_ended'
  | 'binding'
  | 'kind'
  | 'reused';

/**
 * A refused token, inside the library: thrown by the checks, turned into one of the errors below at the door.
 * Callers never meet it.
 */
export class TokenRejection extends Error {
  /** @param claims what the token said of its session, where its signature held */
  constructor(
    readonly reason: RejectionReason,
    readonly claims?: { readonly sessionId: string; readonly userId: string },
  ) {
    super(reason);
    this.name = 'TokenRejection';
  }
}

// HttpException declares `status` private; at run time it is the plain property that `JwtKnoxError.status` promises.
const HttpError = HttpException as unknown as new (
  body: object,
  status: number,
  options?: { cause?: unknown },
) => Error & { getStatus(): number; getResponse(): string | object };

/**
 * Base of every error the library throws at run time: an HttpException, so you need no filter.
 * @example
 * if (error instanceof JwtKnoxError && error.code === 'token_expired') socket.close(4401, 'refresh');
 */
export abstract class JwtKnoxError extends HttpError {
  /** The HTTP status. */
  declare readonly status: number;
  /** Stable, to be matched by clients. */
  readonly code: JwtKnoxErrorCode;
  /** Headers that the answer needs, by name; a list is sent as one header each. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;

  protected constructor(code: JwtKnoxErrorCode, status: number, error: string, message: string, cause?: unknown) {
    const body = { statusCode: status, error, code, message };
    // RFC 6749 section 5.2: what OAuth clients read, beside what all others do.
    super(error === code ? { ...body, error_description: message } : body, status, { cause });
    this.code = code;
    this.name = new.target.name;
    this.message = message;
  }
}

/** A 401: the base of all that has to do with credentials. */
export abstract class UnauthorizedError extends JwtKnoxError {
  /** Which check failed, where a token was sent. Not part of the response. */
  readonly reason?: RejectionReason;

  protected constructor(code: JwtKnoxErrorCode, message: string, reason?: RejectionReason) {
    super(code, HttpStatus.UNAUTHORIZED, 'Unauthorized', message);
    // Not enumerable, so that no serializer carries it to a caller.
    Object.defineProperty(this, 'reason', { value: reason });
  }
}

export class MissingTokenError extends UnauthorizedError {
  constructor(message = 'Authentication is required: send an access token.') {
    super('missing_token', message);
  }
}

export class InvalidTokenError extends UnauthorizedError {
  constructor(reason: RejectionReason) {
    super('invalid_token', 'The access token is not valid.', reason);
  }
}

export class TokenExpiredError extends UnauthorizedError {
  constructor() {
    super('token_expired', 'The access token has expired.', 'expired');
  }
}

export class InvalidCredentialsError extends UnauthorizedError {
  constructor() {
    super('invalid_credentials', 'The credentials are not valid.');
  }
}

export class InvalidRefreshTokenError extends UnauthorizedError {
  constructor(reason: RejectionReason) {
    super('invalid_refresh_token', 'The refresh token is not valid.', reason);
  }
}

export class RefreshTokenExpiredError extends UnauthorizedError {
  constructor(reason: RejectionReason = 'expired') {
    super('refresh_token_expired', 'The refresh token has expired.', reason);
  }
}

/** A refresh token was used again after its successor: the session is ended (RFC 9700 section 4.14.2). */
export class RefreshTokenReusedError extends UnauthorizedError {
  constructor() {
    super('refresh_token_reused', 'The refresh token was used before; its session has been ended.', 'reused');
  }
}

const BAD_REQUESTS = {
  [HttpStatus.BAD_REQUEST]: 'Bad Request',
  [HttpStatus.PAYLOAD_TOO_LARGE]: 'Payload Too Large',
  [HttpStatus.UNSUPPORTED_MEDIA_TYPE]: 'Unsupported Media Type',
} as const;

export class InvalidRequestError extends JwtKnoxError {
  constructor(
    message: string,
    status:
      | HttpStatus.BAD_REQUEST
      | HttpStatus.PAYLOAD_TOO_LARGE
      | HttpStatus.UNSUPPORTED_MEDIA_TYPE = HttpStatus.BAD_REQUEST,
    error: string = BAD_REQUESTS[status],
  ) {
    super('invalid_request', status, error, message);
  }
}

export class SessionLimitReachedError extends JwtKnoxError {
  constructor() {
    super(
      'session_limit_reached',
      HttpStatus.FORBIDDEN,
      'Forbidden',
      'The limit of simultaneous sessions is reached; end one first.',
    );
  }
}

/** A 503: what this depends on does not answer, or not in time. Try again in `retryAfter` seconds. */
export abstract class UnavailableError extends JwtKnoxError {
  protected constructor(
    code: JwtKnoxErrorCode,
    message: string,
    cause?: unknown,
    /** Whole seconds, sent as `Retry-After` (RFC 9110 section 10.2.3). */
    readonly retryAfter = 1,
  ) {
    super(code, HttpStatus.SERVICE_UNAVAILABLE, 'Service Unavailable', message, cause);
  }
}

/** The storage did not answer, or not in time. The cause stays in `cause`. */
export class StorageUnavailableError extends UnavailableError {
  constructor(cause?: unknown) {
    super('storage_unavailable', 'The session storage is not available; try again shortly.', cause);
  }
}

/** A verifier's issuer did not answer, not in time, or not as it should. The cause stays in `cause`. */
export class IssuerUnavailableError extends UnavailableError {
  constructor(cause?: unknown) {
    super('issuer_unavailable', 'The token cannot be checked at the moment; try again shortly.', cause);
  }
}

/**
 * The application has too much to do. For your own code to throw: a user provider that bounds how many passwords it
 * hashes at once, for example.
 * @example
 * if (queue.length > 32) throw new TooBusyError(5); // 503 with `Retry-After: 5`
 */
export class TooBusyError extends UnavailableError {
  /** @param retryAfter seconds until another attempt may succeed; rounded up, at least 1 */
  constructor(retryAfter = 1) {
    const seconds = Math.max(1, Math.ceil(retryAfter));
    super('too_busy', 'The server has too much to do; try again shortly.', undefined, seconds);
  }
}

/**
 * The module was configured wrongly. Thrown at start-up, with every problem and its remedy in one message; and by a login
 * (500) for a column of your own that must not be null and is not given.
 * @example
 * await expect(start()).rejects.toBeInstanceOf(JwtKnoxConfigurationError);
 */
export class JwtKnoxConfigurationError extends Error {
  constructor(
    readonly problems: readonly string[],
    moduleName = 'JwtKnoxModule',
  ) {
    super(
      `${moduleName} is misconfigured (${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}):\n` +
        problems.map((problem) => `  - ${problem}`).join('\n'),
    );
    this.name = 'JwtKnoxConfigurationError';
  }
}
