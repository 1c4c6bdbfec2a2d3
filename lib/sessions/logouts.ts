import { Injectable } from '@nestjs/common';
import {
  InvalidRefreshTokenError,
  InvalidTokenError,
  MissingTokenError,
  RefreshTokenExpiredError,
  TokenExpiredError,
} from '../contracts/errors';
import type { Presenter } from '../contracts/device';
import type { RevocationReason } from '../contracts/events';
import type { Session, SessionRecord } from '../contracts/session';
import { AccessTokenVerifier } from './access-token.verifier';
import type { RequestDeadline } from './request-deadline';
import { SessionRenewals } from './session-renewals';
import { SessionRevoker } from './session-revoker';

/** The tokens that a logout may come with. */
interface Shown {
  readonly access: string | null;
  readonly refresh: string | null;
}

/** Ends a session by one of its tokens: the proof of the key is enough, whoever its user is by now. */
@Injectable()
export class Logouts {
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly renewals: SessionRenewals,
    private readonly revoker: SessionRevoker,
  ) {}

  async logout(shown: Shown, presenter: Presenter): Promise<void> {
    const deadline = this.revoker.newDeadline();
    const { id, userId } = await this.find('logout', shown, () => this.sessionToEnd(shown, presenter, deadline));
    await this.revoker.one(id, userId, { reason: 'logout', actor: { userId, sessionId: id }, deadline });
  }

  /**
   * Ends the session whose place a login has taken in the same browser. Whoever has copied its cookies can bring that about,
   * by a login of their own, and no more: who it was, the event says.
   * @throws UnauthorizedError where it has ended already, or this does not come from its device
   */
  async replace(refreshToken: string, by: Pick<Session, 'id' | 'userId'>, presenter: Presenter): Promise<void> {
    const deadline = this.revoker.newDeadline();
    const shown = { access: null, refresh: refreshToken };
    const find = () => this.renewals.findToEnd(refreshToken, presenter, { deadline, use: 'replace' });
    const { id, userId } = await this.find('replaced', shown, find);
    await this.revoker.one(id, userId, {
      reason: 'replaced',
      actor: { userId: by.userId, sessionId: by.id },
      deadline,
    });
  }

  private find(reason: RevocationReason, shown: Shown, find: () => Promise<SessionRecord>): Promise<SessionRecord> {
    return find().catch((error: unknown) => this.afterItsEnd(reason, error, shown));
  }

  private async sessionToEnd(
    { access, refresh }: Shown,
    presenter: Presenter,
    deadline: RequestDeadline,
  ): Promise<SessionRecord> {
    if (access !== null) {
      try {
        return await this.verifier.findToEnd(access, presenter, deadline);
      } catch (error) {
        if (refresh === null || !isReplaceable(error)) throw error;
      }
    }
    if (refresh === null) throw new MissingTokenError();
    return this.renewals.findToEnd(refresh, presenter, { deadline, use: 'logout' });
  }

  private async afterItsEnd(reason: RevocationReason, error: unknown, { access, refresh }: Shown): Promise<never> {
    this.revoker.refused({ reason }, error);
    await this.revoker.settledIfEnded((error as { reason?: string }).reason, () => {
      const isOfRefresh = error instanceof InvalidRefreshTokenError || error instanceof RefreshTokenExpiredError;
      const { sid } = this.verifier.show((isOfRefresh ? refresh : access)!);
      return typeof sid === 'string' ? sid : undefined;
    });
    throw error;
  }
}

/** Whether a refresh token may stand in for the access token: when that was good, but is no longer, or not here. */
function isReplaceable(error: unknown): boolean {
  return error instanceof TokenExpiredError || (error instanceof InvalidTokenError && error.reason === 'audience');
}
