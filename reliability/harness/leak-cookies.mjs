// Everything that can happen to a session whose tokens are in a browser's cookies.
import { randomUUID } from 'node:crypto';
import { createJwtKnoxClient } from '../../dist/client/index.mjs';
import { Astray } from './leak-flows.mjs';

/** Each is `(visitor, { statement })`, as the flows of the `Authorization` header. */
export const COOKIE_FLOWS = {
  'a session in cookies': async (v) => {
    await v.login('user0');
    for (const path of ['/whoami', '/auth/session', '/auth/sessions', '/auth/debug-verify']) await v.get(path);
    const old = new Map(v.jar);
    await v.send(204, 'POST', '/auth/logout');
    await v.send(401, 'GET', '/whoami', { cookies: old });
    await v.send(401, 'POST', '/auth/refresh', { cookies: old });
    await v.visit('/auth/devices', 303, { cookies: old });
    await v.get('/whoami', 401);
  },

  'wrong credentials': async (v) => {
    const { wrong } = v.passwords;
    await v.send(401, 'POST', '/auth/login', { json: { username: 'user0', password: wrong } });
    await v.loginForm('user0', wrong, 401);
    await v.loginForm('nobody', wrong, 401);
    await v.loginForm('user0', wrong.repeat(40), 400);
  },

  'refresh and replay of cookies': async (v) => {
    await v.login('user0');
    const first = new Map(v.jar);
    const headers = { 'idempotency-key': randomUUID() };
    await v.send(200, 'POST', '/auth/refresh', { headers });
    await v.send(200, 'POST', '/auth/refresh', { headers, cookies: first });
    await v.get('/whoami');
    await v.send(200, 'POST', '/auth/refresh');
    const latest = new Map(v.jar);
    await v.send(401, 'POST', '/auth/refresh', { cookies: first });
    await v.send(401, 'POST', '/auth/refresh', { cookies: latest });
    await v.get('/whoami', 401);
  },

  'a password change by cookies': async (v) => {
    v.forget();
    await v.login('user1');
    const old = new Map(v.jar);
    await v.send(200, 'PUT', '/password', { json: { password: v.passwords.of('user1') } });
    await v.get('/whoami');
    await v.send(401, 'GET', '/whoami', { cookies: old });
    await v.send(401, 'POST', '/auth/refresh', { cookies: old });
    v.forget();
  },

  'the pages': async (v) => {
    await v.visit('/auth/login');
    await v.visit('/auth/devices', 303);
    await v.loginForm('user2');
    const id = JSON.parse((await v.get('/auth/session')).text).id;
    await v.visit('/auth/devices?ended=1');
    await v.send(303, 'POST', '/auth/pages/devices', { form: { action: 'rename', id, device_name: 'Desk' } });
    await v.send(404, 'POST', '/auth/pages/devices', { form: { action: 'end', id: randomUUID() } });
    await v.send(303, 'POST', '/auth/pages/devices', { form: { action: 'end-others' } });
    await v.visit('/auth/admin', 403);
    const old = new Map(v.jar);
    await v.send(303, 'POST', '/auth/pages/devices', { form: { action: 'end-all' } });
    await v.visit('/auth/devices', 303, { cookies: old });
    await v.loginForm('admin');
    await v.visit('/auth/admin');
    await v.visit('/auth/admin/users?user_id=id-user2');
    await v.send(303, 'POST', '/auth/pages/admin/end-all', { form: { user_id: 'id-user2', reason: 'admin' } });
    await v.send(204, 'POST', '/auth/logout');
  },

  'renewal by navigation': async (v) => {
    await v.login('user3');
    v.dropAccess();
    await v.get('/whoami', 401);
    await v.visit('/whoami');
    v.dropAccess();
    await v.visit('/auth/devices');
    v.dropAccess();
    await v.send(303, 'POST', '/auth/pages/devices', { form: { action: 'end-others' } });
    v.dropAccess();
    await v.visit('/auth/devices', 401, { headers: { 'sec-fetch-site': 'cross-site' }, cookies: new Map() });
    const old = new Map(v.jar);
    await v.send(204, 'POST', '/auth/logout');
    await v.visit('/auth/devices', 303, { cookies: old });
    await v.visit('/whoami', 401, { cookies: old });
  },

  'a second login in one browser': async (v) => {
    await v.login('user4');
    const old = new Map(v.jar);
    await v.login('user5');
    await v.send(401, 'GET', '/whoami', { cookies: old });
    await v.send(204, 'POST', '/auth/logout');
  },

  'requests that are refused': async (v) => {
    await v.login('user4');
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' };
    await v.send(403, 'POST', '/auth/logout-all', { headers: foreign });
    await v.send(403, 'POST', '/auth/pages/devices', { form: { action: 'end-all' }, headers: foreign });
    const own = [...v.jar];
    const spoilt = new Map(own.map(([name, value]) => [name, `${value}A`]));
    await v.send(401, 'GET', '/whoami', { cookies: spoilt });
    await v.send(401, 'POST', '/auth/refresh', { cookies: spoilt });
    await v.visit('/auth/devices', null, { cookies: spoilt });
    const twice = [...own, ...own];
    await v.send(400, 'GET', '/whoami', { cookies: twice });
    await v.send(400, 'POST', '/auth/refresh', { cookies: twice });
    v.forget();
  },

  'the client in mode cookie': async (v) => {
    const items = new Map();
    const storage = {
      getItem: (key) => items.get(key) ?? null,
      setItem(key, value) {
        items.set(key, value);
        v.readable.push(`${key} ${value}`);
      },
      removeItem: (key) => items.delete(key),
    };
    const baseUrl = `http://127.0.0.1:${v.node.port}/auth`;
    const client = createJwtKnoxClient({ baseUrl, mode: 'cookie', storage, fetch: v.fetch });
    await client.login({ username: 'user6', password: v.passwords.of('user6') });
    v.dropAccess();
    const { status } = await client.fetch('/whoami');
    if (status !== 200) throw new Astray(`The client was answered ${status}.`);
    v.readable.push(JSON.stringify([await client.session(), await client.sessions()]));
    await client.logoutOther();
    await client.logout();
    if (items.size === 0) throw new Astray('The client stored nothing.');
  },

  'a storage that fails': async (v, { statement }) => {
    await v.login('user7');
    await statement('ALTER TABLE jwt_knox_sessions RENAME TO jwt_knox_elsewhere');
    await v.get('/whoami', 503);
    await v.send(503, 'POST', '/auth/refresh');
    await v.visit('/auth/devices', 503);
    await v.loginForm('user7', undefined, 503);
    v.dropAccess();
    await v.visit('/whoami', 503);
    await statement('ALTER TABLE jwt_knox_elsewhere RENAME TO jwt_knox_sessions');
    await v.visit('/whoami');
    await v.send(204, 'POST', '/auth/logout');
  },
};
