import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../src/users/hashing-queue.js';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe('S8: a refused login', () => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ THROTTLE: 'off', PASSWORD_COST: 'normal' });
    const { access_token: token } = await app.login('admin');
    await app.http.send('PATCH', '/users/bob', { token, json: { is_active: false } });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const attempts = {
    'an unknown user': { username: 'nobody', password: 'alice-password' },
    'a name that cannot be': { username: 'no body', password: 'alice-password' },
    'a wrong password': { username: 'alice', password: 'not-her-password' },
    'a disabled user': { username: 'bob', password: 'bob-password' },
    'a disabled user with a wrong password': { username: 'bob', password: 'not-his-password' },
  };
  const login = (json: object) => app.http.send('POST', '/auth/login', { json });

  it('tells nobody why, by status, headers or body', async () => {
    const answers = await Promise.all(Object.values(attempts).map(login));
    for (const { status, body, headers } of answers) {
      expect({ status, body, challenge: headers['www-authenticate'] }).toEqual({
        status: 401,
        body: answers[0]!.body,
        challenge: answers[0]!.headers['www-authenticate'],
      });
    }
    expect(answers[0]!.body.code).toBe('invalid_credentials');
  });

  it('costs one verification of a hash, whyever it is refused', async () => {
    const { users, queue, close } = await openUsers();
    for (const credentials of Object.values(attempts)) {
      queue.runs = 0;
      const user = await users.validateCredentials(credentials, { socket: { destroyed: false } }, (work) => work());
      expect([credentials, user?.username ?? null, queue.runs]).toEqual([
        credentials,
        credentials === attempts['a disabled user'] ? 'bob' : null,
        1,
      ]);
    }
    await close();
  });
});

/** The application's own users, alice and bob, and a queue that counts. What they import has to be built first. */
async function openUsers() {
  // One after the other: Node cannot require an ES module while an import of it is under way.
  const { HashingQueue } = await import('../src/users/hashing-queue.js');
  const { KnoxUsers } = await import('../src/users/knox-users.service.js');
  const { Passwords } = await import('../src/users/passwords.service.js');
  const { newUser, User } = await import('../src/users/user.entity.js');
  class CountingQueue extends HashingQueue {
    runs = 0;

    override run<T>(client: Client | undefined, hash: () => Promise<T>): Promise<T> {
      this.runs++;
      return super.run(client, hash);
    }
  }
  const source = new DataSource({ type: 'better-sqlite3', database: ':memory:', entities: [User], synchronize: true });
  await source.initialize();
  const rows = source.getRepository(User);
  const queue = new CountingQueue();
  const passwords = new Passwords('normal', queue);
  for (const name of ['alice', 'bob']) await rows.insert(newUser(name, await passwords.hash(`${name}-password`)));
  return { users: new KnoxUsers(rows, passwords), queue, close: () => source.destroy() };
}
