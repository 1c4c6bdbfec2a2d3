import { Inject, Injectable } from '@nestjs/common';
import { line } from '../contracts/log-line';
import type { SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { ThrottledLogger } from './throttled-logger';
import { fromStorage, RequestDeadline } from './request-deadline';
import { Turns } from './turns';

/** Writes of mere last uses at once; more would take the connections of a slow storage. */
const MAX_NOTES = 4;

/** Notes when sessions were used. Not awaited by requests: a slow or read-only storage delays nobody. */
@Injectable()
export class LastUsed {
  private readonly log = new ThrottledLogger(LastUsed.name);
  private readonly notes = new Map<string, Promise<void>>();
  /** The notes that mark the delivery of a rotation: none of these is left out, whatever else is to be noted. */
  private readonly deliveries = new Map<string, Promise<void>>();
  /** A few at once; the others wait, and none is left out. */
  private readonly turns = new Turns(MAX_NOTES);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
  ) {}

  /**
   * Notes a use, at most once per `touchInterval`; at once when it is the first of a new generation, which proves that the
   * answer to the rotation arrived.
   * @param generation of the token that was used
   */
  note(record: SessionRecord, generation: number, now: number): void {
    const isDelivered = record.rotatedAt === null || record.lastUsedAt > record.rotatedAt;
    if (!isDelivered) {
      // An access token of the generation before must not pass for the successor's first use.
      if (generation === record.generation) this.noteDelivery(record, now);
      return;
    }
    // The first use of a token for a program is told at once: one that leaked must not look unused.
    const isFirst = record.kind === 'program' && record.lastUsedAt === record.createdAt;
    if (!isFirst && now - record.lastUsedAt < this.options.session.touchInterval) return;
    // One at a time for a session, and few in all.
    if (this.notes.has(record.id) || this.notes.size >= MAX_NOTES) return;
    this.notes.set(
      record.id,
      this.write(record, now).finally(() => this.notes.delete(record.id)),
    );
  }

  private noteDelivery(record: SessionRecord, now: number): void {
    const key = `${record.id} ${record.generation}`;
    if (this.deliveries.has(key)) return;
    const written = this.turns.take(() => this.write(record, now));
    this.deliveries.set(
      key,
      written.finally(() => this.deliveries.delete(key)),
    );
  }

  private write(record: SessionRecord, now: number): Promise<void> {
    const lastUsedAt = Math.max(now, (record.rotatedAt ?? 0) + 1, record.kind === 'program' ? record.createdAt + 1 : 0);
    return fromStorage(() => this.repository.touch(record.id, record.generation, lastUsedAt)).catch((error: unknown) =>
      this.log.write('warn', line('use-unnoted', "Noting a session's use failed"), error),
    );
  }

  /** Lets the writes under way finish before the data source closes, as long as the storage answers in time. */
  async beforeApplicationShutdown(): Promise<void> {
    const finished = () => Promise.all([...this.notes.values(), ...this.deliveries.values()]);
    await new RequestDeadline(this.options.storageTimeout).run(finished).catch(() => undefined);
  }
}
