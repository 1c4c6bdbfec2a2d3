import { describe, expect, it } from 'vitest';
import { createApp, environments } from '../support/create-app';

describe.each(environments)('the member of the login that holds the username: $title', ({ platform, kind }) => {
  const messageTo = async (http: any, json: unknown) => {
    const { status, body } = await http.post('/auth/login', { json });
    return [status, body.message];
  };

  it('has the name that the options give it, in the messages too', async () => {
    const t = await createApp(platform, kind, { extras: { routes: { login: { usernameField: 'email' } } } });
    try {
      await t.users.add('alice');
      const password = 'alice-password';
      expect((await t.http.post('/auth/login', { json: { email: 'alice', username: 'bob', password } })).status).toBe(
        200,
      );
      const remedy = 'send email and password as JSON.';
      expect(await messageTo(t.http, { username: 'alice', password })).toEqual([400, `email is missing: ${remedy}`]);
      expect(await messageTo(t.http, { email: 'alice' })).toEqual([400, `password is missing: ${remedy}`]);
      expect(await messageTo(t.http, {})).toEqual([400, `email and password are missing: ${remedy}`]);
      expect(await messageTo(t.http, { email: ['alice'], password })).toEqual([400, 'email must be a string']);
    } finally {
      await t.close();
    }
  });

  it('is username as ever, and the message says so', async () => {
    const t = await createApp(platform, kind);
    try {
      const remedy = 'username is missing: send username and password as JSON.';
      expect(await messageTo(t.http, { email: 'alice', password: 'alice-password' })).toEqual([400, remedy]);
      expect((await t.http.post('/auth/login')).status).toBe(400);
    } finally {
      await t.close();
    }
  });

  it.each(['password', 'device_name', '', 'a b', '__proto__', 'constructor', 7])('is not called %j', async (name) => {
    const extras = { routes: { login: { usernameField: name as string } } };
    await expect(createApp(platform, kind, { extras })).rejects.toThrow('routes.login.usernameField: must be a name');
  });

  it('is no setting of a route that is not there', async () => {
    const extras = { routes: { session: false, login: { usernameField: 'email' } } };
    await expect(createApp(platform, kind, { extras })).rejects.toThrow('routes.login.usernameField: has no effect');
  });
});
