import type { Moment } from './clock';
import { isConnectionFailure } from './connection-errors';
import { Redacted } from './redacted';
import type { Session } from './session';

/** What a login sends. Both are non-empty, well-formed and at most 1,024 characters long. */
export interface Credentials {
  username: string;
  password: string;
}

/** Stops the storage deadline while work runs that is slow on purpose, such as password hashing. */
export type ExcludeFromDeadline = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Tells the library how to find your users. Extend it and pass the class as `JwtKnoxModule.forRoot({ userProvider })`.
 * Errors: an HttpException passes to the client, what {@link isUnavailable} finds becomes 503, anything else 500.
 * @example
 * export class KnoxUsers extends UserProvider<User> {
 *   async validateCredentials({ username, password }: Credentials, _request: unknown, exclude: ExcludeFromDeadline) {
 *     const user = await this.users.findByName(username);
 *     const matches = await exclude(() => verify(password, user?.passwordHash ?? DUMMY_HASH));
 *     return user && matches ? user : null;
 *   }
 *
 *   findById(id: string) {
 *     return this.users.findById(Number(id));
 *   }
 * }
 */
export abstract class UserProvider<User = any> extends Redacted {
  /**
   * Returns the user these credentials belong to, or null. Verify a dummy hash for an unknown user, so that both take
   * the same time (OWASP ASVS 5.0 V6.3.8). Wrap the hashing in `exclude(…)`: it does not count against `storageTimeout` then.
   */
  abstract validateCredentials(
    credentials: Credentials,
    request: any,
    exclude: ExcludeFromDeadline,
  ): Promise<User | null>;

  /** Returns the user with this id (see {@link getId}), or null. Runs on every request: keep it one indexed read. */
  abstract findById(id: string): Promise<User | null>;

  /** The user's stable id; becomes `sub` and the session's `userId`. Not empty, at most 255 characters. */
  getId(user: User): string {
    return String((user as { id?: unknown }).id);
  }

  /**
   * The username that a login of this user sends, for `POST reauthenticate`, which takes the password alone. By default the
   * user's `username`, or else `email`.
   */
  getUsername(user: User): string | null {
    const { username, email = null } = user as { username?: string; email?: string | null };
    return username ?? email;
  }

  /**
   * Whether the user may log in and use sessions now: true or false, nothing else. By default the user's own `isActive`;
   * a user without such a property is active.
   */
  isActive(user: User): boolean {
    const { isActive = true } = user as { isActive?: boolean };
    return isActive;
  }

  /** Whether the user may use the admin routes. */
  isAdmin(_user: User): boolean {
    return false;
  }

  /**
   * Sessions whose credentials were proven before this moment do not count: for what changes outside of this library, and
   * for the user's own creation, so that a re-used id does not inherit sessions. Take it from the application's clock.
   */
  validSince(_user: User): Moment | null {
    return null;
  }

  /**
   * What of a user may be kept in memory: a plain object of plain values, without what a request must not share with
   * another. It is frozen, and becomes `request.user`. `leaseCache({ users: true })` needs it, and asks nobody else.
   */
  snapshot(_user: User): object | null {
    return null;
  }

  /**
   * Whether an error that this provider threw says that its users are out of reach: 503 then, and otherwise 500. By default,
   * what the network's own codes tell; beside that, the session storage's judgement counts. For users elsewhere, behind
   * LDAP for example, add the codes of that client.
   */
  isUnavailable(error: unknown): boolean {
    return isConnectionFailure(error);
  }

  /** After a login succeeded, e.g. to note it in the user's row. Awaited; a failure is logged and the login stands. */
  onLogin(_user: User, _session: Session): void | Promise<void> {}
}
