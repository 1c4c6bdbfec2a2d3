import { Inject, Injectable } from '@nestjs/common';
import { UnauthorizedError } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import { cleanPresenter, type Presenter } from '../contracts/device';
import type { SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { TokenTransport } from '../contracts/token-transport';
import { presenterOf } from '../guard/request-context';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { isMember } from '../sessions/refresh-attempt';
import { fromStorage, RequestDeadline } from '../sessions/request-deadline';
import { endOf } from '../sessions/session-end';
import { SessionRenewals } from '../sessions/session-renewals';
import type { RefreshClaims } from '../tokens/token-claims';
import { type DbscAnswer, LATER, refused } from './dbsc-answer';
import { DbscChallenges } from './dbsc-challenges';
import { proofOfKey, shownProofIn } from './dbsc-proofs';
import { textOf } from './structured-fields';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Refusals after which a session is over, and not only this token of it. */
const ENDED: ReadonlySet<string | undefined> = new Set([
  'session_not_found', 'session_expired', 'user_not_found', 'user_inactive', 'credentials_outdated', 'reused',
]); // prettier-ignore

/** One request to refresh. */
interface Attempt {
  readonly sessionId: string;
  /** What the refresh cookie says; null where that is no refresh token, or not there. */
  readonly cookie: RefreshClaims | null;
  readonly shown: string | null;
  readonly presenter: Presenter;
  readonly now: number;
}

/**
 * `POST dbsc/refresh`, to which a browser comes before the access cookie is gone, or when it is needed and gone. The proof
 * and the refresh cookie count together: the cookie carries the session's key, without which no access token can be made.
 */
@Injectable()
export class DbscRefresh {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly transport: TokenTransport,
    private readonly repository: SessionRepository,
    private readonly renewals: SessionRenewals,
    private readonly challenges: DbscChallenges,
    private readonly events: JwtKnoxEvents,
  ) {}

  async refresh(request: any): Promise<DbscAnswer> {
    const now = this.options.clock.now();
    const sessionId = textOf(request.headers['sec-secure-session-id']);
    // No browser: scripts cannot set this header, and what it says is what it was told at the registration.
    if (sessionId === null || !UUID.test(sessionId)) return refused(400);
    const cookie = this.cookieIn(request, now);
    const attempt = { sessionId, cookie, shown: shownProofIn(request), presenter: presenterOf(request), now };
    const deadline = new RequestDeadline(this.options.storageTimeout);
    const proven = await deadline.run(() => this.check(attempt));
    if (proven !== null) return proven;
    try {
      return { kind: 'renewed', tokens: await this.renewals.renewBound(cookie!, attempt.presenter, deadline) };
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      // A key that does not fit may be one that another answer, still on its way, has replaced.
      return ENDED.has(error.reason) ? { kind: 'ended', sessionId } : LATER;
    }
  }

  /** Null when the proof was accepted. */
  private async check({ sessionId, cookie, shown, presenter, now }: Attempt): Promise<DbscAnswer | null> {
    const record = await this.read(sessionId, now);
    if (!record || (cookie && cookie.sessionId !== sessionId)) return { kind: 'ended', sessionId };
    if (!cookie) return LATER;
    if (shown === null) return this.challenge(record, now);
    const proof = proofOfKey(shown, record.boundKey!);
    if (!proof) {
      // The cookie of whoever has the signing key alone tells nothing of a copy.
      this.tellOf(record, presenter, isMember(record, cookie));
      return refused(401);
    }
    const madeAt = this.challenges.madeAt(proof.payload.jti, 'ref', sessionId, now);
    if (madeAt === null) return this.challenge(record, now);
    if (await fromStorage(() => this.repository.acceptProof(sessionId, { madeAt, at: now }))) return null;
    const later = await this.read(sessionId, now);
    return later ? this.challenge(later, now) : { kind: 'ended', sessionId };
  }

  private challenge(record: SessionRecord, now: number): DbscAnswer {
    return { kind: 'challenge', sessionId: record.id, challenge: this.challenges.forRefresh(record, now) };
  }

  /** The session, if it lives and is bound. */
  private async read(id: string, now: number): Promise<SessionRecord | null> {
    const record = (await fromStorage(() => this.repository.findById(id)))?.record;
    // The id again: some databases compare strings without case.
    if (record?.id !== id || record.realm !== this.options.realm || record.boundKind !== 'dbsc') return null;
    return endOf(record, this.options.session) > now ? record : null;
  }

  /** Null also for what cannot be read here: an instance that was started before may not know the key. */
  private cookieIn(request: unknown, now: number): Attempt['cookie'] {
    try {
      const token = this.transport.readRefresh(request);
      return token ? this.renewals.read(token, now) : null;
    } catch {
      return null;
    }
  }

  private tellOf({ id, userId }: SessionRecord, presenter: Presenter, isCopy: boolean): void {
    const seen = cleanPresenter(presenter, this.options.session.ipAddress);
    this.events.emit('binding.refused', { sessionId: id, userId, presenter: seen, reason: 'wrong_key', isCopy });
  }
}
