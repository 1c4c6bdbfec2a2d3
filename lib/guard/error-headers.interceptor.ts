import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  HttpException,
  HttpStatus,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common';
import { catchError, type Observable, throwError } from 'rxjs';
import {
  InvalidCredentialsError,
  InvalidRequestError,
  JwtKnoxError,
  MissingTokenError,
  StorageUnavailableError,
  TooBusyError,
  UnauthorizedError,
  UnavailableError,
} from '../contracts/errors';
import { line } from '../contracts/log-line';
import { InsufficientScopeError, InsufficientUserAuthenticationError } from '../contracts/rights-errors';
import { InvalidClientError } from '../contracts/oauth-errors';
import { BindingError, DPOP_ALGORITHMS } from '../contracts/binding-errors';
import { isDpopScheme, shownProofOf } from '../contracts/shown-proof';
import { SessionBinding } from '../sessions/session-binding';
import { ThrottledLogger } from '../sessions/throttled-logger';
import { readAndLeave, requestContextOf, RequestContextReader } from './request-context';

const CHALLENGE = 'WWW-Authenticate';
const REALM = 'Bearer realm="jwt-knox"';
type Challenge = readonly [beginning: string, end: string];

/** How a challenge of this scheme begins and ends. */
const BEARER: Challenge = [REALM, ''];
const DPOP: Challenge = ['DPoP realm="jwt-knox"', `, algs="${DPOP_ALGORITHMS}"`];

/** Sets the headers that belong to an error: on Express and Fastify alike, before any exception filter answers. */
@Injectable()
export class ErrorHeaders implements NestInterceptor {
  private readonly log = new ThrottledLogger('JwtKnox');

  /** @param binding not there where nothing is bound */
  constructor(@Optional() private readonly binding?: SessionBinding) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        const { response, request } = requestContextOf(context);
        this.set(response, error, request);
        return throwError(() => error);
      }),
    );
  }

  set(response: any, error: unknown, request?: any): void {
    const challenge = this.challengeFor(error, request);
    if (challenge !== null) setHeader(response, CHALLENGE, challenge);
    // One of the host's, who may have set a challenge of their own.
    else if (isUnauthorized(error) && !hasChallenge(response)) setHeader(response, CHALLENGE, REALM);
    if (error instanceof JwtKnoxError && error.headers) {
      for (const [name, values] of Object.entries(error.headers))
        for (const value of values) addHeader(response, name, value);
    }
    if (error instanceof UnavailableError) {
      setHeader(response, 'Retry-After', String(error.retryAfter));
      // Thrown by the host itself, in a flood: it must not keep an outage out of the log.
      if (error instanceof TooBusyError) return;
      if (error instanceof StorageUnavailableError)
        this.log.write('error', line('storage-unavailable', 'Session storage unavailable'), error);
      else this.log.write('error', line('issuer-unavailable', 'Issuer of the tokens unavailable'), error);
    }
  }

  /** The same for an access token that is not let in; how it was sent may be what is wrong (RFC 6750 section 3.1). */
  setForToken(response: any, error: unknown, request?: any): void {
    forbidStoring(response);
    this.set(response, error, request);
    if (error instanceof InvalidRequestError) setHeader(response, CHALLENGE, `${REALM}, error="invalid_request"`);
  }

  /** By a scheme that would help: the one of the token, or that of DPoP where a proof is missing (RFC 9449 section 7.1). */
  private challengeFor(error: unknown, request: any): string | null {
    if (error instanceof InvalidClientError) return 'Basic realm="jwt-knox"';
    const isOfKey = error instanceof UnauthorizedError && (error instanceof BindingError || error.reason === 'binding');
    const isDpop = isOfKey || isDpopScheme(request?.headers?.authorization);
    const scheme = isDpop && this.binding?.takesDpop ? DPOP : BEARER;
    if (error instanceof InsufficientScopeError) {
      return challengeOf(scheme, `"insufficient_scope", scope="${error.scopes.join(' ')}"`);
    }
    return error instanceof UnauthorizedError ? challengeOf(scheme, challengeCodeOf(error)) : null;
  }
}

/** First of all guards of the library's routes, so that no cache keeps what they answer, refusals included. */
@Injectable()
export class NoStoreGuard implements CanActivate {
  constructor(private readonly reader: RequestContextReader) {}

  canActivate(context: ExecutionContext): boolean {
    forbidStoring(readAndLeave(context, this.reader).response);
    return true;
  }
}

/**
 * Before the host's guards of a route: a 401 of theirs carries a challenge, theirs or else ours. No interceptor sees what a
 * guard throws, and no filter can pass it on to the host's own filters, so it is added when the answer leaves.
 */
@Injectable()
export class HostChallenge implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { response } = requestContextOf(context);
    const raw = response.raw ?? response;
    const { writeHead } = raw;
    raw.writeHead = (status: number, ...rest: unknown[]) => {
      if (status === HttpStatus.UNAUTHORIZED && !hasChallenge(response)) raw.setHeader(CHALLENGE, REALM);
      return writeHead.call(raw, status, ...rest);
    };
    return true;
  }
}

function challengeOf([realm, algorithms]: Challenge, code: string | null): string {
  return code === null ? `${realm}${algorithms}` : `${realm}, error=${code}${algorithms}`;
}

/** RFC 6750 section 3: no error code when no token was sent. */
function challengeCodeOf(error: UnauthorizedError): string | null {
  if (error instanceof InsufficientUserAuthenticationError) {
    return `"insufficient_user_authentication", max_age="${error.maxAge}"`;
  }
  if (error instanceof BindingError) return `"${error.code}"`;
  return error instanceof MissingTokenError || error instanceof InvalidCredentialsError ? null : '"invalid_token"';
}

/** A nonce that is about to be too old is followed by the next one (RFC 9449 section 8.2). */
export function offerNonce(response: any, request: any): void {
  const nonce = shownProofOf(request)?.nextNonce;
  if (nonce !== undefined) setHeader(response, 'DPoP-Nonce', nonce);
}

function forbidStoring(response: any): void {
  setHeader(response, 'Cache-Control', 'no-store');
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof HttpException && error.getStatus() === (HttpStatus.UNAUTHORIZED as number);
}

function hasChallenge(response: any): boolean {
  return response?.getHeader?.(CHALLENGE) !== undefined;
}

/** Adds a header of which there may be several: `Set-Cookie`. */
export function addHeader(response: any, name: string, value: string): void {
  // Express has `append`; Fastify's `header` adds where the name is Set-Cookie.
  if (typeof response?.append === 'function') response.append(name, value);
  else if (typeof response?.header === 'function') response.header(name, value);
  else response?.setHeader?.(name, [response.getHeader(name) ?? []].flat().concat(value));
}

/** Says that an answer depends on a header of the request (RFC 9110 section 12.5.5). */
export function addVary(response: any, header: string): void {
  if (typeof response?.getHeader !== 'function') return;
  const known: unknown = response.getHeader('Vary');
  // The usual case: nobody has said so yet, or this library has.
  if (known === header) return;
  if (known === undefined) return setHeader(response, 'Vary', header);
  const present = [known].flat().join(', ');
  const names = present.toLowerCase().split(/\s*,\s*/);
  if (names.includes('*') || names.includes(header.toLowerCase())) return;
  setHeader(response, 'Vary', present === '' ? header : `${present}, ${header}`);
}

export function setHeader(response: any, name: string, value: string): void {
  // Express and Fastify both have `header(name, value)`; a context without a response has none.
  if (typeof response?.header === 'function') response.header(name, value);
  else response?.setHeader?.(name, value);
}
