import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager, Repository } from 'typeorm';
import { isDatabaseUnavailable, isRetryable, isUniqueViolation } from './driver-errors';
import type { JwtKnoxSessionBase } from './session.entity';

const MAX_RETRIES = 3;
/** A server that ends a connection takes a while to close it, longer where it is busy. */
const BROKEN_PAUSE_MS = 50;

/** Runs a statement; what a neighbour's lock undid is tried again, a read also once on a fresh connection. */
export async function retrying<T>(statement: () => Promise<T>, kind: 'read' | 'write' = 'write'): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await statement();
    } catch (error) {
      const contended = isRetryable(error);
      const broken = kind === 'read' && retries === 0 && isDatabaseUnavailable(error);
      if (contended ? retries >= MAX_RETRIES : !broken) throw error;
      // Contended: apart from each other, so that the same neighbours do not meet again. Broken: not before the pool has
      // noticed, or it hands the dying connection out once more.
      await delay(contended ? Math.random() * 10 * 2 ** retries : BROKEN_PAUSE_MS);
    }
  }
}

/**
 * The same, but once within a transaction of the host's, which MySQL undoes as a whole: what is tried again would stand
 * alone.
 */
export function retryingOn<T>(manager: EntityManager, statement: () => Promise<T>, kind?: 'read'): Promise<T> {
  return manager.queryRunner ? statement() : retrying(statement, kind);
}

/** Runs a write that a constraint may refuse: at a savepoint in the host's transaction, which goes on then. */
export function claiming<T>(
  rows: Repository<JwtKnoxSessionBase>,
  write: (rows: Repository<JwtKnoxSessionBase>) => Promise<T>,
): Promise<T> {
  const { manager, target } = rows;
  if (!manager.queryRunner?.isTransactionActive) return retryingOn(manager, () => write(rows));
  return manager.transaction((nested) => write(nested.getRepository<JwtKnoxSessionBase>(target)));
}

/** Runs a write that claims a slot: a taken slot is an answer, not an error. */
export async function unlessTaken(write: () => Promise<boolean>): Promise<boolean> {
  try {
    return await write();
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}
