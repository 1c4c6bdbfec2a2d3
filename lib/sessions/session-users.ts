import { Injectable, Optional } from '@nestjs/common';
import type { RejectionReason } from '../contracts/errors';
import type { SessionRecord } from '../contracts/session';
import { UserProvider } from '../contracts/user-provider';
import { HostErrors } from './host-errors';
import { SessionCache } from './session-cache';
import { userRejection } from './user-check';

/** The users of sessions, by your provider; without one, who has the id of the row is the user. */
@Injectable()
export class SessionUsers {
  constructor(
    private readonly hostErrors: HostErrors,
    @Optional() private readonly provider?: UserProvider,
    @Optional() private readonly cache?: SessionCache,
  ) {}

  /** Whether there is anybody to ask. */
  get areProvided(): boolean {
    return this.provider !== undefined;
  }

  find(userId: string): Promise<unknown> {
    const { provider, cache } = this;
    const find = () => provider!.findById(userId);
    return this.hostErrors.run(() => (cache?.keepsUsers ? cache.findUser(userId, find) : find()));
  }

  /** What speaks against a user that was found; null when nothing does. */
  rejectionOf(user: unknown, record: SessionRecord): RejectionReason | null {
    return this.provider ? userRejection(this.provider, user, record) : null;
  }

  /** The user of a row, as far as memory knows them, when nothing speaks against them; undefined: ask. */
  recall(record: SessionRecord): unknown {
    if (!this.provider) return { id: record.userId };
    const known = this.cache?.keepsUsers ? this.cache.recallUser(record.userId) : undefined;
    return known && (known.validSince === null || record.authenticatedAt >= known.validSince) ? known.user : undefined;
  }

  /** What becomes `request.user`, where the route does not ask for the storage's word. */
  shown(user: unknown): unknown {
    return this.provider && this.cache?.keepsUsers ? this.cache.snapshotOf(user) : user;
  }
}
