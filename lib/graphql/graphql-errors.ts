import { JwtKnoxError } from '../contracts/errors';

/** An error as GraphQL answers it. */
export interface FormattedError {
  readonly message: string;
  readonly extensions?: { [name: string]: unknown } | undefined;
}

/** What was thrown in a resolver: GraphQL wraps it, more than once where a schema is delegated to. */
function thrownIn(error: unknown): unknown {
  let thrown = error;
  for (let depth = 0; depth < 5; depth++) {
    const { originalError } = Object(thrown) as { originalError?: unknown };
    if (!originalError) break;
    thrown = originalError;
  }
  return thrown;
}

/** Gives errors of the library their code, and the status that they have over HTTP; others are as they were. */
export function withLibraryCode<Formatted extends FormattedError>(formatted: Formatted, error: unknown): Formatted {
  const thrown = thrownIn(error);
  if (!(thrown instanceof JwtKnoxError)) return formatted;
  const { code, status, message } = thrown;
  return { ...formatted, message, extensions: { ...formatted.extensions, code, http: { status } } };
}

/** The same of an error that nobody has formatted yet. */
export function formattedOf(error: any): FormattedError {
  return withLibraryCode(typeof error?.toJSON === 'function' ? error.toJSON() : error, error);
}
