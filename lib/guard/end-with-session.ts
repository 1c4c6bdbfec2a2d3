import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  Optional,
  UseInterceptors,
} from '@nestjs/common';
import { type Observable, Subject, takeUntil, tap } from 'rxjs';
import { InvalidTokenError, TokenExpiredError, JwtKnoxConfigurationError } from '../contracts/errors';
import type { Session } from '../contracts/session';
import { USUAL_TERMS } from '../sessions/channel-terms';
import type { ChannelEnd } from '../sessions/open-channel';
import type { OpenChannels } from '../sessions/open-channels';
import { RequestSession } from './authenticated-request';
import { cutLater, isGone } from './raw-answer';
import { PassportAuthenticator, RequestAuthenticator } from './request-authenticator';
import { requestContextOf } from './request-context';

const WITHOUT_MODULE =
  '@EndWithSession(): needs JwtKnoxModule, whose sessions it listens to; import it with forRoot(…).';
const OTHER_MODULE =
  '@EndWithSession(): the guard of this route is of another module than its sessions; import one JwtKnoxModule in the ' +
  'module of this controller.';

/** Ends an answer that is still being written when its session does, or 30 s after the token that opened it has expired. */
@Injectable()
export class EndWithSessionInterceptor implements NestInterceptor {
  private readonly channels: OpenChannels;

  /** @param authenticator what the guard of the route asks, too */
  constructor(@Optional() authenticator?: RequestAuthenticator) {
    const channels = authenticator instanceof PassportAuthenticator ? authenticator.channels : undefined;
    if (!channels) throw new JwtKnoxConfigurationError([WITHOUT_MODULE], 'EndWithSession');
    this.channels = channels;
    channels.watch();
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { request, response } = requestContextOf(context);
    const knox: unknown = request?.knox;
    const raw = response?.raw ?? response;
    // Nobody is logged in: there is no session that it could end with.
    if (!(knox instanceof RequestSession) || typeof raw?.once !== 'function') return next.handle();
    const session = knox.session as Session;
    if (session.realm !== this.channels.realm) throw new JwtKnoxConfigurationError([OTHER_MODULE], 'EndWithSession');
    const answer = new Answer(raw);
    const shown = { user: request.user, session, claims: knox.claims };
    const channel = this.channels.open(shown, RequestSession.tokenEndOf(knox), USUAL_TERMS, (end) => answer.end(end));
    raw.once('close', () => this.channels.leave(channel));
    // Who left while the guard looked leaves nothing open.
    if (isGone(raw)) this.channels.leave(channel);
    return next
      .handle()
      .pipe(
        takeUntil(answer.ended),
        tap({ complete: () => (answer.isHandled = true), next: () => (answer.hasValue = true) }),
      );
  }
}

/** An answer under way. */
class Answer {
  readonly ended = new Subject<void>();
  isHandled = false;
  hasValue = false;

  constructor(
    private readonly raw: { readonly headersSent: boolean; readonly writableFinished: boolean; destroy(): void },
  ) {}

  end(end: ChannelEnd): void {
    if (this.isHandled) return this.raw.destroy();
    // Nothing has been said yet: a refusal still can be.
    if (!this.hasValue && !this.raw.headersSent) {
      const isExpired = end === 'token_expired';
      return this.ended.error(isExpired ? new TokenExpiredError() : new InvalidTokenError('session_not_found'));
    }
    this.ended.next();
    cutLater(this.raw);
  }
}

/**
 * Ends what a route sends when its session ends: server-sent events are completed, and what is still being written is cut
 * off. It ends too 30 seconds after the access token that opened it has expired; `EventSource` comes back by itself then.
 * @example
 * `class News { @Sse() @UseGuards(JwtKnoxGuard) @EndWithSession() watch() { return interval(1_000).pipe(map((n) => ({ data: n }))); } }`
 */
export const EndWithSession = () => applyDecorators(UseInterceptors(EndWithSessionInterceptor));
