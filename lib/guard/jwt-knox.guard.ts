import { type CanActivate, type ExecutionContext, Injectable, Optional } from '@nestjs/common';
import { JwtKnoxConfigurationError, MissingTokenError } from '../contracts/errors';
import { line } from '../contracts/log-line';
import { ThrottledLogger } from '../sessions/throttled-logger';
import { RequestSession } from './authenticated-request';
import { allowsCrossOrigin, canChange } from './cross-origin';
import { isAuthoritative, type RouteAccess, routeAccessOf } from './decorators';
import { RequestAuthenticator } from './request-authenticator';
import { contradictsPublic, routeRightsOf } from './route-rights';
import {
  hasHeaders,
  isToldByNest,
  leaveReader,
  missingRequestIn,
  readAndLeave,
  RequestContextReader,
} from './request-context';

const WITHOUT_MODULE =
  'JwtKnoxGuard: no module provides what it needs; import JwtKnoxModule.forRoot(…) in your root module, or, with ' +
  'isGlobal: false, in each module that uses the guard.';

const PUBLIC_WITH_RIGHTS =
  'A route is @Public() and asks for scopes or a fresh login: leave @Public() out, or @Scopes, @AnyScope and @RequireFresh.';

/**
 * Lets a request in when it carries a valid access token of a live session. Sets `request.user` to your user and
 * `request.knox` to `{ session, claims }`. Write `@UseGuards(JwtKnoxGuard)` on a controller or a handler, or set the
 * extra `guard: 'global'`.
 * @example
 * `class Notes { @Get() @UseGuards(JwtKnoxGuard) mine(@CurrentUser() user: User) {} }`
 */
@Injectable()
export class JwtKnoxGuard implements CanActivate {
  private readonly log = new ThrottledLogger('JwtKnox');

  // Optional, to say what is missing: Nest would only name what this class injects.
  constructor(
    @Optional() private readonly reader: RequestContextReader,
    @Optional() private readonly authenticator: RequestAuthenticator,
  ) {
    if (!reader || !authenticator) throw new JwtKnoxConfigurationError([WITHOUT_MODULE], 'JwtKnoxGuard');
  }

  /**
   * @throws MissingTokenError, InvalidTokenError, TokenExpiredError (401), InvalidRequestError (400), UnavailableError (503);
   * InsufficientScopeError (403) and InsufficientUserAuthenticationError (401) where the route asks for more
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.accessTo(context);
    if (access === 'public') {
      if (contradictsPublic(context)) {
        const error = new TypeError(PUBLIC_WITH_RIGHTS);
        throw await readAndLeave(context, this.reader).refusalOf(error);
      }
      // Your own decorators may ask for the request there.
      leaveReader(context, this.reader);
      return true;
    }
    const found = readAndLeave(context, this.reader);
    const { request } = found;
    try {
      // A context without a request of its own, such as a subscription's, carries no credential either.
      if (typeof request !== 'object' || request === null) throw missingRequestIn(context);
      if (this.authenticator.checksOrigin && canChange(request) && allowsCrossOrigin(context))
        found.allowsCrossOrigin = true;
      if (this.authenticator.recalls && isAuthoritative(context)) found.isAuthoritative = true;
      const authentication = await this.authenticator.authenticate(found);
      const rights = routeRightsOf(context);
      if (rights) this.authenticator.requireRights(rights, authentication.session, found);
      request.user = authentication.user;
      request.knox = new RequestSession(authentication);
      return true;
    } catch (error) {
      if (access === 'optional' && error instanceof MissingTokenError && !routeRightsOf(context))
        return admitAnonymous(context, request);
      this.authenticator.setErrorHeaders(found, error);
      const isUnread = error instanceof MissingTokenError && !hasHeaders(context, request);
      throw await found.refusalOf(isUnread ? this.missingIn(context) : error);
    }
  }

  private missingIn(context: ExecutionContext): MissingTokenError {
    const error = missingRequestIn(context);
    if (!isToldByNest(context)) this.log.write('warn', line('message-refused', 'A message was refused'), error);
    return error;
  }

  /** Whom the route lets in; the handler's own decorator goes before its class's. */
  protected accessTo(context: ExecutionContext): RouteAccess {
    return routeAccessOf(context);
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
