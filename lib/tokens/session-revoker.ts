import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { JwtKnoxEvents, type RevocationReason } from '../contracts/events';
import type { Session } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { UserProvider } from '../contracts/user-provider';
import { isSessionId } from '../crypto/jwt-codec';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { hostCall, storageCall, StorageDeadline } from './storage-deadline';

/** Ends sessions. When a method resolves, no instance of the application accepts what it ended. */
@Injectable()
export class SessionRevoker {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly events: JwtKnoxEvents,
    @Optional() private readonly users?: UserProvider,
  ) {}

  async one(
    sessionId: string,
    userId: string | undefined,
    reason: RevocationReason,
    deadline?: StorageDeadline,
  ): Promise<boolean> {
    if (userId !== undefined) requireId(userId);
    if (!isSessionId(sessionId)) return false;
    const gone = await this.end(() => this.repository.deleteById(sessionId, { userId }), deadline);
    return this.report({ userId: userId ?? null, sessionId, count: Number(gone), reason }) > 0;
  }

  async other({ id, userId }: Pick<Session, 'id' | 'userId'>): Promise<number> {
    requireId(userId);
    requireId(id);
    const count = await this.end(() => this.repository.deleteByUser(userId, id));
    return this.report({ userId, sessionId: null, count, reason: 'logout_other' });
  }

  async all(userId: string, reason: RevocationReason): Promise<number> {
    requireId(userId);
    const deadline = new StorageDeadline(this.options.storageTimeout);
    const count = await this.end(() => this.repository.deleteByUser(userId), deadline);
    this.report({ userId, sessionId: null, count, reason });
    await deadline.run(() => this.shutOutLoginsUnderWay(userId));
    return count;
  }

  /**
   * A login that was under way at the DELETE may write its row after it, on another process too. The user provider is
   * told a moment that lies ahead, and the acknowledgement waits for it: who came before the acknowledgement came
   * before the moment, and does not count. Told again if telling took longer than that, or the clock was set back.
   */
  private async shutOutLoginsUnderWay(userId: string): Promise<void> {
    const { users } = this;
    if (!users || users.onRevokeAll === UserProvider.prototype.onRevokeAll) return;
    for (let lead = 5; ; lead *= 4) {
      const at = this.options.clock.now() + lead;
      await hostCall(() => users.onRevokeAll(userId, new Date(at)));
      const left = at - this.options.clock.now();
      if (left >= 0 && left <= lead) return delay(left);
    }
  }

  async before(moment: Date): Promise<number> {
    const before = moment.getTime();
    if (Number.isNaN(before)) throw new TypeError('revokeBefore: not a valid date.');
    const deadline = new StorageDeadline(this.options.adminTimeout);
    const count = await this.end(() => this.repository.deleteCreatedBefore(before), deadline);
    return this.report({ userId: null, sessionId: null, count, reason: 'revoked_before' });
  }

  private end<T>(work: () => Promise<T>, deadline = new StorageDeadline(this.options.storageTimeout)): Promise<T> {
    return deadline.run(() => storageCall(work));
  }

  private report(event: {
    userId: string | null;
    sessionId: string | null;
    count: number;
    reason: RevocationReason;
  }): number {
    if (event.count > 0) this.events.emit('session.revoked', event);
    return event.count;
  }
}

/** An id that is missing is a mistake of the caller's, and must never widen what is deleted. */
export function requireId(id: unknown): void {
  if (typeof id !== 'string' || id === '') throw new TypeError('A session or user id must be a non-empty string.');
}
