import { epochOf, type Moment } from '../contracts/clock';
import { Inject, Injectable } from '@nestjs/common';
import { InvalidTokenError, TokenRejection } from '../contracts/errors';
import { ForbiddenError } from '../contracts/rights-errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Presenter } from '../contracts/device';
import { REFRESH } from '../contracts/diagnostics';
import type { Session, SessionRecord } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import type { RefreshClaims } from '../tokens/token-claims';
import { attemptDigest } from './idempotency-key';
import { TokenRejections } from './rejections';
import type { BoundUse } from './session-binding';
import type { RefreshAttempt } from './refresh-attempt';
import { SessionRefresher } from './session-refresher';
import { SessionRenewer } from './session-renewer';
import { HELD_BY_PEOPLE, requireId, SessionRevoker } from './session-revoker';
import { SessionTokens } from './session-tokens';
import { RequestDeadline } from './request-deadline';

/** The session in which credentials change, which goes on with new keys; or the user whose sessions are all to end. */
export type CredentialsTarget = Pick<Session, 'id' | 'userId'> | { userId: string };

/** What else ends when credentials change. */
export interface ChangeOptions {
  /** Whether tokens for programs end too. @default true */
  programs?: boolean | undefined;
}

/** What a refresh may be told beside its token. */
export interface RefreshOptions {
  /**
   * The request's `Idempotency-Key`: 1 to 128 printable ASCII characters, random and new for each attempt. A retry with the
   * key of the attempt is answered like the attempt, however late it comes.
   */
  idempotencyKey?: string | undefined;
  /** Audiences of this one access token, among those of its session (RFC 8707). @default all of them */
  resource?: string | readonly string[] | undefined;
}

type HowToRefresh = Pick<RefreshAttempt, 'attemptDigest' | 'resource' | 'keepsKey' | 'isProven'> &
  // Begun by whoever asked the storage before; otherwise a new one.
  Partial<Pick<RefreshAttempt, 'deadline'>>;

