import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { MissingTokenError } from '../contracts/errors';
import { RequestSession } from './authenticated-request';
import { type RouteAccess, routeAccessOf } from './decorators';
import { JwtKnoxStrategy } from './jwt-knox.strategy';
import { authenticateWith } from './passport-call';
import { requestLifetimeOf, requestOf, responseOf } from './request-context';
import { ErrorHeaders } from './error-headers.interceptor';
import { type RequestAuthentication, AuthenticationCache } from './authentication-cache';

/**
 * Lets a request in when it carries a valid access token of a live session. Sets `request.user` to the host's user and
 * `request.knox` to `{ session, claims }`. Extend it to find request and response in other kinds of context.
 */
@Injectable()
export class JwtKnoxGuard implements CanActivate {
  constructor(
    private readonly strategy: JwtKnoxStrategy,
    private readonly cache: AuthenticationCache,
    private readonly errorHeaders: ErrorHeaders,
  ) {}

  /** @throws MissingTokenError, InvalidTokenError, TokenExpiredError (401), InvalidRequestError (400), UnavailableError (503) */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.accessTo(context);
    if (access === 'public') return true;
    const request = this.getRequest(context);
    try {
      const authentication = await this.authenticate(context, request);
      request.user = authentication.user;
      request.knox = new RequestSession(authentication);
      return true;
    } catch (error) {
      if (access === 'optional' && error instanceof MissingTokenError) return admitAnonymous(context, request);
      this.errorHeaders.setForToken(this.getResponse(context), error);
      throw error;
    }
  }

  protected getRequest(context: ExecutionContext): any {
    return requestOf(context);
  }

  protected getResponse(context: ExecutionContext): any {
    return responseOf(context);
  }

  /** Whom the route lets in; the handler's own word goes before its class's. */
  protected accessTo(context: ExecutionContext): RouteAccess {
    return routeAccessOf(context);
  }

  private authenticate(context: ExecutionContext, request: unknown): Promise<RequestAuthentication> {
    // A context without a request of its own, such as a subscription's, carries no credential either.
    if (typeof request !== 'object' || request === null) throw new MissingTokenError();
    const lifetime = requestLifetimeOf(context, request);
    const known = lifetime && this.cache.get(lifetime, request);
    if (known) return known;
    const authentication = authenticateWith<RequestAuthentication>(this.strategy.name, request);
    if (lifetime) this.cache.set(lifetime, request, authentication);
    return authentication;
  }
}

/** Nobody was authenticated: whoever is in the request, another strategy or a middleware put there. */
function admitAnonymous(context: ExecutionContext, request: any): true {
  // The client of a WebSocket keeps what the host gave it when it connected.
  if (context.getType() === 'ws' || typeof request !== 'object' || request === null) return true;
  if (request.user !== undefined) request.user = undefined;
  if (request.knox !== undefined) request.knox = undefined;
  return true;
}
