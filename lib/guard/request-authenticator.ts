import { Injectable, Optional } from '@nestjs/common';
import type { TokenSession } from '../contracts/session';
import { OpenChannels } from '../sessions/open-channels';
import type { Authentication } from '../sessions/session-checker';
import { CredentialCheck } from './credential-check';
import { AuthenticationCache, type Found, type RequestAuthentication } from './authentication-cache';
import { ErrorHeaders } from './error-headers.interceptor';
import { RightsCheck } from './rights-check';
import { JwtKnoxStrategy } from './jwt-knox.strategy';
import { authenticateWith } from './passport-call';
import type { RequestContext } from './request-context';
import type { RouteRights } from './route-rights';

/**
 * Finds out who sends a request: what {@link JwtKnoxGuard} asks. One per module.
 * @example
 * export class OwnGuard extends JwtKnoxGuard {
 *   constructor(reader: RequestContextReader, authenticator: RequestAuthenticator) {
 *     super(reader, authenticator);
 *   }
 * }
 */
export abstract class RequestAuthenticator {
  /** Whether the transport wants to know which routes say `@AllowCrossOrigin()`. */
  abstract readonly checksOrigin: boolean;

  /** Whether memory may answer, but for routes that say `@Authoritative()`. */
  get recalls(): boolean {
    return false;
  }

  /**
   * Authenticates the request by its access token; once only for all guards of a request that has a lifetime.
   * @throws MissingTokenError, InvalidTokenError, TokenExpiredError (401), InvalidRequestError (400), UnavailableError (503)
   */
  abstract authenticate(
    context: RequestContext,
  ): Authentication<any, TokenSession> | Promise<Authentication<any, TokenSession>>;

  /**
   * Throws what a session lacks of what a route requires by `@Scopes`, `@AnyScope` and `@RequireFresh`.
   * @throws InsufficientScopeError (403), InsufficientUserAuthenticationError (401)
   */
  abstract requireRights(rights: RouteRights, session: TokenSession, context: RequestContext): void;

  /** Sets the headers that belong to an error that {@link authenticate} threw, such as `WWW-Authenticate`. */
  abstract setErrorHeaders(context: RequestContext, error: unknown): void;
}

/** By the module's Passport strategy. */
@Injectable()
export class PassportAuthenticator extends RequestAuthenticator {
  constructor(
    private readonly strategy: JwtKnoxStrategy,
    private readonly cache: AuthenticationCache,
    private readonly errorHeaders: ErrorHeaders,
    private readonly check: CredentialCheck,
    private readonly rights: RightsCheck,
    /** Not there in services that only verify. */
    @Optional() readonly channels?: OpenChannels,
  ) {
    super();
  }

  get checksOrigin(): boolean {
    return this.check.checksOrigin;
  }

  override get recalls(): boolean {
    return this.check.recalls;
  }

  authenticate(context: RequestContext): Found {
    const { request, lifetime, isAuthoritative } = context;
    // What was authenticated when it was opened, and is closed when that is over: no query for each message.
    const opened = this.channels?.currentOf(request);
    if (opened) return opened;
    // For each guard anew: of two handlers of one request, one may allow what the other refuses.
    if (lifetime && this.checksOrigin) this.check.admit(context);
    const known = lifetime && this.cache.get(lifetime, request, isAuthoritative);
    if (known) return known;
    const found = this.find(context);
    if (lifetime) this.cache.set(lifetime, request, found, isAuthoritative || !this.recalls);
    return found;
  }

  private find(context: RequestContext): Found {
    const recalled = this.recalls && !context.isAuthoritative ? this.check.recall(context) : undefined;
    return recalled ?? authenticateWith<RequestAuthentication>(this.strategy.name, context);
  }

  requireRights(rights: RouteRights, session: TokenSession, context: RequestContext): void {
    this.rights.require(rights, session, context);
  }

  setErrorHeaders({ request, response }: RequestContext, error: unknown): void {
    this.errorHeaders.setForToken(response, error, request);
  }
}
