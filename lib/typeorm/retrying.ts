import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import type { Connections } from './connections';
import { isDatabaseUnavailable, isRetryable, isUniqueViolation, LateStatement } from './driver-errors';

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
      const broken = kind === 'read' && retries === 0 && isBroken(error);
      if (contended ? retries >= MAX_RETRIES : !broken) throw error;
      // Contended: apart from each other, so that the same neighbours do not meet again. Broken: this connection is closed,
      // but where the server ended all of them, not before the pool has noticed.
      await delay(contended ? Math.random() * 10 * 2 ** retries : BROKEN_PAUSE_MS);
    }
  }
}

/** What was late already is not asked for again: nobody waits for it any more. */
function isBroken(error: unknown): boolean {
  return isDatabaseUnavailable(error) && !(error instanceof LateStatement);
}

/**
 * The same, but once within a transaction of the host's, which MySQL undoes as a whole: what is tried again would stand
 * alone.
 */
export function retryingOn<T>({ ofHost }: Connections, statement: () => Promise<T>, kind?: 'read'): Promise<T> {
  return ofHost ? statement() : retrying(statement, kind);
}

/**
 * Runs a write that a constraint may refuse: at a savepoint in the host's transaction, which goes on then.
 * @param plain the same outside of any transaction
 */
export function claiming<T>(
  connections: Connections,
  write: (manager: EntityManager) => Promise<T>,
  plain = () => connections.manage(write),
): Promise<T> {
  if (!connections.ofHost?.isTransactionActive) return retryingOn(connections, plain);
  return connections.manager.transaction(write);
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
