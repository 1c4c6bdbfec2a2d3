import { Inject, Injectable } from '@nestjs/common';
import type { RetryReason } from '../contracts/events';
import { MissingTokenError, StorageUnavailableError, TokenRejection } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { cleanPresenter } from '../contracts/device';
import type { SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import type { RefreshClaims } from '../tokens/token-claims';
import { generateSalt, TokenKey } from '../tokens/token-key';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { isAccessKeyDue, nextAccessKey } from './access-keys';
import { LastUsed } from './last-used';
import { isMember, needsProof, type RefreshAttempt, shownBy } from './refresh-attempt';
import { decideRefresh, type RefreshDecision } from './refresh-decision';
import { RefreshEvents } from './refresh-events';
import { audienceOf } from './session-audience';
import type { ShownToken } from './session-binding';
import { greatestEndOf } from './session-end';
import { SessionTokens } from './session-tokens';
import { type LiveSession, type ReadSession, SessionChecker } from './session-checker';
import { fromStorage } from './request-deadline';

/** How often a refresh whose row changed under it decides again. */
const MAX_ATTEMPTS = 3;

type Answer = { kind: 'rotate' | 'same' } | { kind: 'successor'; why: RetryReason };

/** Refreshes sessions: lossless for tabs that race and answers that get lost, fatal for a session that is replayed. */
@Injectable()
export class SessionRefresher {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly checker: SessionChecker,
    private readonly lastUsed: LastUsed,
    private readonly tokens: SessionTokens,
    private readonly events: RefreshEvents,
  ) {}

  /** The session of a refresh token of any generation: enough to end it, for who shows it at its device. */
  async findMembership(claims: RefreshClaims, now: number, shown?: ShownToken): Promise<SessionRecord> {
    const row = await this.checker.readRow(claims);
    if (!isMember(row, claims)) throw new TokenRejection('key_mismatch', claims);
    const record = this.checker.living(row, claims, now);
    if (shown) this.checker.checkDeviceToEnd(record, shown);
    return record;
  }

  /** The session that a refresh token would prolong now. Changes nothing, whatever was presented. */
  async findUsable(claims: RefreshClaims, now: number): Promise<LiveSession> {
    const read = await this.checker.read(claims);
    const record = this.living(read, claims, now);
    const { kind } = this.decide(record, { claims, attemptDigest: null, now });
    if (kind === 'replay' || kind === 'invalid') throw new TokenRejection('key_mismatch', claims);
    return { record, user: await read.user() };
  }

  /** @throws TokenRejection, RefreshTokenReusedError, InvalidTargetError, StorageUnavailableError */
  async refresh(attempt: RefreshAttempt): Promise<IssuedTokens> {
    const { claims, now, deadline } = attempt;
    for (let count = 0; count < MAX_ATTEMPTS; count++) {
      const read = await this.checker.read(claims);
      const record = this.living(read, claims, now);
      // A navigation carries no proof that it comes from the device.
      if (attempt.keepsKey && !attempt.isProven && needsProof(record)) throw new MissingTokenError();
      // First of all: whoever copied the token of a bound session can neither use nor end it.
      if (record.boundKind !== null && !attempt.isProven) this.checkHolder(record, attempt);
      const decision = this.decide(record, attempt);
      if (decision.kind === 'invalid') throw new TokenRejection('key_mismatch', claims);
      // What was answered with 503 must not be taken for a replay, or rotate, once its client has moved on.
      deadline.throwIfPassed();
      if (decision.kind === 'replay') {
        // Before anything else could refuse: a refusal must not swallow the alarm.
        if (await fromStorage(() => this.repository.deleteById(record.id, { generation: record.generation })))
          throw this.events.replayed(record, attempt.presenter);
        continue;
      }
      const live = { record, user: await this.userOf(read, claims) };
      if (!attempt.isProven) this.checker.checkDevice(live, shownBy(attempt));
      // Before anything changes: what may not be asked for uses no token up.
      this.audienceFor(record, attempt);
      deadline.throwIfPassed();
      const tokens = await this.carryOut(decision, live, attempt);
      if (tokens) return tokens;
    }
    throw new StorageUnavailableError(new Error('The session changed under every attempt to refresh it.'));
  }

  /** That a token of a bound session is genuine, and shown at its device. @throws TokenRejection, BindingError */
  private checkHolder(record: SessionRecord, attempt: RefreshAttempt): void {
    if (!isMember(record, attempt.claims)) throw new TokenRejection('key_mismatch', attempt.claims);
    this.checker.checkDeviceToEnd(record, shownBy(attempt));
  }

  /** Tokens tell whole seconds: a session of less than one more is over. */
  private living(read: ReadSession, claims: RefreshClaims, now: number): SessionRecord {
    const record = this.checker.living(read.record, claims, now);
    const isOver = Math.floor(record.expiresAt / 1_000) <= Math.floor(now / 1_000);
    if (isOver && record.expiresAt < read.record.expiresAt) throw new TokenRejection('session_expired', claims);
    return record;
  }

  private async userOf(read: ReadSession, claims: RefreshClaims): Promise<unknown> {
    try {
      return await read.user();
    } catch (error) {
      const isInactive = error instanceof TokenRejection && error.reason === 'user_inactive';
      if (isInactive && (await fromStorage(() => this.repository.deleteById(claims.sessionId))))
        this.events.endedInactive(claims);
      throw error;
    }
  }

  private decide(
    row: SessionRecord,
    {
      claims,
      attemptDigest: sent,
      now,
      keepsKey,
      isProven,
    }: Pick<RefreshAttempt, 'claims' | 'attemptDigest' | 'now' | 'keepsKey' | 'isProven'>,
  ): RefreshDecision {
    const { refresh, clockMargin } = this.options;
    if (!refresh) return { kind: 'invalid' };
    const isCurrent = claims.tokenKey.matches(row.refreshDigest);
    const isPrevious = claims.tokenKey.matches(row.previousRefreshDigest);
    const key = isCurrent ? 'current' : isPrevious ? 'previous' : 'unknown';
    // Without the session key no decision but `invalid`: the new access token is derived from it.
    // No client made the rotation of a registration, nor knows whether its answer arrived.
    const attemptDigest = row.rotatedAt !== null && row.rotatedAt === row.boundAt ? null : sent;
    const presented = { generation: claims.generation, key, isMember: isMember(row, claims), attemptDigest } as const;
    const rotate = refresh.rotate && !keepsKey;
    const decision = decideRefresh(row, { ...presented, isProven }, now, { ...refresh, rotate, clockMargin });
    // The page of a browser that was closed in mid-refresh: its client still has the key of that attempt.
    const mayBeRetried = row.rotationKeyDigest !== null && row.lastUsedAt <= (row.rotatedAt ?? 0);
    const isEarly = keepsKey && key === 'previous' && mayBeRetried && decision.kind === 'replay';
    return isEarly ? { kind: 'invalid' } : decision;
  }

  /** Null when the row changed in between: decide again. */
  private async carryOut(decision: Answer, live: LiveSession, attempt: RefreshAttempt): Promise<IssuedTokens | null> {
    const { record } = live;
    const { claims, now } = attempt;
    if (decision.kind === 'rotate') return this.rotate(live, attempt);
    if (decision.kind === 'same' && attempt.keepsKey) {
      const prolonged = await this.prolong(record, now);
      return prolonged && this.answerAgain({ ...live, record: prolonged }, attempt, claims.tokenKey, 'same');
    }
    // Presenting the current key proves that the answer to its rotation arrived.
    if (decision.kind === 'same') this.lastUsed.note(record, claims.generation, now);
    const isSame = decision.kind === 'same';
    const refresh = isSame ? claims.tokenKey : claims.tokenKey.successor(record.refreshSalt!);
    const tokens = await this.answerAgain(live, attempt, refresh, decision.kind);
    if (tokens && decision.kind === 'successor') this.events.retried(record, decision.why, attempt.presenter);
    return tokens;
  }

  private async rotate(live: LiveSession, attempt: RefreshAttempt): Promise<IssuedTokens | null> {
    const { record, user } = live;
    const { claims, now, presenter } = attempt;
    const refreshSalt = generateSalt();
    const successor = claims.tokenKey.successor(refreshSalt);
    const access = this.dueAccessKey(record, attempt);
    const seen = cleanPresenter(presenter, this.options.session.ipAddress);
    const change = {
      ...access?.change,
      refreshDigest: successor.digest(),
      previousRefreshDigest: record.refreshDigest!,
      refreshSalt,
      rotationKeyDigest: attempt.attemptDigest,
      generation: record.generation + 1,
      expiresAt: this.nextEnd(record, now),
      lastUserAgent: seen.userAgent,
      lastIpAddress: seen.ip,
    };
    const rotation = { ...change, at: now };
    if (!(await fromStorage(() => this.repository.rotate(record.id, record.refreshDigest!, rotation)))) return null;
    const current = { ...record, ...change, rotatedAt: now, lastUsedAt: now };
    return this.answer({ record: current, user }, attempt, successor, 'rotate');
  }

  /** Null when the row changed in between. */
  private async prolong(record: SessionRecord, now: number): Promise<SessionRecord | null> {
    // After the rotation, by whichever clock: that marks its answer as delivered.
    const at = Math.max(now, (record.rotatedAt ?? 0) + 1);
    const expiresAt = this.nextEnd(record, now);
    const isDone = await fromStorage(() =>
      this.repository.prolong(record.id, record.refreshDigest!, { expiresAt, at }),
    );
    return isDone ? { ...record, expiresAt, lastUsedAt: at } : null;
  }

  private nextEnd(record: SessionRecord, now: number): number {
    const { session } = this.options;
    return Math.min(now + (record.idleTimeout ?? session.idleTimeout), greatestEndOf(record, session));
  }

  /** An answer that leaves the refresh key as it is. Null when another one changed the access key in between. */
  private async answerAgain(
    { record, user }: LiveSession,
    attempt: RefreshAttempt,
    refresh: TokenKey,
    kind: Answer['kind'],
  ): Promise<IssuedTokens | null> {
    const access = this.dueAccessKey(record, attempt);
    if (!access) return this.answer({ record, user }, attempt, refresh, kind);
    const move = () => this.repository.moveAccessKey(record.id, access.change);
    if (!(await fromStorage(move))) return null;
    return this.answer({ record: { ...record, ...access.change }, user }, attempt, refresh, kind);
  }

  private dueAccessKey(record: SessionRecord, { claims, now }: RefreshAttempt) {
    const period = this.options.accessKeyPeriod;
    if (period === null || !isAccessKeyDue(record, now, period)) return null;
    return nextAccessKey(claims.sessionKey, now, record, period);
  }

  /** @throws InvalidTargetError */
  private audienceFor({ audience }: SessionRecord, { resource }: RefreshAttempt): readonly string[] {
    return audienceOf(this.options.audience, audience, resource);
  }

  private async answer(
    { record, user }: LiveSession,
    attempt: RefreshAttempt,
    refresh: TokenKey,
    decision: Answer['kind'],
  ): Promise<IssuedTokens> {
    const { claims, now, deadline, presenter } = attempt;
    const keys = { session: claims.sessionKey, access: claims.sessionKey.accessKey(record), refresh };
    const tokens = await this.tokens.sign({ record, user, keys, now, audience: this.audienceFor(record, attempt) });
    deadline.throwIfPassed();
    if (attempt.note) attempt.note.decision = decision;
    this.events.refreshed(tokens.session, user, decision, presenter);
    return tokens;
  }
}
