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
  // Galera: a node that has lost the others, or is not ready yet.
  'ER_UNKNOWN_COM_ERROR',
  'POOL_CLOSED',
  // mysql2: a statement's own time limit; the connection still waits for it.
  'PROTOCOL_SEQUENCE_TIMEOUT',
  // mysql: after a connection broke, or was ended.
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'PROTOCOL_ENQUEUE_AFTER_QUIT',
  // sqlite3: the handle is closed.
  'SQLITE_MISUSE',
]);

// By message alone: pg and its pool, mysql2, better-sqlite3, PGlite.
const UNAVAILABLE_MESSAGE =
  /client has encountered a connection error|query read timeout|closed state|cannot use a pool|pool is (ended|closed)|database connection is not open|queue limit reached|pglite is closed/i;

/** A statement that held its connection longer than it may, so that the connection was closed. */
export class LateStatement extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('The statement took too long; its connection was closed.');
  }
}

/** Whether the database undid the statement because of its neighbours (deadlock, serialization, busy): try again. */
export function isRetryable(error: unknown): boolean {
  for (const { code, errno } of errorChain(error)) {
    if (RETRYABLE.has(code) || RETRYABLE.has(errno)) return true;
    if (typeof code === 'string' && /^SQLITE_(BUSY|LOCKED)/.test(code)) return true;
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
  return hasCode(error, ['23505', 'ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE'], 'UNIQUE');
}

/** Whether the row that a foreign key names is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  return hasCode(error, ['23503', 'ER_NO_REFERENCED_ROW_2', 'SQLITE_CONSTRAINT_FOREIGNKEY'], 'FOREIGN KEY');
}

/** Whether a column that must not be null was given nothing. */
export function isMissingValue(error: unknown): boolean {
  return hasCode(
    error,
    ['23502', 'ER_BAD_NULL_ERROR', 'ER_NO_DEFAULT_FOR_FIELD', 'SQLITE_CONSTRAINT_NOTNULL'],
    'NOT NULL',
  );
}

/** Whether a column cannot hold a value: its character set, its length, its range or its type. */
export function isUnfitValue(error: unknown): boolean {
  return hasCode(error, UNFIT_VALUE);
}

const UNFIT_VALUE = [
  // PostgreSQL: too long, out of range, not in the database's encoding, not of the type.
  '22001',
  '22003',
  '22021',
  '22P02',
  '22P03',
  '22P05',
  'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD',
  'ER_TRUNCATED_WRONG_VALUE',
  'ER_DATA_TOO_LONG',
  'ER_WARN_DATA_OUT_OF_RANGE',
  'WARN_DATA_TRUNCATED',
  // A comparison of the text with a column of another character set.
  'ER_CANT_AGGREGATE_2COLLATIONS',
  'ER_CANNOT_CONVERT_STRING',
  'ER_INVALID_CHARACTER_STRING',
];

/** @param constraint how SQLite's own message begins, for the drivers that tell no more than it: sqlite3, sql.js */
function hasCode(error: unknown, codes: readonly string[], constraint?: string): boolean {
  for (const { code, message } of errorChain(error)) {
    if (typeof code === 'string' && codes.includes(code)) return true;
    if (constraint === undefined || (code !== undefined && code !== 'SQLITE_CONSTRAINT')) continue;
    if (SQLITE_CONSTRAINT.exec(message)?.[1] === constraint) return true;
  }
  return false;
}

const SQLITE_CONSTRAINT = /^(?:Error: |SQLITE_CONSTRAINT: )*(UNIQUE|FOREIGN KEY|NOT NULL) constraint failed/;
