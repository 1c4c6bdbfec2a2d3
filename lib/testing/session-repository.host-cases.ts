import { deepStrictEqual as deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import type { SessionRecord } from '../contracts/session';
import type { SessionRepository } from '../contracts/session.repository';

/** What a storage has of your application's, for the contract's tests of it; leave out what it has not. */
export interface HostSubject {
  /** Columns of your own, with the values to write. */
  columns?: Readonly<Record<string, unknown>> | undefined;
  /** Reads these columns of a session. */
  readColumns?: ((id: string) => Promise<Readonly<Record<string, unknown>> | undefined>) | undefined;
  /** Runs work in a transaction: commits it, or undoes it when work throws. */
  transaction?: (<T>(work: (manager: object) => Promise<T>) => Promise<T>) | undefined;
}

type NewRecord = (change?: Partial<SessionRecord>) => SessionRecord;
type HostCase = (subject: HostSubject & { repository: SessionRepository }, newRecord: NewRecord) => Promise<void>;

/** What every repository promises of columns and transactions of your application's, by the title of its test. */
export const HOST_CASES: Record<string, HostCase> = {
  'writes columns of your own with the row, or says that it has none': async (subject, newRecord) => {
    const { repository, columns, readColumns } = subject;
    deepEqual(repository.columnProblems({}), []);
    if (!columns || !readColumns) return ok(repository.columnProblems({ tenant: 1 }).length > 0);
    deepEqual(repository.columnProblems(columns), []);
    const record = newRecord();
    equal(await repository.insert(record, columns), true);
    deepEqual((await repository.findById(record.id))?.record, record);
    deepEqual(await readColumns(record.id), columns);
  },

  'commits or undoes a session with your transaction, or says that it takes no part': async (subject, newRecord) => {
    const { repository, transaction } = subject;
    if (!transaction) return void throws(() => repository.within({}), TypeError);
    const [kept, undone] = [newRecord(), newRecord()];
    const done: string[] = [];
    const insert = async (manager: object, record: SessionRecord) => {
      const within = repository.within(manager)!;
      within.afterCommit(async () => void done.push(record.id));
      equal(await within.repository.insert(record), true);
      equal((await within.repository.findById(record.id))?.record.id, record.id);
      deepEqual(done, []);
    };
    const failing = transaction(async (manager) => {
      await insert(manager, undone);
      throw new RangeError('undone');
    });
    await rejects(failing, RangeError);
    equal(await repository.findById(undone.id), null);
    await transaction((manager) => insert(manager, kept));
    deepEqual(done, [kept.id]);
    deepEqual((await repository.findById(kept.id))?.record, kept);
  },

  'hands what fails after the commit to whoever commits': async ({ repository, transaction }, newRecord) => {
    if (!transaction) return;
    const record = newRecord();
    const failing = transaction(async (manager) => {
      const within = repository.within(manager)!;
      await within.repository.insert(record);
      within.afterCommit(() => Promise.reject(new RangeError('too late')));
    });
    await rejects(failing, RangeError);
    equal((await repository.findById(record.id))?.record.id, record.id);
  },

  'leaves your transaction usable when a slot is taken': async ({ repository, transaction }, newRecord) => {
    if (!transaction) return;
    const [holder, other] = [newRecord({ slot: 1 }), newRecord({ slot: 2 })];
    await repository.insert(holder);
    await transaction(async (manager) => {
      const within = repository.within(manager)!.repository;
      equal(await within.insert(newRecord({ slot: 1 })), false);
      equal(await within.insert(other), true);
      equal((await within.findSlots(holder.userId, { limit: 2, aliveAt: holder.createdAt, most: 1 })).length, 2);
      equal(await within.vacate(holder.id, 1), true);
      equal(await within.reinstate(holder.id, 2, holder.expiresAt), false);
      equal(await within.reinstate(holder.id, 1, holder.expiresAt), true);
    });
    deepEqual((await repository.findById(other.id))?.record, other);
    deepEqual((await repository.findById(holder.id))?.record, holder);
  },
};
