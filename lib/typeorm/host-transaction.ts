import type { DataSource, EntityManager, EntitySubscriberInterface, QueryRunner, Repository } from 'typeorm';
import type { SessionRepository, StorageTransaction } from '../contracts/session.repository';
import type { JwtKnoxSessionBase } from './session.entity';

type Rows = Repository<JwtKnoxSessionBase>;
type Work = () => Promise<void>;

/** Where a connection keeps what is to run when its transaction has committed. */
const AFTER_COMMIT = 'jwt-knox.after-commit';

/** Hears of the end of transactions; of savepoints too, which end nothing. */
class TransactionEnds implements EntitySubscriberInterface {
  async afterTransactionCommit({ queryRunner }: { queryRunner: QueryRunner }): Promise<void> {
    const failures: unknown[] = [];
    // One after the other: they share a connection.
    for (const work of worksOf(queryRunner)) await work().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  afterTransactionRollback({ queryRunner }: { queryRunner: QueryRunner }): void {
    worksOf(queryRunner);
  }
}

/** What a transaction that is over leaves to do; once. */
function worksOf({ isTransactionActive, data }: QueryRunner): readonly Work[] {
  if (isTransactionActive) return [];
  const works = (data[AFTER_COMMIT] ?? []) as Work[];
  delete data[AFTER_COMMIT];
  return works;
}

/** Whether subscribers of the host's are to be told of rows. */
export function hasHostSubscribers({ subscribers }: DataSource): boolean {
  return subscribers.some((one) => !(one instanceof TransactionEnds));
}

/**
 * The transaction that a manager stands for; null when none is under way.
 * @param rows the sessions outside of it
 * @param open makes the repository within it
 * @throws TypeError for anything but a manager of that data source
 */
export function transactionOf(
  given: object,
  rows: Rows,
  open: (rows: Rows) => SessionRepository,
): StorageTransaction | null {
  const manager = given as EntityManager;
  const source = rows.manager.connection;
  if (typeof manager.getRepository !== 'function' || manager.connection !== source) {
    throw new TypeError(
      "issue: manager must be an EntityManager of the sessions' data source; pass the one that its transaction() hands you.",
    );
  }
  const { queryRunner } = manager;
  if (!queryRunner?.isTransactionActive) return null;
  if (!source.subscribers.some((one) => one instanceof TransactionEnds)) source.subscribers.push(new TransactionEnds());
  return {
    repository: open(manager.getRepository<JwtKnoxSessionBase>(rows.target)),
    afterCommit: (work) => void ((queryRunner.data[AFTER_COMMIT] ??= []) as Work[]).push(work),
  };
}
