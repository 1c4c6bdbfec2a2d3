import { Inject, Injectable } from '@nestjs/common';
import { type Session, sessionOf } from '../contracts/session';
import { type SessionQuery, SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { endOf } from './session-end';
import { requireId } from './session-revoker';
import { fromStorage, RequestDeadline } from './request-deadline';

/** Which sessions a user has. */
@Injectable()
export class SessionList {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
  ) {}

  /** The live sessions of a user, newest first; at most 100 unless the query says otherwise. */
  async of(
    userId: string,
    query: SessionQuery,
    deadline = new RequestDeadline(this.options.storageTimeout),
  ): Promise<Session[]> {
    requireId(userId);
    const { clock, session } = this.options;
    const now = clock.now();
    // A member that is undefined must not widen what is listed.
    const { aliveAt = now, idleAt = now - session.idleGrace, limit = 100, before, kinds } = query;
    const complete = { aliveAt, idleAt, limit, before, kinds };
    const find = () => fromStorage(() => this.repository.findByUser(userId, complete));
    const rows = await deadline.run(find);
    // A lifetime that was shortened ends the oldest: of rows that come newest first, those at the end.
    const ending = rows.map((row) => ({ ...row, expiresAt: endOf(row, session) }));
    return ending.filter((row) => row.expiresAt > aliveAt).map(sessionOf);
  }
}
