// Everything that can happen to a session, and what can fail on the way, by somebody who knows each secret sent.
import { randomUUID } from 'node:crypto';
import { forged } from '../attacks/forgery.mjs';

/** A request of a flow was not answered as the flow needs it: then it shows nothing. */
export class Astray extends Error {}

/** Sends the requests of a flow, and keeps every secret and every answer that must hold none. */
export class Visitor {
  answers = [];
  sent = 0;

  constructor(node, secrets, passwords) {
    Object.assign(this, { node, secrets, passwords });
  }

  async send(expected, method, path, { token, basic, json, form, headers } = {}) {
    const response = await fetch(`http://127.0.0.1:${this.node.port}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(basic && { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: form ? new URLSearchParams(form) : json === undefined ? undefined : typeof json === 'string' ? json : JSON.stringify(json),
    }); // prettier-ignore
    const text = await response.text();
    this.sent++;
    if (expected !== null && response.status !== expected)
      throw new Astray(`${method} ${path} was answered ${response.status} ${text.slice(0, 200)}, not ${expected}.`);
    if (response.status === 200 && text.includes('"access_token"')) return this.keep(JSON.parse(text));
    this.answers.push(`${JSON.stringify([...response.headers])}\n${text}`);
    return text;
  }

  keep({ access_token: access, refresh_token: refresh, session_id: id }) {
    this.secrets.addToken('an access token', access);
    if (refresh) this.secrets.addToken('a refresh token', refresh);
    return { access, refresh, id };
  }

  login(username, expected = 200, headers = {}) {
    const json = { username, password: this.passwords.of(username), device_name: 'Phone' };
    return this.send(expected, 'POST', '/auth/login', { json, headers });
  }

  refresh(token, expected = 200, headers = {}) {
    return this.send(expected, 'POST', '/auth/refresh', { json: { refresh_token: token }, headers });
  }

  verify(token, expected = 204) {
    return this.send(expected, 'GET', '/auth/verify', { token });
  }
}

/** Each is `(visitor, { statement, signingSecret, clients, table })`; `statement` runs SQL on the database. */
export const FLOWS = {
  'a session': async (v) => {
    const one = await v.login('user0');
    await v.verify(one.access);
    await v.send(200, 'GET', '/whoami', { token: one.access });
    await v.send(200, 'GET', '/auth/debug-verify', { token: one.access });
    await v.send(200, 'GET', '/auth/sessions', { token: one.access });
    await v.verify(one.access, 204);
    await v.send(204, 'POST', '/auth/logout', { token: one.access });
    await v.verify(one.access, 401);
    await v.refresh(one.refresh, 401);
  },

  'wrong credentials': async (v) => {
    const login = (expected, json) => v.send(expected, 'POST', '/auth/login', { json });
    await login(401, { username: 'user0', password: v.passwords.wrong });
    await login(401, { username: 'nobody', password: v.passwords.of('user0') });
    await login(400, { username: { password: v.passwords.wrong }, password: [v.passwords.wrong] });
    await login(400, { username: 'user0', password: v.passwords.wrong, device_name: { of: v.passwords.wrong } });
    await login(400, { password: v.passwords.wrong });
  },

  'credentials in wrong places': async (v) => {
    const one = await v.login('user0');
    await v.verify(one.refresh, 401);
    await v.refresh(one.access, 401);
    await v.send(401, 'GET', '/auth/verify', { basic: `user0:${v.passwords.of('user0')}` });
    await v.send(null, 'GET', `/auth/verify?access_token=${one.access}`);
    await v.send(200, 'GET', `/whoami?access_token=${one.access}`, { token: one.access });
    await v.send(400, 'POST', '/auth/refresh', { json: { refresh_token: { token: one.refresh } } });
    await v.send(400, 'POST', '/auth/refresh', { json: { token: one.refresh } });
    await v.send(204, 'POST', '/auth/logout', { json: { refresh_token: one.refresh } });
  },

  'refresh and replay': async (v) => {
    const one = await v.login('user0');
    const two = await v.refresh(one.refresh);
    const again = await v.refresh(one.refresh);
    await v.verify(again.access);
    const three = await v.refresh(two.refresh);
    await v.verify(three.access);
    await v.refresh(one.refresh, 401);
    await v.refresh(three.refresh, 401);
  },

  'a retry by its key': async (v) => {
    const one = await v.login('user0');
    const headers = { 'idempotency-key': randomUUID() };
    v.secrets.add('an Idempotency-Key', headers['idempotency-key']);
    await v.refresh(one.refresh, 200, headers);
    const again = await v.refresh(one.refresh, 200, headers);
    await v.refresh(again.refresh, 400, { 'idempotency-key': headers['idempotency-key'].repeat(4) });
    await v.verify(again.access);
  },

  'a password change': async (v) => {
    const one = await v.login('user0');
    const two = await v.send(200, 'PUT', '/password', { token: one.access, json: { password: v.passwords.of('user0') } });
    await v.verify(one.access, 401);
    await v.refresh(one.refresh, 401);
    await v.verify((await v.refresh(two.refresh)).access);
  },

  'forged and spoilt tokens': async (v, { signingSecret }) => {
    const one = await v.login('user0');
    const forge = (token, change, secret = signingSecret) => forged(token, secret, change);
    const random = (token) => forge(token, { payload: { token_key: Buffer.alloc(32, 7).toString('base64url') } });
    await v.verify(random(one.access), 401);
    await v.refresh(random(one.refresh), 401);
    await v.verify(forge(one.access, { payload: { sub: 'id-user1' } }), 401);
    await v.verify(forge(one.access, { payload: { exp: 1 } }), 401);
    await v.verify(forge(one.access, { header: { alg: 'none' } }), 401);
    await v.verify(forge(one.access, { header: { kid: one.access } }), 401);
    await v.verify(forge(one.access, {}, 'another secret'), 401);
    await v.verify(`${one.access}A`, 401);
    await v.verify(`${one.access}.${one.refresh}`, 401);
    await v.send(204, 'POST', '/auth/logout', { token: one.access });
  },

  'the limit of sessions': async (v) => {
    const logins = [];
    for (let i = 0; i < 5; i++) logins.push(await v.login('user1'));
    await v.verify(logins[0].access, 401);
    await v.verify(logins[4].access);
  },

  'the ends of sessions': async (v) => {
    const [one, two, three] = [await v.login('user2'), await v.login('user2'), await v.login('user2')];
    await v.send(204, 'DELETE', `/auth/sessions/${two.id}`, { token: one.access });
    await v.send(200, 'POST', '/auth/logout-other', { token: one.access });
    await v.verify(three.access, 401);
    await v.send(200, 'POST', '/auth/logout-all', { token: one.access });
    const admin = await v.login('admin');
    await v.login('user2');
    await v.send(200, 'GET', '/auth/admin/users/id-user2/sessions', { token: admin.access });
    await v.send(200, 'DELETE', '/auth/admin/users/id-user2/sessions', { token: admin.access });
    await v.send(200, 'GET', '/auth/admin/statistics', { token: admin.access });
    await v.send(200, 'POST', '/auth/admin/purge-expired', { token: admin.access });
    await v.send(403, 'GET', '/auth/admin/statistics', { token: (await v.login('user2')).access });
  },

  'another user-agent': async (v) => {
    const one = await v.login('user3', 200, { 'user-agent': 'Phone' });
    await v.send(204, 'GET', '/auth/verify', { token: one.access, headers: { 'user-agent': 'Another' } });
  },

  'a user who is disabled': async (v, { statement }) => {
    const one = await v.login('user4');
    await statement("UPDATE app_users SET active = 0 WHERE username = 'user4'");
    await v.verify(one.access, 401);
    await v.refresh(one.refresh, 401);
    await v.login('user4', 401);
    await statement("UPDATE app_users SET active = 1 WHERE username = 'user4'");
  },

  introspection: async (v, { client }) => {
    const one = await v.login('user5');
    const basic = `${client.id}:${client.secret}`;
    for (const token of [one.access, one.refresh, `${one.access}A`])
      await v.send(200, 'POST', '/auth/introspect', { basic, form: { token } });
    await v.send(401, 'POST', '/auth/introspect', { basic: `${client.id}:${v.passwords.wrong}`, form: { token: one.access } });
    await v.send(401, 'POST', '/auth/introspect', { form: { token: one.access, client_secret: client.secret } });
    await v.send(400, 'POST', '/auth/introspect', { basic, form: { token_type_hint: one.access } });
    await v.send(415, 'POST', '/auth/introspect', { basic, json: { token: one.access } });
    await v.send(200, 'POST', '/auth/revoke', { basic, form: { token: one.refresh } });
    await v.send(200, 'GET', '/.well-known/oauth-authorization-server');
    await v.verify(one.access, 401);
  },

  'a host that fails': async (v) => {
    let one = await v.login('user6');
    for (const [how, failed] of [['bug', 500], ['connection', 503]]) {
      for (const place of ['credentials', 'claims', 'user']) {
        await v.node.ask('failing', { place, how });
        await v.login('user6', place === 'user' ? 200 : failed);
        await v.verify(one.access, place === 'user' ? failed : 204);
        if (place === 'credentials') one = await v.refresh(one.refresh);
        else await v.refresh(one.refresh, failed);
      }
    }
    await v.node.ask('failing', null);
  },

  'a storage that fails': async (v, { statement, client }) => {
    const one = await v.login('user7');
    await statement('ALTER TABLE jwt_knox_sessions RENAME TO jwt_knox_elsewhere');
    await v.login('user7', 503);
    await v.verify(one.access, 503);
    await v.refresh(one.refresh, 503);
    await v.send(503, 'GET', '/auth/debug-verify', { token: one.access });
    await v.send(503, 'POST', '/auth/logout', { token: one.access });
    await v.send(503, 'POST', '/auth/logout', { json: { refresh_token: one.refresh } });
    await v.send(503, 'POST', '/auth/introspect', { basic: `${client.id}:${client.secret}`, form: { token: one.refresh } });
    await statement('ALTER TABLE jwt_knox_elsewhere RENAME TO jwt_knox_sessions');
    await v.verify(one.access);
  },

  'tokens for host code': async (v) => {
    const { seen, access, refresh } = await v.node.ask('issue', { id: 'id-user3', active: 1 });
    v.keep({ access_token: access, refresh_token: refresh });
    v.answers.push(seen);
    await v.verify(access);
  },
}; // prettier-ignore
