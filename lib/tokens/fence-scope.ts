import { sha256 } from './token-key';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Scope of one user's fence: a digest, so that no database takes two users for one. A UUID in lowercase: a `uuid` column
 * takes both spellings for the same user, and so must the fence.
 */
export function fenceScope(realm: string, userId: string): string {
  return sha256(`${realm}\0${UUID.test(userId) ? userId.toLowerCase() : userId}`);
}

/** Scope of the fence that holds for all users of a realm: a digest again, of what is no user's. */
export function fenceScopeOfAll(realm: string): string {
  return realm === '' ? '*' : sha256(`${realm}\0`);
}
