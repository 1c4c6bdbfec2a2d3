/** What a broken network gives, whoever meets it. */
const NETWORK_CODES = new Set<unknown>([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Clients of databases report a lost connection by message alone. */
const LOST_CONNECTION =
  /connect ENOENT|connection terminated|terminating connection|connection timeout|timeout exceeded when trying to connect|server closed the connection|not connected/i;

/** What is looked at of an error, or of an error in it. */
export interface ErrorFace {
  code?: unknown;
  errno?: unknown;
  message: string;
}

/** An error, the driver's error in it and the first of the errors that it gathers: at most three. */
export function* errorChain(error: unknown): Generator<ErrorFace> {
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

/** Whether what was asked is out of reach, by the codes of the network. What a driver adds to them, its store knows. */
export function isConnectionFailure(error: unknown): boolean {
  for (const { code, message } of errorChain(error)) {
    if (NETWORK_CODES.has(code) || LOST_CONNECTION.test(message)) return true;
  }
  return false;
}

/** What operators may know of a failure: its message and code. A driver's error carries the statement's parameters too. */
export function withoutParameters(error: unknown): Error {
  const [face, driverFace] = [...errorChain(error)];
  const bare = new Error(face?.message || 'unknown failure');
  const code = driverFace?.code ?? face?.code;
  return code === undefined ? bare : Object.assign(bare, { code });
}
