import { Inject, Injectable } from '@nestjs/common';
import { SessionLimitReachedError, StorageUnavailableError } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import type { SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import type { StorageDeadline } from './storage-deadline';

/** How a new session finds its place under the limit. */
export type Placement =
  | { kind: 'insert'; slot: number }
  | { kind: 'replace'; holder: SessionRecord; slot: number; expired: boolean; surplus: SessionRecord[] }
  | { kind: 'reject' };

const MAX_ATTEMPTS = 100;

/**
 * Where the next session of a user goes, given all rows of the user. Rows without a slot or above the limit count, and
 * go first: they are from before the limit was introduced or lowered.
 */
export function placementFor(
  rows: readonly SessionRecord[],
  limit: number,
  onLimit: 'reject' | 'evict-oldest',
  now: number,
  pick: (choices: number) => number = (choices) => Math.floor(Math.random() * choices),
): Placement {
  const seated = new Map(rows.filter((row) => isSeat(row.slot, limit)).map((row) => [row.slot as number, row]));
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
    .toSorted((a, b) => Number(isSeat(a.slot, limit)) - Number(isSeat(b.slot, limit)) || a.createdAt - b.createdAt)
    .slice(0, alive.length - limit + 1);
  const holder = leaving.find((row) => isSeat(row.slot, limit)) ?? (free.length > 0 ? leaving[0] : undefined);
  if (holder) {
    const slot = isSeat(holder.slot, limit) ? holder.slot! : free[0]!;
    return { kind: 'replace', holder, slot, expired: false, surplus: leaving.filter((row) => row !== holder) };
  }
  // Only rows without a seat leave, and every seat is held: one of the holders has expired, or another would leave.
  const expired = [...seated.values()].find((row) => row.expiresAt <= now)!;
  return { kind: 'replace', holder: expired, slot: expired.slot!, expired: true, surplus: leaving };
}

function isSeat(slot: number | null, limit: number): boolean {
  return slot !== null && slot >= 1 && slot <= limit;
}

/** Puts a new session into the storage, within the user's limit. */
@Injectable()
export class SessionPlacement {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly events: JwtKnoxEvents,
  ) {}

  /** @throws SessionLimitReachedError */
  async place(record: SessionRecord, deadline: StorageDeadline): Promise<void> {
    const { limitPerUser, onLimit } = this.options.session;
    if (limitPerUser === null) {
      await this.repository.insert(record);
      return;
    }
    // Every lost attempt means that another login of the same user won: the loop ends.
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const rows = await this.repository.findByUser(record.userId);
      // A login that was answered with 503 must evict nobody.
      deadline.ensureOpen();
      const placement = placementFor(rows, limitPerUser, onLimit, record.createdAt);
      if (placement.kind === 'reject') throw new SessionLimitReachedError();
      if (await this.take(placement, record)) return;
    }
    throw new StorageUnavailableError(new Error('Too many simultaneous logins of one user.'));
  }

  private async take(placement: Exclude<Placement, { kind: 'reject' }>, record: SessionRecord): Promise<boolean> {
    const seated = { ...record, slot: placement.slot };
    if (placement.kind === 'insert') return this.repository.insert(seated);
    // In place, by one UPDATE: DELETE + INSERT deadlocks on MariaDB and can lose a session between the two.
    const expiredBy = placement.expired ? record.createdAt : undefined;
    if (!(await this.repository.takeOver(placement.holder.id, seated, expiredBy))) return false;
    if (!placement.expired) this.evicted(placement.holder);
    for (const row of placement.surplus) if (await this.repository.deleteById(row.id)) this.evicted(row);
    return true;
  }

  private evicted(row: SessionRecord): void {
    this.events.emit('session.revoked', { userId: row.userId, sessionId: row.id, count: 1, reason: 'evicted' });
  }
}
