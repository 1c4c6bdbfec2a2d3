import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Credentials } from '../../lib';
import { createApp, environments, type TestApp } from '../support/create-app';

const ATTEMPTS = [
  ['an unknown user', 'nobody', 'nobody-password'],
  ['a wrong password', 'alice', 'wrong'],
  ['a disabled user', 'mallory', 'mallory-password'],
  ['a disabled user with a wrong password', 'mallory', 'wrong'],
] as const;

describe.each(environments)('S8: a login that fails: $title', ({ platform, kind }) => {
  let t: TestApp;
  let hashes = 0;

  beforeAll(async () => {
    t = await createApp(platform, kind);
    await t.users.add('alice');
    await t.users.add('mallory', { isActive: false });
    const real = t.users.validateCredentials.bind(t.users);
    t.users.validateCredentials = (credentials: Credentials, request, exclude) =>
      real(credentials, request, (work) => {
        hashes++;
        return exclude(work);
      });
  });
  afterAll(() => t.close());

  const attempt = async (username: string, password: string) => {
    hashes = 0;
    t.statements.length = 0;
    const { headers, ...answer } = await t.http.post('/auth/login', { json: { username, password } });
    const { date, ...others } = headers;
    expect(date).toBeDefined();
    return { ...answer, headers: others, rawHeaderNames: Object.keys(headers), hashes, statements: [...t.statements] };
  };

  it('S8: looks the same for an unknown user, a wrong password and a disabled user', async () => {
    const answers = [];
    for (const [, username, password] of ATTEMPTS) answers.push(await attempt(username, password));
    const [first, ...others] = answers;
    expect(first!.status).toBe(401);
    expect(first!.body).toEqual({
      statusCode: 401,
      error: 'Unauthorized',
      code: 'invalid_credentials',
      message: 'The credentials are not valid.',
    });
    expect(first!.headers['www-authenticate']).toBe('Bearer realm="jwt-knox"');
    for (const other of others) expect(other).toEqual(first);
  });

  it.each(ATTEMPTS)(
    'S8: for %s costs one verification of a hash and two statements',
    async (_title, username, password) => {
      const { hashes: verified, statements } = await attempt(username, password);
      expect([verified, statements.length]).toEqual([1, 2]);
    },
  );

  it('S8: control: a login that succeeds is told apart by the same look', async () => {
    const failed = await attempt('alice', 'wrong');
    const succeeded = await attempt('alice', 'alice-password');
    expect(succeeded.status).toBe(200);
    expect(succeeded.hashes).toBe(1);
    expect(succeeded.statements.length).toBeGreaterThan(failed.statements.length);
  });

  it('S8: tells the host, and only the host, which of them it was', async () => {
    t.events.length = 0;
    for (const [, username, password] of ATTEMPTS) await attempt(username, password);
    expect(t.events.map(({ name, event }) => [name, event.username, event.reason])).toEqual([
      ['login.failed', 'nobody', 'credentials'],
      ['login.failed', 'alice', 'credentials'],
      ['login.failed', 'mallory', 'inactive'],
      ['login.failed', 'mallory', 'credentials'],
    ]);
  });
});
