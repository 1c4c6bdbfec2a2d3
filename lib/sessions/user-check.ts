import { epochOf, type Moment } from '../contracts/clock';
import type { RejectionReason } from '../contracts/errors';
import type { SessionRecord } from '../contracts/session';
import type { UserProvider } from '../contracts/user-provider';

/** What speaks against a user and the moment at which they proved who they are. */
export function userRejection(users: UserProvider, user: unknown, record: SessionRecord): RejectionReason | null {
  const refusal = userRejectionOf(users, user, record.userId);
  if (refusal) return refusal;
  const since = validSinceOf(users, user);
  // Written so that an invalid Date refuses.
  return since === null || record.authenticatedAt >= since ? null : 'credentials_outdated';
}

/** Epoch milliseconds; null when the provider names no moment. */
export function validSinceOf(users: UserProvider, user: unknown): number | null {
  const since: Moment | null | undefined = users.validSince(user);
  if (since === null || since === undefined) return null;
  // A string is what drivers make of a BIGINT: taken for a moment, it would compare as one by chance.
  if (since instanceof Date || typeof since === 'number') return epochOf(since);
  throw new TypeError('UserProvider.validSince must return a Date, epoch milliseconds or null.');
}

/** What speaks against what the provider gave for an id: nobody, somebody else, or a user who is not active. */
export function userRejectionOf(users: UserProvider, user: unknown, id: string): RejectionReason | null {
  if (user === null || user === undefined) return 'user_not_found';
  if (users.getId(user) !== id) return 'user_mismatch';
  return isActive(users, user) ? null : 'user_inactive';
}

/** Only true or false: a promise, or what a database made of a boolean, would let somebody in, or nobody. */
export function isActive(users: UserProvider, user: unknown): boolean {
  const active: unknown = users.isActive(user);
  if (typeof active === 'boolean') return active;
  throw new TypeError(
    'UserProvider.isActive must return true or false; convert what your database stores, for example with `Boolean(Number(user.isActive))`.',
  );
}
