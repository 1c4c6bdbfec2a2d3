import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { Note } from '../notes/note.entity.js';
import { Passwords } from '../users/passwords.service.js';
import { newUser, User } from '../users/user.entity.js';

/** Who is there at the first start. */
export const DEMO_USERS = ['alice', 'bob', 'admin'].map((username) => ({ username, password: `${username}-password` }));

/** Three users with two notes each, in a database that has no users yet. A deleted user does not come back. */
export async function seedUsers(source: DataSource, passwords: Passwords): Promise<void> {
  if (await source.manager.exists(User)) return;
  for (const { username, password } of DEMO_USERS) {
    const user = newUser(username, await passwords.hash(password));
    user.isAdmin = username === 'admin';
    await source.manager.insert(User, user);
    const texts = [`A note of ${username}`, `Another note of ${username}`];
    await source.manager.insert(
      Note,
      texts.map((text, index) => ({ id: randomUUID(), userId: user.id, text, createdAt: user.createdAt + index })),
    );
  }
}
