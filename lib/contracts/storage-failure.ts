const RETRYABLE = new Set<unknown>(['40001', '40P01', 'ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 1213, 1205]);

const BROKEN = new Set<unknown>([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
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

// Drivers report a lost connection by message alone: pg and its pool, mysql2, TypeORM.
const BROKEN_MESSAGE =
  /connect ENOENT|connection terminated|connection timeout|timeout exceeded when trying to connect|client has encountered a connection error|closed state|cannot use a pool|pool is (ended|closed)|server closed the connection|database connection is not open|not connected|driver not connected|queue limit reached/i;

/** The codes of an error, of the driver's error in it and of the errors that it gathers. */
function* errorChain(error: unknown): Generator<{ code?: unknown; errno?: unknown; message: string }> {
  for (let depth = 0; depth < 3 && typeof error === 'object' && error !== null; depth++) {
    const face = error as {
      code?: unknown;
      errno?: unknown;
      message?: unknown;
      driverError?: unknown;
      errors?: unknown;
    };
    yield { code: face.code, errno: face.errno, message: typeof face.message === 'string' ? face.message : '' };
    error = face.driverError ?? (Array.isArray(face.errors) ? face.errors[0] : undefined);
  }
}

/** Whether the database undid the statement because of its neighbours (deadlock, serialization, busy): try again. */
export function isRetryable(error: unknown): boolean {
  for (const { code, errno } of errorChain(error)) {
    if (RETRYABLE.has(code) || RETRYABLE.has(errno)) return true;
    if (typeof code === 'string' && code.startsWith('SQLITE_BUSY')) return true;
  }
  return false;
}

/** Whether the way to the database is broken or shut, rather than the statement wrong. */
export function isConnectionFailure(error: unknown): boolean {
  for (const { code, message } of errorChain(error)) {
    if (BROKEN.has(code) || (typeof code === 'string' && code.startsWith('08'))) return true;
    if (BROKEN_MESSAGE.test(message)) return true;
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

function hasCode(error: unknown, codes: readonly string[]): boolean {
  for (const { code } of errorChain(error)) if (typeof code === 'string' && codes.includes(code)) return true;
  return false;
}

/** What operators may know of a failure: its message and code. A driver's error carries the statement's parameters too. */
export function withoutParameters(error: unknown): Error {
  const [face, driverFace] = [...errorChain(error)];
  const bare = new Error(face?.message || 'unknown failure');
  const code = driverFace?.code ?? face?.code;
  return code === undefined ? bare : Object.assign(bare, { code });
}
