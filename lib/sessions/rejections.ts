import { Inject, Injectable } from '@nestjs/common';
import {
  InvalidRefreshTokenError,
  InvalidTokenError,
  RefreshTokenExpiredError,
  TokenExpiredError,
  TokenRejection,
} from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import { cleanPresenter, type Presenter } from '../contracts/device';
import type { TokenType } from '../tokens/token-header';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { RejectionLog } from './rejection-log';

/**
 * Turns refused tokens into what a caller may know of them; the precise reason goes to `authentication.rejected` and to
 * the log.
 */
@Injectable()
export class TokenRejections {
  private readonly log = new RejectionLog();

  constructor(
    private readonly events: JwtKnoxEvents,
    @Inject(JWT_KNOX_OPTIONS) readonly options: Pick<ResolvedOptions, 'realm' | 'session'>,
  ) {}

  /** The error to throw; any error but a TokenRejection comes back as it is. */
  toHttpError(error: unknown, tokenType: TokenType, presenter: Presenter = {}): unknown {
    if (!(error instanceof TokenRejection)) return error;
    this.log.write(tokenType, error);
    const { reason, claims } = error;
    const { sessionId = null, userId = null } = claims ?? {};
    this.events.emit('authentication.rejected', {
      reason,
      tokenType,
      sessionId,
      userId,
      presenter: cleanPresenter(presenter, this.options.session.ipAddress),
    });
    if (tokenType === 'access') return reason === 'expired' ? new TokenExpiredError() : new InvalidTokenError(reason);
    if (reason === 'expired' || reason === 'session_expired') return new RefreshTokenExpiredError(reason);
    return new InvalidRefreshTokenError(reason);
  }
}
