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

  async one(sessionId: string, userId: string | undefined, reason: RevocationReason): Promise<boolean> {
    if (!isSessionId(sessionId)) return false;
    const gone = await this.end(() => this.repository.deleteById(sessionId, { userId }));
    return this.report({ userId: userId ?? null, sessionId, count: Number(gone), reason }) > 0;
  }

  async other({ id, userId }: Pick<Session, 'id' | 'userId'>): Promise<number> {
    const count = await this.end(() => this.repository.deleteByUser(userId, id));
    return this.report({ userId, sessionId: null, count, reason: 'logout_other' });
  }

  async all(userId: string, reason: RevocationReason): Promise<number> {
    const deadline = new StorageDeadline(this.options.storageTimeout);
    const count = await this.end(() => this.repository.deleteByUser(userId), deadline);
    this.report({ userId, sessionId: null, count, reason });
    // After the DELETE: a login under way whose row comes later started before this moment.
    const at = new Date(this.options.clock.now());
    await deadline.run(() => hostCall(() => this.users?.onRevokeAll(userId, at)));
    return count;
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
