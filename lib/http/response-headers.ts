import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import { catchError, type Observable, throwError } from 'rxjs';
import {
  InvalidCredentialsError,
  MissingTokenError,
  StorageUnavailableError,
  UnauthorizedError,
} from '../contracts/errors';
import { responseOf } from './request-of';

const REALM = 'Bearer realm="jwt-knox"';
const LOG_INTERVAL_MS = 1_000;

/** Sets the headers that belong to an error: on Express and Fastify alike, before any exception filter answers. */
@Injectable()
export class ErrorHeaders implements NestInterceptor {
  private readonly logger = new Logger('JwtKnox');
  private lastLog = -LOG_INTERVAL_MS;

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        this.set(responseOf(context), error);
        return throwError(() => error);
      }),
    );
  }

  set(response: any, error: unknown): void {
    if (error instanceof UnauthorizedError) setHeader(response, 'WWW-Authenticate', challengeFor(error));
    if (error instanceof StorageUnavailableError) {
      setHeader(response, 'Retry-After', String(error.retryAfter));
      this.log(error);
    }
  }

  /** Once a second at most: an outage must not become a flood in the logs. */
  private log(error: StorageUnavailableError): void {
    const now = performance.now();
    if (now - this.lastLog < LOG_INTERVAL_MS) return;
    this.lastLog = now;
    this.logger.error(
      `Session storage unavailable: ${error.cause instanceof Error ? error.cause.message : 'unknown cause'}`,
    );
  }
}

/** RFC 6750 section 3: no error code when no token was sent. */
function challengeFor(error: UnauthorizedError): string {
  const tokenSent = !(error instanceof MissingTokenError || error instanceof InvalidCredentialsError);
  return tokenSent ? `${REALM}, error="invalid_token"` : REALM;
}

export function setHeader(response: any, name: string, value: string): void {
  // Express and Fastify both have `header(name, value)`; a context without a response has none.
  if (typeof response?.header === 'function') response.header(name, value);
  else response?.setHeader?.(name, value);
}
