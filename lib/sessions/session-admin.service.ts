import { Inject, Injectable, Logger } from '@nestjs/common';
import { PURGE } from '../contracts/diagnostics';
import { JwtKnoxEvents, type SessionActor } from '../contracts/events';
import { line } from '../contracts/log-line';
import { type Session, sessionOf } from '../contracts/session';
import {
  type SlotQuery,
  type SessionCounts,
  type SessionQuery,
  SessionRepository,
} from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { endOf } from './session-end';
import { EVICTED, holdsSlot } from './session-limiter';
import { SessionRevoker } from './session-revoker';
import { fromStorage, RequestDeadline } from './request-deadline';

/** The state of all sessions at one moment. */
export interface SessionStatistics extends SessionCounts {
  /** Sessions per user, over the users who hold at least one of that kind; 0 when nobody does. */
  averagePerUser: { all: number; active: number; expired: number };
  /** Epoch milliseconds. */
  generatedAt: number;
}

export interface PurgeOptions {
  /** Rows deleted by one statement: small batches keep locks short. @default 1000 */
  batchSize?: number | undefined;
}

/**
 * For operators: statistics, purge and other users' sessions; from your code, a cron job or the admin routes. Statistics,
 * lists and each batch of a purge have `adminTimeout`, the end of a user's sessions has `storageTimeout`; a storage that fails or is late throws a `StorageUnavailableError`.
 * @example
 * const deleted = await this.admin.purgeExpired(); // from a cron job
 */
@Injectable()
export class SessionAdminService {
  private readonly logger = new Logger(SessionAdminService.name);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly revoker: SessionRevoker,
    private readonly events: JwtKnoxEvents,
  ) {}

  /** Statistics of all sessions, or of one user's; counted in the database, no rows are loaded. */
  async statistics(userId?: string): Promise<SessionStatistics> {
    const generatedAt = this.options.clock.now();
    const counts = await this.stored((timeout) => this.repository.statistics(generatedAt, userId, timeout));
    const average = (kind: 'all' | 'active' | 'expired') =>
      counts.users[kind] === 0 ? 0 : counts.sessions[kind] / counts.users[kind];
    const averagePerUser = { all: average('all'), active: average('active'), expired: average('expired') };
    return { ...counts, averagePerUser, generatedAt };
  }

  /**
   * Deletes expired sessions, batch by batch, until none is left, and under `onLimit: 'evict-oldest'` those above a session
   * limit that was introduced or lowered; returns how many. Two purgers at once are safe.
   */
  async purgeExpired({ batchSize = 1_000 }: PurgeOptions = {}): Promise<number> {
    if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000) {
      throw new TypeError('purgeExpired: batchSize must be from 1 to 10000.');
    }
    const purge = (note: { count?: number }) => this.purge(batchSize, note);
    return PURGE.isHeard ? PURGE.trace(this.options, {}, purge) : purge({});
  }

  private async purge(batchSize: number, note: { count?: number }): Promise<number> {
    const now = this.options.clock.now();
    const expired = await this.deleteExpired(now, batchSize, note);
    const surplus = await this.purgeSurplus(now, batchSize);
    if (surplus > 0) await this.revoker.settled();
    return (note.count = expired + surplus);
  }

  private async deleteExpired(now: number, batchSize: number, note: { count?: number }): Promise<number> {
    let count = 0;
    try {
      for (let batch = batchSize; batch > 0; count += batch) {
        batch = await this.stored((timeout) => this.repository.deleteExpired(now, batchSize, timeout));
      }
    } finally {
      // Of the batches before one that failed too.
      note.count = count;
      if (count > 0) {
        this.logger.log(line('purged', `Purged ${count} expired sessions.`));
        this.events.emit('sessions.purged', { count });
      }
    }
    return count;
  }

  /** Ends what is above the session limit, which was introduced or lowered since: the oldest first, user by user. */
  private async purgeSurplus(now: number, batchSize: number): Promise<number> {
    const { limitPerUser: limit, onLimit } = this.options.session;
    if (limit === null || onLimit === 'reject') return 0;
    let total = 0;
    for (let ended = 1; ended > 0; total += ended) {
      ended = 0;
      for (const userId of await this.stored((timeout) => this.repository.findCrowded(limit, now, 100, timeout)))
        ended += await this.endSurplus(userId, { limit, aliveAt: now, most: batchSize });
    }
    return total;
  }

  private async endSurplus(userId: string, query: SlotQuery): Promise<number> {
    const rows = await this.stored((timeout) => this.repository.findSlots(userId, query, timeout));
    const alive = rows.filter((row) => endOf(row, this.options.session) > query.aliveAt);
    const loose = alive.filter(({ slot }) => !holdsSlot(slot, query.limit));
    const leaving = loose.toSorted((a, b) => a.createdAt - b.createdAt).slice(0, alive.length - query.limit);
    const ids = leaving.map(({ id }) => id);
    const count = await this.stored((timeout) => this.repository.deleteSurplus(userId, ids, query.limit, timeout));
    if (count > 0) for (const row of leaving) this.revoker.announceOne(row, EVICTED);
    return count;
  }

  /** All sessions of a user, the expired ones too, newest first; at most 100 unless the query says otherwise. */
  async list(userId: string, query: SessionQuery = {}): Promise<Session[]> {
    const wanted = { limit: 100, ...query };
    const rows = await this.stored((timeout) => this.repository.findByUser(userId, wanted, timeout));
    return rows.map((row) => sessionOf({ ...row, expiresAt: endOf(row, this.options.session) }));
  }

  /**
   * Ends all sessions of a user, and logins that are under way; returns how many sessions.
   * @param actor who asks for it, for the event `session.revoked`
   */
  async revokeAll(userId: string, actor?: SessionActor): Promise<number> {
    return this.revoker.all(userId, { reason: 'admin', actor });
  }

  private stored<T>(work: (timeout: number) => Promise<T>): Promise<T> {
    const { adminTimeout } = this.options;
    return new RequestDeadline(adminTimeout).run(() => fromStorage(() => work(adminTimeout)));
  }
}
