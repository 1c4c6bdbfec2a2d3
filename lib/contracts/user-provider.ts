import { Discreet } from './discreet';
import type { Session } from './session';

/** What a login sends. Both are non-empty, well-formed and at most 1,024 characters long. */
export interface Credentials {
  username: string;
  password: string;
}

/** Stops the storage deadline while work runs that is slow on purpose, such as password hashing. */
export type ExcludeFromDeadline = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * How the library meets the host's users. Extend it and name the class in `JwtKnoxModule.forRoot({ userProvider })`.
 * Errors: an HttpException passes to the client, a lost database connection becomes 503, anything else 500.
 */
export abstract class UserProvider<User = any> extends Discreet {
  /**
   * The user these credentials belong to, or null. Verify a dummy hash for an unknown user, so that both take the same
   * time (OWASP ASVS 5.0 V6.3.8). Wrap the hashing in `exclude(…)`: it does not count against `storageTimeout` then.
   */
  abstract validateCredentials(
    credentials: Credentials,
    request: any,
    exclude: ExcludeFromDeadline,
  ): Promise<User | null>;

  /** The user with this id, as {@link getId} gave it, or null. Runs on every request: keep it one indexed read. */
  abstract findById(id: string): Promise<User | null>;

  /** The user's stable id; becomes `sub` and the session's `userId`. Not empty, at most 255 characters. */
  getId(user: User): string {
    return String((user as { id?: unknown }).id);
  }

  /** Whether the user may log in and use sessions now. */
  isActive(user: User): boolean {
    return (user as { isActive?: unknown }).isActive !== false;
  }

  /** Whether the user may use the admin routes. */
  isAdmin(_user: User): boolean {
    return false;
  }

  /**
   * Sessions whose credentials were proven before this moment do not count: the last password change, or the user's own
   * creation, so that a re-used id does not inherit sessions. Take it from the application's clock.
   */
  validSince(_user: User): Date | null {
    return null;
  }

  /**
   * Before the end of all sessions of a user is acknowledged. Keep the moment in the user's row and let
   * {@link validSince} give the latest of its moments: then a login that was already under way, on any process, ends
   * too. The moment lies a few milliseconds ahead, and the acknowledgement waits for it. May be called more than once.
   */
  onRevokeAll(_userId: string, _at: Date): void | Promise<void> {}

  /** After a login succeeded, e.g. to note it in the user's row. Awaited; a failure is logged and the login stands. */
  onLogin(_user: User, _session: Session): void | Promise<void> {}
}
