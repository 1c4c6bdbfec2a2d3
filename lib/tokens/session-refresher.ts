import { Inject, Injectable, Logger } from '@nestjs/common';
import { RefreshTokenReusedError, StorageUnavailableError, TokenRejection } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { describePresenter, type Presenter, type SessionRecord, sessionOf } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { JwtCodec, type RefreshClaims } from '../crypto/jwt-codec';
import { generateSalt, TokenKey } from '../crypto/token-key';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { decideRefresh, type RefreshDecision } from './refresh-decision';
import { SessionIssuer } from './session-issuer';
import { type LiveSession, SessionValidity } from './session-validity';
import { storageCall, type StorageDeadline } from './storage-deadline';

/** How often a refresh whose row changed under it decides again. */
const MAX_ATTEMPTS = 3;

/** Refreshes sessions: lossless for tabs that race and answers that get lost, fatal for a session that is replayed. */
@Injectable()
export class SessionRefresher {
  private readonly logger = new Logger(SessionRefresher.name);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly codec: JwtCodec,
    private readonly repository: SessionRepository,
    private readonly validity: SessionValidity,
    private readonly issuer: SessionIssuer,
    private readonly events: JwtKnoxEvents,
  ) {}

  /** The claims of a refresh token whose signature holds. @throws TokenRejection */
  read(token: string, now: number): RefreshClaims {
    return this.codec.readRefresh(this.codec.verify(token, this.codec.keyFor(token, 'refresh').verifying), now);
  }

  /** The session that a refresh token of any generation belongs to: enough to end it, not to prolong it. */
  async findMembership(claims: RefreshClaims, now: number): Promise<SessionRecord> {
    const access = claims.sessionKey.accessKey();
    return (await this.validity.find(claims, now, (row) => access.matches(row.accessDigest))).record;
  }

  /** The session that a refresh token would prolong now. Changes nothing, whatever was presented. */
  async findUsable(claims: RefreshClaims, now: number): Promise<LiveSession> {
    const isUsable = (row: SessionRecord) => !['replay', 'invalid'].includes(this.decide(row, claims, now).kind);
    return this.withinLifetime(await this.validity.find(claims, now, isUsable), claims, now);
  }

  /** @throws TokenRejection, RefreshTokenReusedError, StorageUnavailableError */
  async refresh(
    token: string,
    presenter: Presenter | undefined,
    now: number,
    deadline: StorageDeadline,
  ): Promise<IssuedTokens> {
    const claims = this.read(token, now);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const live = this.withinLifetime(await this.find(claims, now), claims, now);
      this.validity.checkPresenter(live.record, presenter);
      // What was answered with 503 must not be taken for a replay, or rotate, once its client has moved on.
      deadline.ensureOpen();
      const tokens = await this.carryOut(this.decide(live.record, claims, now), live, claims, presenter, now);
      if (tokens) return tokens;
    }
    throw new StorageUnavailableError(new Error('The session changed under every attempt to refresh it.'));
  }

  private async find(claims: RefreshClaims, now: number): Promise<LiveSession> {
    try {
      return await this.validity.find(claims, now, (row) => this.decide(row, claims, now).kind !== 'invalid');
    } catch (error) {
      if (error instanceof TokenRejection && error.reason === 'user_inactive') await this.endOfInactive(claims);
      throw error;
    }
  }

  /** The greatest lifetime may have been shortened since the login; tokens tell whole seconds. */
  private withinLifetime({ record, user }: LiveSession, claims: RefreshClaims, now: number): LiveSession {
    const end = record.createdAt + this.options.session.maxLifetime;
    if (Math.floor(end / 1_000) <= Math.floor(now / 1_000)) throw new TokenRejection('session_expired', claims);
    return { record: { ...record, expiresAt: Math.min(record.expiresAt, end) }, user };
  }

  private decide(row: SessionRecord, claims: RefreshClaims, now: number): RefreshDecision {
    const { refresh, clockMargin } = this.options;
    if (!refresh) return { kind: 'invalid' };
    const isCurrent = claims.tokenKey.matches(row.refreshDigest);
    const isPrevious = claims.tokenKey.matches(row.previousRefreshDigest);
    const isMember = claims.sessionKey.accessKey().matches(row.accessDigest);
    // Without the session key no decision but `invalid`: the new access token is derived from it.
    const key = !isMember ? 'unknown' : isCurrent ? 'current' : isPrevious ? 'previous' : 'unknown';
    const presented = { generation: claims.generation, key, isMember, attemptDigest: null } as const;
    return decideRefresh({ ...row, rotationKeyDigest: null }, presented, now, { ...refresh, clockMargin });
  }

  /** Null when the row changed in between: decide again. */
  private async carryOut(
    decision: RefreshDecision,
    live: LiveSession,
    claims: RefreshClaims,
    presenter: Presenter | undefined,
    now: number,
  ): Promise<IssuedTokens | null> {
    const { record } = live;
    switch (decision.kind) {
      case 'rotate':
        return this.rotate(live, claims, now);
      case 'same':
        // Presenting the current key proves that the answer to its rotation arrived.
        this.validity.touch(record, claims.generation, now);
        return this.answer(live, claims, claims.tokenKey, now, false);
      case 'successor':
        return this.answer(live, claims, claims.tokenKey.successor(record.refreshSalt!), now, false);
      case 'replay':
        await this.endOfReplayed(record, presenter);
        return null;
      case 'invalid':
        throw new TokenRejection('key_mismatch', claims);
    }
  }

  private async rotate(live: LiveSession, claims: RefreshClaims, now: number): Promise<IssuedTokens | null> {
    const { record } = live;
    const refreshSalt = generateSalt();
    const successor = claims.tokenKey.successor(refreshSalt);
    const change = {
      refreshDigest: successor.digest(),
      previousRefreshDigest: record.refreshDigest!,
      refreshSalt,
      generation: record.generation + 1,
      expiresAt: Math.min(now + this.options.refresh!.ttl, record.createdAt + this.options.session.maxLifetime),
    };
    const rotated = await storageCall(() =>
      this.repository.rotate(record.id, record.refreshDigest!, { ...change, at: now }),
    );
    if (!rotated) return null;
    const current = { ...record, ...change, rotatedAt: now, lastUsedAt: now };
    return this.answer({ record: current, user: live.user }, claims, successor, now, true);
  }

  private async answer(
    { record, user }: LiveSession,
    claims: RefreshClaims,
    refresh: TokenKey,
    now: number,
    rotated: boolean,
  ) {
    const keys = { session: claims.sessionKey, access: claims.sessionKey.accessKey(), refresh };
    const tokens = await this.issuer.sign(record, user, keys, now);
    this.events.emit('session.refreshed', { session: tokens.session, user, rotated });
    return tokens;
  }

  /** @throws RefreshTokenReusedError if this call ended the session; otherwise somebody else changed it meanwhile */
  private async endOfReplayed(record: SessionRecord, presenter: Presenter = {}): Promise<void> {
    const { id, userId, generation } = record;
    if (!(await storageCall(() => this.repository.deleteById(id, { generation })))) return;
    this.logger.warn(`A used refresh token of session ${id} was presented again: the session has been ended.`);
    this.events.emit('refresh.reused', { session: sessionOf(record), presenter: describePresenter(presenter) });
    this.events.emit('session.revoked', { userId, sessionId: id, count: 1, reason: 'replayed' });
    throw new RefreshTokenReusedError();
  }

  private async endOfInactive({ sessionId, userId }: RefreshClaims): Promise<void> {
    if (!(await storageCall(() => this.repository.deleteById(sessionId)))) return;
    this.events.emit('session.revoked', { userId, sessionId, count: 1, reason: 'user_inactive' });
  }
}
