import { Inject, Injectable, Optional } from '@nestjs/common';
import { type RejectionReason, TokenRejection } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import {
  describe,
  describePresenter,
  type Presenter,
  type Session,
  type SessionRecord,
  sessionOf,
  TEXT_LIMITS,
} from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import type { TokenClaims } from '../crypto/jwt-codec';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { OccasionalLog } from './occasional-log';
import { hostCall, storageCall, StorageDeadline } from './storage-deadline';

const MAX_TOUCHES = 4;

/** A live session and its user. */
export interface LiveSession<User = any> {
  record: SessionRecord;
  user: User;
}

/** Whether the row is the token's own: the check that differs between access and refresh tokens. */
export type KeyCheck = (record: SessionRecord) => boolean;

/**
 * The one validity rule, for every way a token comes in: the row lives and is the token's own, and its user may use it.
 * Identity comes from the row and the user, never from a claim alone.
 */
@Injectable()
export class SessionValidity {
  private readonly log = new OccasionalLog(SessionValidity.name);
  private readonly clockLog = new OccasionalLog(SessionValidity.name, 60_000);
  private readonly touches = new Map<string, Promise<void>>();

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly events: JwtKnoxEvents,
    @Optional() private readonly users?: UserProvider,
  ) {}

  /** @throws TokenRejection, or a 503 when the storage fails */
  async find(claims: TokenClaims, now: number, keyCheck: KeyCheck): Promise<LiveSession> {
    // Started beside the session's own look-up; what comes of it counts only after the row's verdict.
    const { users } = this;
    const lookup = users && !this.repository.joinsUser ? hostCall(() => users.findById(claims.userId)) : undefined;
    lookup?.catch(() => undefined);
    const found = await storageCall(() => this.repository.findById(claims.sessionId));
    if (!found) throw new TokenRejection('session_not_found', claims);
    const { record } = found;
    // The id again: some databases compare strings without case or trailing spaces.
    if (record.id !== claims.sessionId || !keyCheck(record)) throw new TokenRejection('key_mismatch', claims);
    if (record.userId !== claims.userId) throw new TokenRejection('user_mismatch', claims);
    if (record.expiresAt <= now) throw new TokenRejection('session_expired', claims);
    if (record.lastUsedAt > now + this.options.clockMargin) this.warnOfClocks(record.lastUsedAt - now);
    if (!users) return { record, user: { id: record.userId } };
    const user = await (lookup ?? found.user);
    const refusal = userRefusal(users, user, record);
    if (refusal) throw new TokenRejection(refusal, claims);
    return { record, user };
  }

  /** The presenter check. No presenter, no check: introspection and host code have none. */
  checkPresenter(record: SessionRecord, presenter: Presenter | undefined): void {
    const mode = this.options.session.bindUserAgent;
    if (mode === 'off' || presenter === undefined) return;
    if (describe(presenter.userAgent, TEXT_LIMITS.userAgent) === record.userAgent) return;
    if (mode === 'reject')
      throw new TokenRejection('user_agent_mismatch', { sessionId: record.id, userId: record.userId });
    this.events.emit('user-agent.changed', { session: sessionOf(record), presenter: describePresenter(presenter) });
  }

  /**
   * Notes the use of a session, at most once per `touchInterval`; at once when it is the first of a new generation,
   * which proves that the answer to the rotation arrived. Not awaited: a slow or read-only storage delays nobody.
   */
  touch(record: SessionRecord, generation: number, now: number): void {
    const delivered = record.rotatedAt === null || record.lastUsedAt > record.rotatedAt;
    // An access token of the generation before must not pass for the successor's first use.
    if (!delivered && generation !== record.generation) return;
    if (delivered && now - record.lastUsedAt < this.options.session.touchInterval) return;
    // One at a time for a session, and few in all: a slow storage must not lose its connections to mere notes.
    if (this.touches.has(record.id) || this.touches.size >= MAX_TOUCHES) return;
    const lastUsedAt = Math.max(now, (record.rotatedAt ?? 0) + 1);
    const touch = storageCall(() => this.repository.touch(record.id, record.generation, lastUsedAt))
      .catch((error: unknown) => this.log.write('warn', "Noting a session's use failed", error))
      .finally(() => this.touches.delete(record.id));
    this.touches.set(record.id, touch);
  }

  /** Lets the writes under way finish before the data source closes, as long as the storage answers in time. */
  async beforeApplicationShutdown(): Promise<void> {
    const finished = () => Promise.all(this.touches.values());
    await new StorageDeadline(this.options.storageTimeout).run(finished).catch(() => undefined);
  }

  private warnOfClocks(ahead: number): void {
    const seconds = Math.round(ahead / 1_000);
    this.clockLog.write(
      'warn',
      `The clocks of the servers differ, or this one was set back: a session was used ${seconds} s in the future. Keep them right with NTP.`,
    );
  }
}

function userRefusal(users: UserProvider, user: unknown, record: SessionRecord): RejectionReason | null {
  const refusal = refusalOf(users, user, record.userId);
  if (refusal) return refusal;
  const since: Date | null | undefined = users.validSince(user);
  if (since === null || since === undefined) return null;
  if (!(since instanceof Date)) throw new TypeError('UserProvider.validSince must give a Date or null.');
  // Written so that an invalid Date refuses.
  return record.authenticatedAt >= since.getTime() ? null : 'credentials_outdated';
}

/** What speaks against what the provider gave for an id: nobody, somebody else, or a user who is not active. */
export function refusalOf(users: UserProvider, user: unknown, id: string): RejectionReason | null {
  if (user === null || user === undefined) return 'user_not_found';
  if (users.getId(user) !== id) return 'user_mismatch';
  return isActive(users, user) ? null : 'user_inactive';
}

/** A promise is not an answer: an `isActive` that was made async would let everybody in. */
export function isActive(users: UserProvider, user: unknown): boolean {
  const active: unknown = users.isActive(user);
  return Boolean(active) && typeof (active as { then?: unknown }).then !== 'function';
}

/** What a user presents after steps 1–10: who, in which session, with which custom claims. */
export interface Authentication<User = any, KnownSession = Session> {
  readonly user: User;
  readonly session: KnownSession;
  /** The custom claims: protected by the signature only. Never authorise by them. */
  readonly claims: Readonly<Record<string, unknown>>;
}
