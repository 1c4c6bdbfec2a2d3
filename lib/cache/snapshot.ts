import type { UserProvider } from '../contracts/user-provider';
import type { KnownUser } from '../sessions/session-cache';
import { isActive, validSinceOf } from '../sessions/user-check';

/**
 * What may be kept of a user.
 * @throws TypeError for what is not plain
 */
export function snapshotOf(users: UserProvider, user: unknown): unknown {
  const snapshot: unknown = users.snapshot(user);
  if (typeof snapshot === 'object' && snapshot !== null) return frozen(snapshot);
  throw new TypeError('UserProvider.snapshot must return an object: what of the user may be kept in memory.');
}

/** What is kept of the user that was found for an id; undefined for nothing. */
export function knownUser(users: UserProvider, userId: string, user: unknown): KnownUser | undefined {
  if (user === null || user === undefined || users.getId(user) !== userId || !isActive(users, user)) return undefined;
  return { user: snapshotOf(users, user), validSince: validSinceOf(users, user) };
}

/**
 * Freezes a plain object and all that it holds.
 * @throws TypeError for what is not plain: requests would share it, and could change it
 */
export function frozen<T>(value: T, path = 'snapshot', seen = new Set<unknown>()): T {
  if (typeof value === 'function' || typeof value === 'symbol') throw notPlain(path);
  // It may hold itself.
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) throw notPlain(path);
  seen.add(value);
  for (const [name, member] of Object.entries(value)) frozen(member, `${path}.${name}`, seen);
  return Object.freeze(value);
}

function notPlain(path: string): TypeError {
  return new TypeError(
    `UserProvider.${path} must be plain: objects, lists, texts, numbers and booleans; write a Date as its time in ms.`,
  );
}
