import { Inject, Injectable, Logger } from '@nestjs/common';
import { RefreshTokenReusedError } from '../contracts/errors';
import { type JwtKnoxEventMap, JwtKnoxEvents, type RetryReason } from '../contracts/events';
import { cleanPresenter, type Presenter } from '../contracts/device';
import { line } from '../contracts/log-line';
import { type Session, type SessionRecord, sessionOf } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { SessionRevoker } from './session-revoker';

/** Tells of what refreshes did. */
@Injectable()
export class RefreshEvents {
  private readonly logger = new Logger('SessionRefresher');

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly events: JwtKnoxEvents,
    private readonly revoker: SessionRevoker,
  ) {}

  refreshed(
    session: Session,
    user: unknown,
    decision: JwtKnoxEventMap['session.refreshed']['decision'],
    presenter: Presenter,
  ): void {
    const rotated = decision === 'rotate';
    this.events.emit('session.refreshed', { session, user, rotated, decision, presenter: this.told(presenter) });
  }

  /** A used refresh token was answered once more: by rule, or because it was stolen and the owner comes late. */
  retried(record: SessionRecord, why: RetryReason, presenter: Presenter): void {
    const rotatedBy = { userAgent: record.lastUserAgent, ip: record.lastIpAddress };
    const session = sessionOf(record);
    this.events.emit('refresh.retried', { session, why, presenter: this.told(presenter), rotatedBy });
  }

  /** A session was ended because its used refresh token came again; returns the error to throw. */
  replayed(record: SessionRecord, presenter: Presenter): RefreshTokenReusedError {
    const { id } = record;
    this.logger.warn(
      line(
        'refresh-token-reused',
        `A used refresh token of session ${id} was presented again: the session has been ended.`,
      ),
    );
    this.events.emit('refresh.reused', { session: sessionOf(record), presenter: this.told(presenter) });
    this.revoker.announceOne(record, { reason: 'reused' });
    return new RefreshTokenReusedError();
  }

  endedInactive({ sessionId, userId }: { sessionId: string; userId: string }): void {
    this.revoker.announceOne({ id: sessionId, userId }, { reason: 'user_inactive' });
  }

  private told(presenter: Presenter): Presenter {
    return cleanPresenter(presenter, this.options.session.ipAddress);
  }
}
