import { errorChain, isConnectionFailure } from '../contracts/connection-errors';

const RETRYABLE = new Set<unknown>(['40001', '40P01', 'ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 1213, 1205]);

const UNAVAILABLE = new Set<unknown>([
  // PostgreSQL: shutting down, crashed, starting, too many connections.
  '57P01',
  '57P02',
  '57P03',
  '53300',
  // The database itself is gone.
  '3D000',
  'ER_BAD_DB_ERROR',
  'PROTOCOL_CONNECTION_LOST',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_CONNECTION_KILLED',
  'POOL_CLOSED',
]);

// By message alone: pg and its pool, mysql2, better-sqlite3.
const UNAVAILABLE_MESSAGE =
  /client has encountered a connection error|closed state|cannot use a pool|pool is (ended|closed)|database connection is not open|queue limit reached/i;

/** Whether the database undid the statement because of its neighbours (deadlock, serialization, busy): try again. */
export function isRetryable(error: unknown): boolean {
  for (const { code, errno } of errorChain(error)) {
    if (RETRYABLE.has(code) || RETRYABLE.has(errno)) return true;
    if (typeof code === 'string' && code.startsWith('SQLITE_BUSY')) return true;
  }
  return false;
}

/** Whether the way to the database is broken or shut, rather than the statement wrong. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (isConnectionFailure(error)) return true;
  for (const { code, message } of errorChain(error)) {
    if (UNAVAILABLE.has(code) || (typeof code === 'string' && code.startsWith('08'))) return true;
    if (UNAVAILABLE_MESSAGE.test(message)) return true;
  }
  return false;
}

/** Whether a row with the same unique key is there already. */
export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, ['23505', 'ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE']);
}

/** Whether the row that a foreign key names is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  return hasCode(error, ['23503', 'ER_NO_REFERENCED_ROW_2', 'SQLITE_CONSTRAINT_FOREIGNKEY']);
}

/** Whether a column that must not be null was given nothing. */
export function isMissingValue(error: unknown): boolean {
  return hasCode(error, ['23502', 'ER_BAD_NULL_ERROR', 'ER_NO_DEFAULT_FOR_FIELD', 'SQLITE_CONSTRAINT_NOTNULL']);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  for (const { code } of errorChain(error)) if (typeof code === 'string' && codes.includes(code)) return true;
  return false;
}
