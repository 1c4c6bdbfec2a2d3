import { Inject, Injectable } from '@nestjs/common';
import { cleanPresenter } from '../contracts/device';
import { type ForbiddenReason, JwtKnoxEvents } from '../contracts/events';
import type { TokenSession } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { pathOf, type RequestContext } from './request-context';

/** Tells events of sessions that wanted what they may not (OWASP ASVS 5.0, 16.3.2). */
@Injectable()
export class ForbiddenAccess {
  constructor(
    private readonly events: JwtKnoxEvents,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Pick<ResolvedOptions, 'session'>,
  ) {}

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
