import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { catchError, type Observable, throwError } from 'rxjs';
import {
  InvalidClientError,
  InvalidCredentialsError,
  MissingTokenError,
  StorageUnavailableError,
  UnauthorizedError,
  UnavailableError,
} from '../contracts/errors';
import { OccasionalLog } from '../tokens/occasional-log';
import { responseOf } from './request-of';

const REALM = 'Bearer realm="jwt-knox"';

/** Sets the headers that belong to an error: on Express and Fastify alike, before any exception filter answers. */
@Injectable()
export class ErrorHeaders implements NestInterceptor {
  private readonly log = new OccasionalLog('JwtKnox');

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
    if (error instanceof InvalidClientError) setHeader(response, 'WWW-Authenticate', 'Basic realm="jwt-knox"');
    if (error instanceof UnavailableError) {
      const what = error instanceof StorageUnavailableError ? 'Session storage' : 'Issuer of the tokens';
      setHeader(response, 'Retry-After', String(error.retryAfter));
      this.log.write('error', `${what} unavailable`, error);
    }
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
