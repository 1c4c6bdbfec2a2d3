import { setImmediate as nextTurn } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { SessionLimitReachedError } from '../contracts/errors';
import { line } from '../contracts/log-line';
import type { SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { BackgroundWork } from './background-work';
import { endOf, greatestEndOf } from './session-end';
import { type Ending, SessionRevoker } from './session-revoker';
import type { RequestDeadline } from './request-deadline';

/** How a new session finds its place under the limit; `surplus` are sessions above the limit already, which go too. */
export type Placement =
  | { kind: 'insert'; slot: number }
  | { kind: 'replace'; holder: SessionRecord; slot: number; expired: boolean; surplus: SessionRecord[] }
  | { kind: 'reject' };

/** How the end of a session that makes room is announced. */
export const EVICTED: Ending = { reason: 'evicted' };

/** Most sessions above the limit that one login deletes; the purge deletes the others. */
export const MAX_SURPLUS = 100;

/**
 * Where the next session of a user goes, given the rows that count. Rows without a slot or above the limit count, and go
 * first: they are from before the limit was introduced or lowered.
 */
export function chooseSlot(
  rows: readonly SessionRecord[],
  { limit, onLimit }: { limit: number; onLimit: 'reject' | 'evict-oldest' },
  now: number,
  pick: (choices: number) => number = (choices) => Math.floor(Math.random() * choices),
): Placement {
  const seated = new Map(rows.filter((row) => holdsSlot(row.slot, limit)).map((row) => [row.slot as number, row]));
  const alive = rows.filter((row) => row.expiresAt > now);
  const free = Array.from({ length: limit }, (_, index) => index + 1).filter((slot) => !seated.has(slot));
  if (alive.length < limit) {
    // As many free slots as there is room: under rows without a slot, simultaneous logins must still meet on the index.
    const open = free.slice(0, Math.max(1, limit - alive.length));
    // A free slot at random, so that simultaneous logins seldom meet.
    if (free.length > 0) return { kind: 'insert', slot: open[pick(open.length)]! };
    const holder = [...seated.values()].find((row) => row.expiresAt <= now)!;
    return { kind: 'replace', holder, slot: holder.slot!, expired: true, surplus: [] };
  }
  if (onLimit === 'reject') return { kind: 'reject' };
  const leaving = alive
    .toSorted(
      (a, b) => Number(holdsSlot(a.slot, limit)) - Number(holdsSlot(b.slot, limit)) || a.createdAt - b.createdAt,
    )
    .slice(0, alive.length - limit + 1);
  const holder = leaving.find((row) => holdsSlot(row.slot, limit)) ?? (free.length > 0 ? leaving[0] : undefined);
  if (holder) {
    const slot = holdsSlot(holder.slot, limit) ? holder.slot! : free[0]!;
    return { kind: 'replace', holder, slot, expired: false, surplus: leaving.filter((row) => row !== holder) };
  }
  // Only rows without a seat leave, and every seat is held: one of the holders has expired, or another would leave.
  const expired = [...seated.values()].find((row) => row.expiresAt <= now)!;
  return { kind: 'replace', holder: expired, slot: expired.slot!, expired: true, surplus: leaving };
}

/** Whether a slot is one of the limit's. */
export function holdsSlot(slot: number | null, limit: number): boolean {
  return slot !== null && slot >= 1 && slot <= limit;
}

/** A row on its way into the storage. */
export interface NewRow {
  record: SessionRecord;
  /** Values of the host's own columns. */
  columns: Readonly<Record<string, unknown>>;
  /** Within the host's transaction, where there is one. */
  repository: SessionRepository;
}

/** What left its place for a new session. */
export interface Displaced {
  /** Living sessions that were ended. More than one where another login took the place of the first. */
  ended: SessionRecord[];
  /** Expired sessions that held a slot. */
  expired: SessionRecord[];
  /** Sessions above the limit, still to be deleted. */
  surplus: SessionRecord[];
}

/** Puts a new session into the storage, as a row of its own, within the user's limit. */
@Injectable()
export class SessionLimiter {
  private readonly logger = new Logger(SessionLimiter.name);
  private readonly background = new BackgroundWork();

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly revoker: SessionRevoker,
  ) {}

  /**
   * @param throwIfFencedOrLate throws when the login must not end another session any more: it is late, or fenced
   * @throws SessionLimitReachedError
   */
  async place(row: NewRow, deadline: RequestDeadline, throwIfFencedOrLate: () => Promise<void>): Promise<Displaced> {
    const { record, columns, repository } = row;
    const displaced: Displaced = { ended: [], expired: [], surplus: [] };
    const { limit, onLimit } = this.limitOf(record);
    if (limit === null) {
      await repository.insert(record, columns);
      return displaced;
    }
    try {
      // Every lost turn means that another login of the same user won; the deadline ends the loop at the latest. Its timer
      // must come to its turn, also with a storage that answers at once.
      for (; ; await nextTurn()) {
        const rows = await this.findSlots(row, limit);
        deadline.throwIfPassed();
        const placement = chooseSlot(rows, { limit, onLimit }, record.createdAt);
        if (placement.kind === 'reject') throw new SessionLimitReachedError();
        if (placement.kind === 'replace' && !(await this.displace(placement, row, displaced, throwIfFencedOrLate)))
          continue;
        if (await repository.insert({ ...record, slot: placement.slot }, columns)) return displaced;
      }
    } catch (error) {
      await this.undo(displaced, repository);
      throw error;
    }
  }

  /** Logins and tokens for programs have a limit each; nobody is kept from work, or ended, by an impersonation. */
  private limitOf({ kind }: SessionRecord): { limit: number | null; onLimit: 'reject' | 'evict-oldest' } {
    const { session, programs } = this.options;
    if (kind === 'login') return { limit: session.limitPerUser, onLimit: session.onLimit };
    return { limit: kind === 'program' ? programs.limitPerUser : null, onLimit: 'reject' };
  }

  /** A session that has ended has expired, whatever its `expiresAt`: idle, or by a lifetime that was shortened. */
  private async findSlots({ record, repository }: NewRow, limit: number): Promise<SessionRecord[]> {
    const { userId, createdAt: now, kind } = record;
    const { session } = this.options;
    const rows = await repository.findSlots(userId, { limit, aliveAt: now, most: MAX_SURPLUS, kind });
    return rows.map((row) => (endOf(row, session) <= now ? { ...row, expiresAt: 0 } : row));
  }

  /** First ended, by an UPDATE that can be undone and that no foreign key of the host stands against; then a new row. */
  private async displace(
    { holder, expired, surplus }: Extract<Placement, { kind: 'replace' }>,
    { record, repository }: NewRow,
    displaced: Displaced,
    throwIfFencedOrLate: () => Promise<void>,
  ): Promise<boolean> {
    if (!expired) await throwIfFencedOrLate();
    // What no refresh prolongs: a row without a refresh token, or past the greatest lifetime as it is now. Its `expiresAt`
    // may still lie ahead.
    const isOver = holder.refreshDigest === null || greatestEndOf(holder, this.options.session) <= record.createdAt;
    const expiredBy = expired && !isOver ? record.createdAt : undefined;
    const vacated = await repository.vacate(holder.id, holder.slot, expiredBy);
    if (!vacated) return false;
    displaced[expired ? 'expired' : 'ended'].push(holder);
    displaced.surplus = surplus;
    return true;
  }

  /**
   * The login came to nothing: what was ended for it goes on, unless another login has its place. Within a transaction of the
   * host's nobody else has seen that end, and a rollback undoes it too.
   */
  async undo({ ended, expired }: Displaced, repository: SessionRepository): Promise<void> {
    if (repository !== this.repository) {
      await Promise.allSettled(ended.map((row) => repository.reinstate(row.id, row.slot, row.expiresAt)));
      return;
    }
    const gone: SessionRecord[] = [];
    for (const row of ended) {
      const undone = repository.reinstate(row.id, row.slot, row.expiresAt).catch(() => {
        this.logger.error(
          line(
            'session-unreinstated',
            `Session ${row.id} was ended for a login that failed, and could not be reinstated.`,
          ),
        );
        return false;
      });
      if (!(await undone)) gone.push(row);
    }
    this.deleteRows(gone, expired);
  }

  /** The login stands. What has no job any more is deleted beside the answer; what cannot be, by the next purge. */
  settle({ userId }: SessionRecord, { ended, expired, surplus }: Displaced): void {
    this.deleteRows(ended, expired);
    if (surplus.length === 0) return;
    const ids = surplus.map((row) => row.id);
    this.background.start(async () => {
      const count = await this.repository.deleteSurplus(userId, ids, this.options.session.limitPerUser!);
      // Each by itself: the user's other sessions live. What another login deleted meanwhile is announced by both.
      if (count > 0) for (const row of surplus) this.revoker.announceOne(row, EVICTED);
    });
  }

  private deleteRows(ended: SessionRecord[], expired: SessionRecord[]): void {
    for (const row of ended) this.revoker.announceOne(row, EVICTED);
    for (const { id } of [...ended, ...expired]) this.background.start(() => this.repository.deleteById(id));
  }

  /** Lets the deletions under way finish before the data source closes. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.background.finish(this.options.storageTimeout);
  }
}
