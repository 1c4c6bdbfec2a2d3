import { sha256 } from './token-key';

/**
 * Scope of one user's fence: a digest, so that no database takes two users for one. In lowercase: many columns take both
 * spellings for the same user, and so must the fence. Where they are two, a login under way of the other begins again.
 */
export function fenceScope(realm: string, userId: string): string {
  return sha256(`${realm}\0${userId.toLowerCase()}`);
}

/** Scope of the fence that holds for all users of a realm: a digest again, of what is no user's. */
export function fenceScopeOfAll(realm: string): string {
  return realm === '' ? '*' : sha256(`${realm}\0`);
}
