import { HttpException } from '@nestjs/common';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  InvalidCredentialsError,
  InvalidRefreshTokenError,
  InvalidRequestError,
  InvalidTokenError,
  JwtKnoxConfigurationError,
  JwtKnoxError,
  MissingTokenError,
  RefreshTokenExpiredError,
  RefreshTokenReusedError,
  SessionLimitReachedError,
  StorageUnavailableError,
  TokenExpiredError,
  TokenRejection,
  TooBusyError,
  UnauthorizedError,
  UnavailableError,
} from '../../../lib/contracts/errors';
import {
  ForbiddenError,
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
} from '../../../lib/contracts/rights-errors'; // prettier-ignore

const errors: [JwtKnoxError, number, string, string][] = [
  [new MissingTokenError(), 401, 'Unauthorized', 'missing_token'],
  [new InvalidTokenError('key_mismatch'), 401, 'Unauthorized', 'invalid_token'],
  [new TokenExpiredError(), 401, 'Unauthorized', 'token_expired'],
  [new InvalidCredentialsError(), 401, 'Unauthorized', 'invalid_credentials'],
  [new InvalidRefreshTokenError('key_mismatch'), 401, 'Unauthorized', 'invalid_refresh_token'],
  [new RefreshTokenExpiredError('session_expired'), 401, 'Unauthorized', 'refresh_token_expired'],
  [new RefreshTokenReusedError(), 401, 'Unauthorized', 'refresh_token_reused'],
  [new InvalidRequestError('The body must be JSON.'), 400, 'Bad Request', 'invalid_request'],
  [new InvalidRequestError('The body must be JSON.', 415), 415, 'Unsupported Media Type', 'invalid_request'],
  [new SessionLimitReachedError(), 403, 'Forbidden', 'session_limit_reached'],
  [new ForbiddenError(), 403, 'Forbidden', 'forbidden'],
  [new InsufficientScopeError(['a:b']), 403, 'Forbidden', 'insufficient_scope'],
  [new InsufficientUserAuthenticationError(60_000), 401, 'Unauthorized', 'insufficient_user_authentication'],
  [new StorageUnavailableError(), 503, 'Service Unavailable', 'storage_unavailable'],
  [new TooBusyError(), 503, 'Service Unavailable', 'too_busy'],
];
const cases = errors.map((row) => [`${row[0].name} ${row[1]}`, ...row] as const);

describe.each(cases)('%s', (_title, error, status, phrase, code) => {
  it('is an HttpException with a body of the documented shape', () => {
    expect(error).toBeInstanceOf(HttpException);
    expect(error).toBeInstanceOf(JwtKnoxError);
    expect(error.getStatus()).toBe(status);
    expect(error.getResponse()).toEqual({ statusCode: status, error: phrase, code, message: error.message });
  });

  it('carries status, code and name of its own, for mappers that know no HTTP', () => {
    expect([error.status, error.code, error.name]).toEqual([status, code, error.constructor.name]);
    expect(error.message).toMatch(/^[A-Z].*\.$/);
  });

  it('S11: tells nobody which check failed, however it is serialized', () => {
    const shown = [
      JSON.stringify(error),
      JSON.stringify({ ...error }),
      JSON.stringify(error.getResponse()),
      inspect(error.getResponse()),
      error.message,
    ];
    for (const text of shown) expect(text).not.toMatch(/key_mismatch|session_expired|replayed|reason/);
    expect(Object.keys(error)).not.toContain('reason');
  });
});

describe('the reason of a refusal', () => {
  it('is there for the host that asks for it', () => {
    expect(new InvalidTokenError('key_mismatch').reason).toBe('key_mismatch');
    expect(new TokenExpiredError().reason).toBe('expired');
    expect(new InvalidRefreshTokenError('algorithm').reason).toBe('algorithm');
    expect(new RefreshTokenExpiredError('session_expired').reason).toBe('session_expired');
    expect(new RefreshTokenReusedError().reason).toBe('reused');
  });

  it('is not there where no token was judged', () => {
    for (const error of [new MissingTokenError(), new InvalidCredentialsError()]) expect(error.reason).toBeUndefined();
  });

  it('cannot be rewritten', () => {
    const error = new InvalidTokenError('key_mismatch');
    expect(() => Object.assign(error, { reason: 'expired' })).toThrow(TypeError);
  });
});

describe('errors', () => {
  it('of credentials are all UnauthorizedErrors, and no others are', () => {
    for (const [error, status] of errors) expect(error instanceof UnauthorizedError).toBe(status === 401);
  });

  it('of the storage keep their cause for the log and out of the body', () => {
    const cause = new Error('password authentication failed for user "app"');
    const error = new StorageUnavailableError(cause);
    expect([error.cause, error.retryAfter]).toEqual([cause, 1]);
    expect(JSON.stringify(error.getResponse())).not.toContain('password authentication');
    expect(error.message).not.toContain('password authentication');
  });

  it('of a server that has too much to do say when to come again, in whole seconds', () => {
    expect(new TooBusyError()).toBeInstanceOf(UnavailableError);
    expect([new TooBusyError(), new TooBusyError(30), new TooBusyError(0.2), new TooBusyError(1.5)]).toMatchObject([
      { retryAfter: 1 },
      { retryAfter: 30 },
      { retryAfter: 1 },
      { retryAfter: 2 },
    ]);
  });

  it('of the configuration list every problem', () => {
    const error = new JwtKnoxConfigurationError(['one: wrong.', 'two: wrong.']);
    expect(error.message).toBe('JwtKnoxModule is misconfigured (2 problems):\n  - one: wrong.\n  - two: wrong.');
    expect(error).not.toBeInstanceOf(HttpException);
  });

  it('inside the library are no HttpExceptions: one that got out would be a 500, never an answer', () => {
    expect(new TokenRejection('header')).not.toBeInstanceOf(HttpException);
    expect(new TokenRejection('header')).toMatchObject({ reason: 'header', message: 'header', claims: undefined });
  });
});