/** What gives a session new tokens: a refresh token, or credentials that were proven again. */
@Injectable()
export class SessionRenewals {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly tokens: SessionTokens,
    private readonly refresher: SessionRefresher,
    private readonly renewer: SessionRenewer,
    private readonly revoker: SessionRevoker,
    private readonly rejections: TokenRejections,
  ) {}

  async refresh(
    token: string,
    presenter: Presenter | undefined,
    { idempotencyKey, resource }: RefreshOptions = {},
  ): Promise<IssuedTokens> {
    const how = { attemptDigest: attemptDigest(idempotencyKey), resource };
    return this.attempt((now) => this.read(token, now), presenter, how);
  }

  /**
   * A new access token for a navigation, which cannot refresh by itself and may be given up half-way: the refresh key
   * stays, whatever its age, and only the idle time begins anew. Never for a session that is bound to its device.
   */
  async renewAccess(token: string, presenter: Presenter): Promise<IssuedTokens> {
    return this.attempt((now) => this.read(token, now), presenter, { attemptDigest: null, keepsKey: true });
  }

  /** The same for a session that is bound to its device, which has just proven to be the one that asks. */
  async renewBound(claims: RefreshClaims, presenter: Presenter, deadline: RequestDeadline): Promise<IssuedTokens> {
    const how = { attemptDigest: null, keepsKey: true, isProven: true, deadline };
    return this.attempt(() => claims, presenter, how);
  }

  /** What a refresh token says. @throws TokenRejection when its signature does not hold, or it expired */
  read(token: string, now: number): RefreshClaims {
    return this.tokens.readRefresh(token, now);
  }

  private attempt(
    read: (now: number) => RefreshClaims,
    presenter: Presenter | undefined,
    { deadline = this.newDeadline(), ...how }: HowToRefresh,
  ): Promise<IssuedTokens> {
    const attempt = (note?: RefreshAttempt['note']) => {
      const now = this.options.clock.now();
      const refresh = async () =>
        this.refresher.refresh({
          ...how,
          claims: read(now),
          presenter: presenter ?? {},
          checksPresenter: presenter !== undefined,
          note,
          now,
          deadline,
        });
      return this.refused(presenter, () => deadline.run(refresh));
    };
    return REFRESH.isHeard ? REFRESH.trace(this.options, {}, attempt) : attempt();
  }

  /**
   * The session that a refresh token of any generation belongs to, to end it: whoever its user is by now. Of a bound one, the
   * proof of its key is needed too.
   */
  async findToEnd(
    token: string,
    presenter: Presenter,
    { deadline, use }: { deadline: RequestDeadline; use: BoundUse },
  ): Promise<SessionRecord> {
    const now = this.options.clock.now();
    const shown = { use, accessToken: null, presenter };
    const find = async () => this.refresher.findMembership(this.read(token, now), now, shown);
    return this.refused(presenter, () => deadline.run(find));
  }

  /**
   * After a proof of which the library was part: only if no other proof has renewed the session since it was read.
   * @param at when the request came in, epoch ms
   */
  async reauthenticateAsRead(session: Session, at: number, deadline: RequestDeadline): Promise<IssuedTokens> {
    return this.renew(session, at, deadline, session);
  }

  /** @throws InvalidTokenError when a session has ended since it was read, or its user proved their credentials again */
  async requireAsRead(session: Session): Promise<void> {
    if (!(await this.renewer.isAsRead(session))) throw new InvalidTokenError('session_not_found');
  }

  async reauthenticate(session: Pick<Session, 'id' | 'userId'>, at: Moment | undefined): Promise<IssuedTokens> {
    const { clock, clockMargin } = this.options;
    const now = clock.now();
    return this.renew(session, momentOf(at, now, clockMargin), this.newDeadline());
  }

  /** First what counts is stored, then what does not count any more is ended: nobody gets in by both. */
  async changeCredentials(
    target: CredentialsTarget,
    store: () => unknown,
    { programs = true }: ChangeOptions = {},
  ): Promise<IssuedTokens | null> {
    const id = 'id' in target ? target.id : undefined;
    requireId(target.userId);
    if ('id' in target) requireId(id);
    // Before anything is stored: who acts as the user, or holds a token of theirs, does not change their credentials.
    if ('kind' in target && target.kind !== 'login')
      throw new ForbiddenError('Only the user can change their credentials.');
    await this.renewer.storeCredentials(store);
    const deadline = this.newDeadline();
    const userId = await this.revoker.spellingOf(target.userId, deadline);
    const actor = { userId, sessionId: id ?? null };
    const ending = { reason: 'credentials_changed', actor, deadline } as const;
    await this.revoker.all(userId, ending, {
      ...(id !== undefined && { exceptId: id }),
      ...(!programs && { kinds: HELD_BY_PEOPLE }),
    });
    if (id === undefined) return null;
    try {
      return await this.renew({ id, userId }, this.options.clock.now(), deadline);
    } catch (error) {
      if (!(error instanceof InvalidTokenError)) throw error;
      // A login that ended it to take its place, and comes to nothing, must not bring it back with its old keys.
      await this.revoker.one(id, userId, ending);
      return null;
    }
  }

  private async renew(
    session: Pick<Session, 'id' | 'userId'>,
    at: number,
    deadline: RequestDeadline,
    asRead?: Session,
  ): Promise<IssuedTokens> {
    requireId(session.id);
    requireId(session.userId);
    try {
      return await deadline.run(() => this.renewer.renew(session, at, this.options.clock.now(), asRead));
    } catch (error) {
      throw error instanceof TokenRejection ? new InvalidTokenError(error.reason) : error;
    }
  }

  private async refused<T>(presenter: Presenter | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.rejections.toHttpError(error, 'refresh', presenter);
    }
  }

  private newDeadline(): RequestDeadline {
    return new RequestDeadline(this.options.storageTimeout);
  }
}

/** @throws TypeError for a moment that is none, or that is still to come */
function momentOf(at: Moment | undefined, now: number, margin: number): number {
  const moment = at === undefined ? now : epochOf(at);
  if (Number.isNaN(moment)) throw new TypeError('reauthenticate: at is not a valid date.');
  if (moment > now + margin) throw new TypeError('reauthenticate: at lies in the future.');
  return moment;
}
