import { Inject, Injectable } from '@nestjs/common';
import { cleanPresenter } from '../contracts/device';
import { type ForbiddenReason, JwtKnoxEvents } from '../contracts/events';
import { ForbiddenError, InsufficientScopeError } from '../contracts/rights-errors';
import type { TokenSession } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { pathOf, type RequestContext } from './request-context';
import { lackOf, type RouteRights } from './route-rights';

/** Whether sessions may do what they want; tells events of those that may not (OWASP ASVS 5.0, 16.3.2). */
@Injectable()
export class RightsCheck {
  constructor(
    private readonly events: JwtKnoxEvents,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Pick<ResolvedOptions, 'session' | 'clock'>,
  ) {}

  /** @throws InsufficientScopeError, ForbiddenError (403), InsufficientUserAuthenticationError (401) */
  require(rights: RouteRights, session: TokenSession, context: RequestContext): void {
    const error = lackOf(rights, session, this.options.clock.now());
    if (!error) return;
    if (error instanceof InsufficientScopeError) this.report(context, session, 'scope');
    if (error instanceof ForbiddenError) this.report(context, session, 'kind');
    throw error;
  }

  report({ request, presenter }: RequestContext, { id, userId, actorId }: TokenSession, reason: ForbiddenReason): void {
    // A message has neither.
    const isHttp = typeof request?.method === 'string';
    this.events.emit('access.forbidden', {
      userId,
      sessionId: id,
      presenter: cleanPresenter(presenter, this.options.session.ipAddress),
      actorId,
      method: isHttp ? request.method : null,
      path: isHttp ? pathOf(request) : null,
      reason,
    });
  }
}
