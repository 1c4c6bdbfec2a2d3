import { hash } from 'node:crypto';

/** Scope of the fence that holds for all users. */
export const ALL_USERS = '*';

/** Scope of one user's fence: a digest, so that no database takes two users for one. */
export function fenceScope(realm: string, userId: string): string {
  return hash('sha256', `${realm}\0${userId}`);
}
