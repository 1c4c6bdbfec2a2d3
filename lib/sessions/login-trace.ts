import { BindingError } from '../contracts/binding-errors';
import { InvalidCredentialsError, SessionLimitReachedError } from '../contracts/errors';
import { LOGIN } from '../contracts/diagnostics';
import type { LoginFailure } from '../contracts/events';
import type { SessionKind } from '../contracts/session';
import { FencedLogin } from './session-inserter';

/** What the work knows better than its error says. */
interface LoginNote {
  reason?: string;
}

/** Tells of a login, while somebody listens. */
export function traceLogin<T>(
  options: { readonly realm: string },
  kind: SessionKind,
  work: (note: LoginNote) => Promise<T>,
): Promise<T> {
  if (!LOGIN.isHeard) return work({});
  return LOGIN.trace(options, { kind }, async (told) => {
    try {
      return await work(told);
    } catch (error) {
      const reason = loginFailureOf(error);
      if (reason) told.reason ??= reason;
      throw error;
    }
  });
}

/** Why a login with credentials that are right came to nothing; null where the storage or an option is to blame. */
export function loginFailureOf(error: unknown): LoginFailure | null {
  if (error instanceof FencedLogin) return 'fenced';
  if (error instanceof InvalidCredentialsError) return 'inactive';
  if (error instanceof BindingError) return error.code === 'use_dpop_nonce' ? null : 'binding';
  return error instanceof SessionLimitReachedError ? 'session_limit' : null;
}
