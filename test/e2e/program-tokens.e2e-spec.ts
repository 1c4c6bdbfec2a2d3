import { Controller, Get, UseGuards } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxGuard, type JwtKnoxExtras, type JwtKnoxOptions, RequireFresh, RequireLogin, Scopes } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import type { User } from '../support/users';

@Controller('orders')
@UseGuards(JwtKnoxGuard)
class OrdersController {
  @Get() @Scopes('orders:read') list() {
    return {};
  }
  @Get('own') @RequireLogin() own() {
    return {};
  }
  @Get('fresh') @RequireFresh('1h') fresh() {
    return {};
  }
}

const ORDER = { name: 'CI of the shop', scopes: ['orders:read'], password: 'alice-password' };
const DAY = 86_400_000;

describe.each(environments)('tokens for programs: $title', ({ platform, kind }) => {
  let t: TestApp;
  let alice: User;
  let token: string;
  const start = async (options: JwtKnoxOptions = {}, extras: JwtKnoxExtras = {}) => {
    t = await createApp(platform, kind, {
      options,
      extras: { routes: { tokens: true, admin: true, oauth: false }, ...extras },
      controllers: [OrdersController],
    });
    alice = await t.users.add('alice', { isAdmin: true });
    token = (await t.login()).access_token;
    t.events.length = 0;
  };
  beforeEach(() => start());
  afterEach(() => t.close());

  const make = (json: object = ORDER, by = token) => t.http.post('/auth/tokens', { token: by, json });
  const made = async (json: object = ORDER): Promise<any> => (await make(json)).body;
  const statusOf = async (path: string, by: string) => (await t.http.get(path, { token: by })).status;
  const codeOf = ({ status, body }: any) => [status, body.code];
  const restart = async (...given: Parameters<typeof start>) => {
    await t.close();
    await start(...given);
  };

  it('are made by their user, shown once, and open what their scopes say', async () => {
    const { status, body, headers } = await make({ ...ORDER, expires_in: 3_600 });
    expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
    const { token: secret, ...rest } = body;
    expect(rest).toEqual({
      id: expect.any(String),
      name: 'CI of the shop',
      scopes: ['orders:read'],
      created_at: new Date(t.clock.now()).toISOString(),
      last_used_at: null,
      expires_at: new Date(t.clock.now() + 3_600_000).toISOString(),
    });
    expect(claimsOf(secret)).toMatchObject({ sid: body.id, scope: 'orders:read' });
    expect(claimsOf(secret)).not.toHaveProperty('auth_time');
    const { body: listed } = await t.http.get('/auth/tokens', { token });
    expect(listed).toEqual([rest]);
    expect(await statusOf('/orders', secret)).toBe(200);
    expect(JSON.stringify(listed)).not.toContain(secret);
    expect(t.events.map(({ name, event }) => [name, event.session?.kind])).toEqual([['session.created', 'program']]);
    expect((await t.users.findById(String(alice.id)))?.logins).toBe(1);
  });

  it('take no lifetime for the longest one, written as null too', async () => {
    const { status, body } = await make({ ...ORDER, expires_in: null });
    expect([status, Date.parse(body.expires_at) - t.clock.now()]).toEqual([201, 365 * DAY]);
    await restart({ session: { maxProgramLifetime: null } });
    expect(codeOf(await make({ ...ORDER, expires_in: null }))).toEqual([400, 'invalid_request']);
  });

  it('live for a year at most, as long as they say, and keep their key for that long', async () => {
    const year = await made();
    expect(Date.parse(year.expires_at) - t.clock.now()).toBe(365 * DAY);
    const short = await made({ ...ORDER, expires_in: 60 });
    t.clock.advance('59s');
    expect(await statusOf('/orders', short.token)).toBe(200);
    t.clock.advance('2s');
    expect(await statusOf('/orders', short.token)).toBe(401);
    t.clock.advance('300d');
    expect(await statusOf('/orders', year.token)).toBe(200);
    t.clock.advance('65d');
    expect(await statusOf('/orders', year.token)).toBe(401);
  });

  it('need their own lifetime where none is the longest', async () => {
    await restart({ session: { maxProgramLifetime: null } });
    expect(codeOf(await make())).toEqual([400, 'invalid_request']);
    const long = await made({ ...ORDER, expires_in: 3_650 * 86_400 });
    t.clock.advance('3649d');
    expect(await statusOf('/orders', long.token)).toBe(200);
  });

  it('end when the longest lifetime is shortened', async () => {
    const { token: program } = await made();
    await t.source.getRepository(JwtKnoxSession).update({ kind: 'program' }, { createdAt: t.clock.now() - 366 * DAY });
    expect(await statusOf('/orders', program)).toBe(401);
  });

  it.each([
    ['a wrong password', { ...ORDER, password: 'wrong' }, [401, 'invalid_credentials']],
    ['no password', { ...ORDER, password: undefined }, [400, 'invalid_request']],
    ['no name', { ...ORDER, name: undefined }, [400, 'invalid_request']],
    ['a blank name', { ...ORDER, name: '  ' }, [400, 'invalid_request']],
    ['a name of control characters', { ...ORDER, name: '\u0001\u202e' }, [400, 'invalid_request']],
    ['no scopes', { ...ORDER, scopes: undefined }, [400, 'invalid_request']],
    ['an empty list of scopes', { ...ORDER, scopes: [] }, [400, 'invalid_request']],
    ['a scope with a space', { ...ORDER, scopes: ['orders read'] }, [400, 'invalid_request']],
    ['a scope that is no text', { ...ORDER, scopes: [7] }, [400, 'invalid_request']],
    ['too many scopes for the row', { ...ORDER, scopes: Array.from({ length: 99 }, (_, i) => `a-long-scope:${i}`) }, [400, 'invalid_request']],
    ['a lifetime in words', { ...ORDER, expires_in: '1y' }, [400, 'invalid_request']],
    ['a lifetime that is over', { ...ORDER, expires_in: -1 }, [400, 'invalid_request']],
    ['an endless lifetime', { ...ORDER, expires_in: 1e300 }, [400, 'invalid_request']],
  ])('are not made with %s', async (_title, json, expected) => {
    expect(codeOf(await make(json))).toEqual(expected);
    expect((await t.http.get('/auth/tokens', { token })).body).toEqual([]);
  }); // prettier-ignore

  it('may do no more than the session that makes them', async () => {
    const { accessToken } = await t.tokens.issue(alice, {}, { scopes: ['orders:*'] });
    expect((await make({ ...ORDER, scopes: ['orders:write'] }, accessToken)).status).toBe(201);
    const refusal = await make({ ...ORDER, scopes: ['orders:read', '*'] }, accessToken);
    expect(codeOf(refusal)).toEqual([403, 'insufficient_scope']);
  });

  it('have the scopes that the options offer, and no others', async () => {
    await restart({ programTokens: { scopes: ['orders:read', 'orders:write'] } });
    expect((await make()).status).toBe(201);
    expect(codeOf(await make({ ...ORDER, scopes: ['orders:delete'] }))).toEqual([400, 'invalid_request']);
  });

  it('can make no tokens, prove nothing, reach no admin route, see and end no other session', async () => {
    const { token: program } = await made({ ...ORDER, scopes: ['*'] });
    const { session_id: other } = await t.login();
    t.events.length = 0;
    const refused = [
      await make(ORDER, program),
      await t.http.get('/auth/tokens', { token: program }),
      await t.http.delete(`/auth/tokens/${other}`, { token: program }),
      await t.http.post('/auth/reauthenticate', { token: program, json: { password: 'alice-password' } }),
      await t.http.get('/auth/admin/statistics', { token: program }),
      await t.http.get('/auth/sessions', { token: program }),
      await t.http.delete(`/auth/sessions/${other}`, { token: program }),
      await t.http.patch(`/auth/sessions/${other}`, { token: program, json: { device_name: 'x' } }),
      await t.http.post('/auth/logout-other', { token: program }),
      await t.http.post('/auth/logout-all', { token: program }),
      await t.http.get('/orders/own', { token: program }),
    ];
    expect(refused.map(codeOf)).toEqual(refused.map(() => [403, 'forbidden']));
    expect(t.events.map(({ name, event }) => [name, event.reason])).toEqual(refused.map(() => ['access.forbidden', 'kind']));
    expect(codeOf(await t.http.get('/orders/fresh', { token: program }))).toEqual([401, 'insufficient_user_authentication']);
    expect(codeOf(await t.http.post('/auth/refresh', { json: { refresh_token: program } }))).toEqual([401, 'invalid_refresh_token']);
    await expect(t.tokens.reauthenticate({ id: claimsOf(program).sid, userId: String(alice.id) })).rejects.toThrow(/not valid/);
    expect(await t.tokens.list(String(alice.id))).toHaveLength(3);
    const mine = await t.http.get('/auth/session', { token: program });
    expect([mine.status, mine.body.kind]).toEqual([200, 'program']);
  }); // prettier-ignore

  it('are apart from the sessions of people: not listed with them, not counted, not ended by logout-other', async () => {
    await restart({ session: { limitPerUser: 2, onLimit: 'reject' } });
    const [one, two] = [await made(), await made()];
    const other = await t.login();
    expect((await t.http.get('/auth/sessions', { token })).body).toHaveLength(2);
    const { body } = await t.http.post('/auth/logout-other', { token });
    expect(body).toEqual({ revoked: 1, tokens_remaining: 2 });
    expect(await Promise.all([one.token, two.token, other.access_token].map(t.statusOf))).toEqual([204, 204, 401]);
    expect(t.events.find(({ name }) => name === 'session.revoked')?.event.scope).toMatchObject({
      kinds: ['login', 'impersonation'],
    });
  });

  it.each([
    ['logout-all', () => t.http.post('/auth/logout-all', { token })],
    ['a disabled user', () => t.tokens.userDisabled(String(alice.id))],
    ['changed credentials', () => t.tokens.changeCredentials({ userId: String(alice.id) }, () => undefined)],
    ['a new password in a session', async () => t.tokens.changeCredentials((await t.tokens.issue(alice)).session, () => undefined)],
    ['a user who is not active', () => t.users.rows.update(alice.id, { isActive: false })],
  ])('end by %s', async (_title, end) => {
    const { token: program } = await made();
    await end();
    expect(await t.statusOf(program)).toBe(401);
  }); // prettier-ignore

  it('go on through changed credentials where the application wants that', async () => {
    const { token: program } = await made();
    const user = { userId: String(alice.id) };
    await t.tokens.changeCredentials(user, () => undefined, { programs: false });
    expect([await t.statusOf(program), await t.statusOf(token)]).toEqual([204, 401]);
  });

  it('end by their own route, of their user only, and by themselves', async () => {
    const [one, two, three] = [await made(), await made(), await made()];
    await t.users.add('bob');
    const bob = (await t.login('bob')).access_token;
    const end = (id: string, by = token) => t.http.delete(`/auth/tokens/${id}`, { token: by });
    expect((await end(one.id, bob)).status).toBe(404);
    expect((await end(claimsOf(token).sid)).status).toBe(404);
    expect((await end('nonsense')).status).toBe(404);
    expect([(await end(one.id)).status, (await end(one.id)).status]).toEqual([204, 404]);
    expect((await t.http.post('/auth/logout', { token: two.token })).status).toBe(204);
    expect(await Promise.all([one, two, three].map((program) => t.statusOf(program.token)))).toEqual([401, 401, 204]);
    expect(await t.statusOf(token)).toBe(204);
  });

  it('want a fresh login to be ended, where ends do', async () => {
    await restart({}, { routes: { tokens: true, freshness: '2m' } });
    const { id } = await made();
    t.clock.advance('3m');
    const end = () => t.http.delete(`/auth/tokens/${id}`, { token });
    expect(codeOf(await end())).toEqual([401, 'insufficient_user_authentication']);
    token = (await t.http.post('/auth/reauthenticate', { token, json: { password: 'alice-password' } })).body
      .access_token;
    expect((await end()).status).toBe(204);
  });

  it('S8: are throttled as the login is, for they take the password', async () => {
    const asked: string[] = [];
    const counts = (name: string) => ({ canActivate: () => asked.push(name) > 0 });
    await restart({}, { routes: { tokens: true, guards: { login: [counts('login')] } } });
    asked.length = 0;
    await make({ ...ORDER, password: 'wrong' });
    await t.http.get('/auth/tokens', { token });
    expect(asked).toEqual(['login']);
  });

  it.each([
    ['narrows it', (id: string) => t.tokens.narrow(id, ['other'])],
    ['ends it', (id: string) => t.tokens.revoke(id)],
    ['ends it with others', async () => t.tokens.revokeOther((await t.tokens.issue(alice)).session)],
  ])('are not made by a session when somebody %s meanwhile', async (_title, end) => {
    const verify = t.users.verifyPassword;
    t.users.verifyPassword = async (user, password) => {
      await end(claimsOf(token).sid);
      return verify.call(t.users, user, password);
    };
    expect(codeOf(await make())).toEqual([401, 'invalid_token']);
    expect(await t.source.getRepository(JwtKnoxSession).countBy({ kind: 'program' })).toBe(0);
  });

  it('are limited for each user, also when 10 are made at once', async () => {
    await restart({ programTokens: { limitPerUser: 3 } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => make()));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(403)]).toEqual([3, 7]);
    expect(codeOf(await make())).toEqual([403, 'session_limit_reached']);
    expect((await t.http.get('/auth/tokens', { token })).body).toHaveLength(3);
  });

  it('may be used from anywhere, and tell when they were used last', async () => {
    await restart({ session: { bindUserAgent: 'reject', touchInterval: 0 } });
    const { token: program, id } = await made();
    t.clock.advance('1h');
    expect((await t.http.get('/orders', { token: program, headers: { 'user-agent': 'curl/8' } })).status).toBe(200);
    const { access_token: now } = await t.login();
    const { body } = await t.http.get('/auth/tokens', { token: now });
    expect(body.find((one: any) => one.id === id).last_used_at).toBe(new Date(t.clock.now()).toISOString());
  });

  it('tell of their first use at once, whatever the interval between notes', async () => {
    const { token: program } = await made();
    expect(await statusOf('/orders', program)).toBe(200);
    const list = async () => (await t.http.get('/auth/tokens', { token })).body;
    await expect.poll(async () => (await list())[0].last_used_at).not.toBeNull();
  });

  it('change no credentials', async () => {
    const { session } = await t.tokens.issueProgramToken(alice, { name: 'CI', scopes: ['a'] });
    let isStored = false;
    const change = t.tokens.changeCredentials(session, () => void (isStored = true));
    await expect(change).rejects.toThrow(/Only the user/);
    expect([isStored, await t.statusOf(token)]).toEqual([false, 204]);
  });

  it('carry a prefix for scanners, count with and without it, and nothing else changes', async () => {
    await restart({ programTokens: { prefix: 'acme_' } });
    const { token: program } = await made();
    expect(program).toMatch(/^acme_eyJ/);
    const bare = program.slice('acme_'.length);
    for (const one of [program, bare]) {
      expect(await statusOf('/orders', one)).toBe(200);
      expect(await t.tokens.introspect(one)).toMatchObject({ active: true, scope: 'orders:read' });
    }
    for (const wrong of [`acme_acme_${bare}`, `ACME_${bare}`, `acme${bare}`, 'acme_', `acme_${bare}x`]) {
      expect(await statusOf('/orders', wrong)).toBe(401);
    }
    expect((await t.http.post('/auth/logout', { token: program })).status).toBe(204);
    expect(await statusOf('/orders', bare)).toBe(401);
  });

  it.each(['', 'acme', '_', 'a b_', 'eyJ_', 'x'.repeat(40) + '_', 7])(
    'are not marked by the prefix %j',
    async (prefix) => {
      const wrong = createApp(platform, kind, { options: { programTokens: { prefix: prefix as string } } });
      await expect(wrong).rejects.toThrow(/programTokens\.prefix: must be/);
    },
  );

  it('are made by your code too, for users who have no login route', async () => {
    const { accessToken, refreshToken, session } = await t.tokens.issueProgramToken(alice, {
      name: 'Backup\u202e',
      scopes: [],
      ttl: '1h',
    });
    expect([refreshToken, session.kind, session.deviceName, session.scopes]).toEqual([
      undefined,
      'program',
      'Backup',
      '',
    ]);
    expect(await statusOf('/orders', accessToken)).toBe(403);
    await t.users.rows.update(alice.id, { isActive: false });
    alice.isActive = false;
    await expect(t.tokens.issueProgramToken(alice, { name: 'x', scopes: [] })).rejects.toThrow(/credentials/);
  });

  it('are not made by a login that began before everything was ended', async () => {
    const verify = t.users.verifyPassword;
    t.users.verifyPassword = async (user, password) => {
      const matches = await verify.call(t.users, user, password);
      await t.tokens.revokeAll(String(alice.id));
      return matches;
    };
    expect([401, 403]).toContain((await make()).status);
    expect(await t.source.getRepository(JwtKnoxSession).count()).toBe(0);
  });

  it('have no routes unless asked for, and need a provider who knows the user', async () => {
    await restart({}, { routes: {} });
    expect((await make()).status).toBe(404);
    expect((await t.http.post('/auth/logout-other', { token })).body).toEqual({ revoked: 0 });
    const wrong = createApp(platform, kind, { extras: { routes: { tokens: true, session: false } } });
    await expect(wrong).rejects.toThrow(/routes\.tokens: needs a userProvider/);
  });
});
