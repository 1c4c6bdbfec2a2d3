import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxError, type JwtKnoxOptions } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm';
import { environments } from '../support/create-app';
import { decode, forge, headers, rightful } from '../support/forge';
import { FORGERIES } from '../support/forgeries';
import { oauthOptions, postForm } from '../support/oauth';
import { createTwoRealms, type Side, type TwoRealms } from '../support/two-realms';
import type { User } from '../support/users';

const { issuer: _issuer, audience: _audience, ...options } = oauthOptions;

interface Door {
  title: string;
  /** Whether the token got in. */
  opens(side: Side, token: string): Promise<boolean>;
}

describe.each(environments)('two modules on one table, with one set of keys: $title', ({ platform, kind }) => {
  let t: TwoRealms;
  let count = 0;
  let ids: { staff: string; customers: string };
  let user: { staff: User; customers: User };

  const settings: JwtKnoxOptions = { ...options, issuer: 'https://auth.example.com', session: { limitPerUser: 3 } };
  beforeAll(async () => {
    t = await createTwoRealms(platform, kind, settings);
  });
  afterAll(() => t?.close());
  beforeEach(async () => {
    const name = `user${++count}`;
    const [staff, customers] = [await t.staff.users.add(name), await t.customers.users.add(name, { isAdmin: false })];
    user = { staff, customers };
    ids = { staff: String(staff.id), customers: String(customers.id) };
    t.staff.events.length = t.customers.events.length = 0;
  });

  const crossings = [
    ['staff', 'customers'],
    ['customers', 'staff'],
  ] as const;
  const rows = async () =>
    (await t.source.getRepository(JwtKnoxSession).find())
      .map((row) => ({ ...row }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const login = async (name: 'staff' | 'customers') => {
    const json = { username: user[name].username, password: `${user[name].username}-password` };
    const { status, body } = await t.http.post(`${t[name].prefix}/login`, { json });
    expect(status).toBe(200);
    return body as { access_token: string; refresh_token: string; session_id: string };
  };
  const isRefused = async (work: () => Promise<unknown>) => {
    try {
      await work();
      return false;
    } catch (error) {
      if (error instanceof JwtKnoxError && error.status === 401) return true;
      throw error;
    }
  };
  const byHttp = (method: string, path: (side: Side, token: string) => string) => async (side: Side, token: string) => {
    const { status } = await t.http.send(method, path(side, token), { token });
    expect([200, 204, 401]).toContain(status);
    return status !== 401;
  };
  const sidOf = (token: string) => {
    try {
      return String(decode(token).payload.sid);
    } catch {
      return 'none';
    }
  };

  const accessDoors: Door[] = [
    { title: 'the guard', opens: byHttp('GET', ({ guarded }) => guarded) },
    { title: 'verify', opens: byHttp('GET', ({ prefix }) => `${prefix}/verify`) },
    { title: 'sessions', opens: byHttp('GET', ({ prefix }) => `${prefix}/sessions`) },
    { title: 'the end of a session', opens: byHttp('DELETE', ({ prefix }, token) => `${prefix}/sessions/${encodeURIComponent(sidOf(token)).slice(0, 99)}`) },
    { title: 'logout', opens: byHttp('POST', ({ prefix }) => `${prefix}/logout`) },
    { title: 'logout-other', opens: byHttp('POST', ({ prefix }) => `${prefix}/logout-other`) },
    { title: 'logout-all', opens: byHttp('POST', ({ prefix }) => `${prefix}/logout-all`) },
    { title: 'statistics', opens: byHttp('GET', ({ prefix }) => `${prefix}/admin/statistics`) },
    { title: 'purge', opens: byHttp('POST', ({ prefix }) => `${prefix}/admin/purge-expired`) },
    { title: 'the list of another user', opens: byHttp('GET', ({ prefix }) => `${prefix}/admin/users/1/sessions`) },
    { title: 'the end of another user', opens: byHttp('DELETE', ({ prefix }) => `${prefix}/admin/users/1/sessions`) },
    { title: 'TokenService.authenticate', opens: async ({ tokens }, token) => !(await isRefused(() => tokens.authenticate(token))) },
    { title: 'TokenService.introspect', opens: async ({ tokens }, token) => (await tokens.introspect(token, { refreshTokens: true })).active },
    { title: 'introspect', opens: async ({ prefix }, token) => (await postForm(t.http, `${prefix}/introspect`, { token })).body.active },
  ]; // prettier-ignore
  const refreshDoors: Door[] = [
    {
      title: 'refresh',
      opens: async ({ prefix }, token) =>
        (await t.http.post(`${prefix}/refresh`, { json: { refresh_token: token } })).status === 200,
    },
    {
      title: 'logout by refresh token',
      opens: async ({ prefix }, token) =>
        (await t.http.post(`${prefix}/logout`, { json: { refresh_token: token } })).status === 204,
    },
    {
      title: 'TokenService.refresh',
      opens: async ({ tokens }, token) => !(await isRefused(() => tokens.refresh(token))),
    },
  ];
  // Answers 200 to everything: what it did is in the rows.
  const revoke = async ({ prefix }: Side, token: string) => {
    expect((await postForm(t.http, `${prefix}/revoke`, { token })).status).toBe(200);
    return false;
  };
  const silent: Door[] = [{ title: 'revoke', opens: revoke }];

  it.each(crossings)('control: of %s, good tokens open the doors of their own module', async (own) => {
    const { access_token: access, refresh_token: refresh, session_id: id } = await login(own);
    const answer = await t.http.get(t[own].guarded, { token: access });
    expect(answer.body).toMatchObject({ userId: user[own].id, sessionId: id });
    expect(decode(access).payload.realm).toBe(t[own].realm);
    expect(decode(refresh).payload.realm).toBe(t[own].realm);
    const told = (await postForm(t.http, `${t[own].prefix}/introspect`, { token: access })).body;
    expect([told.active, told.realm]).toEqual([true, t[own].realm]);
    expect((await t.http.post(`${t[own].prefix}/refresh`, { json: { refresh_token: refresh } })).status).toBe(200);
    expect(await rows()).toContainEqual(expect.objectContaining({ id, realm: t[own].realm }));
    await revoke(t[own], refresh);
    expect((await rows()).map((row) => row.id)).not.toContain(id);
  });

  it.each(crossings)('good tokens of %s are nothing at any door of %s', async (own, other) => {
    await t[own].users.rows.update({ id: user[own].id }, { isAdmin: true });
    await t[other].users.rows.update({ id: user[other].id }, { isAdmin: true });
    const [mine] = [await login(own), await login(other)];
    const before = await rows();
    const statements = t.statements.length;
    const accesses = Object.keys(rightful).map((kid) =>
      forge(mine.access_token, rightful[kid as keyof typeof rightful], {
        header: headers[kid as keyof typeof headers],
      }),
    );
    const opened: string[] = [];
    for (const { title, opens } of [...accessDoors, ...refreshDoors, ...silent]) {
      for (const token of [...accesses, mine.refresh_token]) if (await opens(t[other], token)) opened.push(title);
    }
    expect(opened).toEqual([]);
    // Refused by the claim: nobody asked the storage.
    expect(t.statements.length).toBe(statements);
    expect(await rows()).toEqual(before);
    expect(t[other].events.filter(({ name }) => name === 'authentication.rejected').map(({ event }) => event.reason))
      .toContain('realm'); // prettier-ignore
  });

  it.each(crossings)('the whole corpus of bad tokens, made of those of %s, opens nothing at %s', async (own, other) => {
    const { access_token: access, refresh_token: refresh } = await login(own);
    await login(other);
    const before = await rows();
    const booty = { access, refresh, server: 'http://127.0.0.1:9' };
    const opened: string[] = [];
    const quick = [...accessDoors, ...refreshDoors].filter(({ title }) => /TokenService|verify/.test(title));
    for (const { title, make } of FORGERIES) {
      const token = make(booty);
      for (const door of quick) if (await door.opens(t[other], token)) opened.push(`${title}: ${door.title}`);
    }
    expect(opened).toEqual([]);
    expect(await rows()).toEqual(before);
  });

  it.each(crossings)('whoever holds the signing key cannot move a session of %s to %s', async (own, other) => {
    const { access_token: access, refresh_token: refresh } = await login(own);
    await login(other);
    const before = await rows();
    const opened: string[] = [];
    const { realm } = t[other];
    for (const { title, opens } of [...accessDoors, ...silent]) {
      for (const sub of [ids[own], ids[other]]) {
        if (await opens(t[other], forge(access, rightful.rsa, { payload: { realm, sub } }))) opened.push(title);
      }
    }
    for (const { title, opens } of refreshDoors) {
      if (await opens(t[other], forge(refresh, rightful.rsa, { payload: { realm } }))) opened.push(title);
    }
    for (const changed of [undefined, '', null, [realm]]) {
      for (const side of [t[own], t[other]]) {
        const token = forge(access, rightful.rsa, { payload: { realm: changed } });
        if (await accessDoors[0]!.opens(side, token)) opened.push(`realm ${JSON.stringify(changed)}`);
      }
    }
    expect(opened).toEqual([]);
    expect(await rows()).toEqual(before);
  });

  it.each(crossings)('lists, counts and ends no session of %s for %s', async (own, other) => {
    const mine = await login(own);
    const [one, two] = [await login(other), await login(other)];
    expect(ids[own]).toBe(ids[other]);
    const id = ids[own];
    const listed = (await t[other].tokens.list(id)).map((session) => session.id);
    expect(new Set(listed)).toEqual(new Set([one.session_id, two.session_id]));
    const statistics = await t[other].admin.statistics(id);
    expect([statistics.sessions.all, statistics.maxActivePerUser]).toEqual([2, 2]);
    expect(await t[other].tokens.revoke(mine.session_id)).toBe(false);
    expect(await t[other].tokens.revoke(mine.session_id, { userId: id })).toBe(false);
    expect(await t[other].tokens.revokeAll(id)).toBe(2);
    expect((await t.http.get(t[own].guarded, { token: mine.access_token })).status).toBe(200);
    const [{ event } = { event: null }] = t[other].events.filter(({ name }) => name === 'session.revoked');
    expect(event).toMatchObject({ scope: { realm: t[other].realm, userId: id }, count: 2 });
    expect(t[own].events.filter(({ name }) => name === 'session.revoked')).toEqual([]);
    expect(t[own].events.filter(({ name }) => name === 'session.created')).toHaveLength(1);
  });

  it.each(crossings)('an admin of %s sees and ends sessions of theirs alone, not of %s', async (own, other) => {
    await t[own].users.rows.update({ id: user[own].id }, { isAdmin: true });
    const [mine, theirs] = [await login(own), await login(other)];
    const path = `${t[own].prefix}/admin/users/${ids[other]}/sessions`;
    const { body } = await t.http.get(path, { token: mine.access_token });
    expect(body.map((session: any) => session.id)).toEqual([mine.session_id]);
    const { body: statistics } = await t.http.get(`${t[own].prefix}/admin/statistics?user_id=${ids[other]}`, {
      token: mine.access_token,
    });
    expect(statistics.sessions).toEqual({ all: 1, active: 1, expired: 0 });
    const all = (await t[own].admin.statistics()).sessions.all + (await t[other].admin.statistics()).sessions.all;
    expect(all).toBe((await rows()).length);
    expect((await t.http.delete(path, { token: mine.access_token })).body).toEqual({ revoked: 1 });
    expect((await t.http.get(t[other].guarded, { token: theirs.access_token })).status).toBe(200);
  });

  it('a limit counts the sessions of each module apart', async () => {
    for (let n = 0; n < 3; n++) for (const name of ['staff', 'customers'] as const) await login(name);
    for (const name of ['staff', 'customers'] as const) {
      const json = { username: user[name].username, password: `${user[name].username}-password` };
      const { status, body } = await t.http.post(`${t[name].prefix}/login`, { json });
      expect([status, body.code]).toEqual([403, 'session_limit_reached']);
    }
    expect(await t.staff.tokens.revokeAll(ids.staff)).toBe(3);
    await login('staff');
    expect((await t.customers.tokens.list(ids.customers)).length).toBe(3);
  });

  it.each(crossings)('a session of %s gets no new keys from %s', async (own, other) => {
    const mine = await t[own].tokens.issue(user[own]);
    const theirs = await t[other].tokens.issue(user[other]);
    await expect(t[other].tokens.reauthenticate(mine.session)).rejects.toMatchObject({ code: 'invalid_token' });
    // The user of that id is the other module's own: their sessions end, and nobody else's.
    expect(await t[other].tokens.changeCredentials(mine.session, () => undefined)).toBeNull();
    await expect(t[other].tokens.authenticate(theirs.accessToken)).rejects.toMatchObject({ code: 'invalid_token' });
    expect((await t[own].tokens.authenticate(mine.accessToken)).session.id).toBe(mine.session.id);
    expect(await t[own].tokens.refresh(mine.refreshToken!)).toBeDefined();
  });

  it.each(crossings)(
    'a login under way at %s outlives an end of all at %s, and none of its own',
    async (own, other) => {
      const ends: [string, (side: Side) => Promise<unknown>][] = [
        ['revokeAll', ({ tokens }) => tokens.revokeAll(ids[own])],
        ['changeCredentials', ({ tokens }) => tokens.changeCredentials({ userId: ids[own] }, () => undefined)],
        ['userDisabled', ({ tokens }) => tokens.userDisabled(ids[own])],
        ['revokeBefore', ({ tokens }) => tokens.revokeBefore(t.clock.now())],
      ];
      for (const [title, end] of ends) {
        const arrival = await t[own].tokens.arrival();
        await end(t[other]);
        const { session } = await t[own].tokens.issue(user[own], {}, { arrival });
        expect([title, (await t[own].tokens.list(ids[own])).map(({ id }) => id)]).toEqual([title, [session.id]]);
        const late = await t[own].tokens.arrival();
        await end(t[own]);
        await expect(t[own].tokens.issue(user[own], {}, { arrival: late })).rejects.toMatchObject({
          code: 'invalid_credentials',
        });
      }
    },
  );

  it.each(crossings)('revokeBefore at %s ends everything there, and nothing at %s', async (own, other) => {
    await t.staff.tokens.issue(user.staff);
    await t.customers.tokens.issue(user.customers);
    const kept = (await rows()).filter((row) => row.realm === t[other].realm);
    const gone = (await rows()).length - kept.length;
    t[own].events.length = 0;
    expect(await t[own].tokens.revokeBefore(t.clock.now())).toBe(gone);
    expect(await rows()).toEqual(kept);
    expect(kept.length).toBeGreaterThan(0);
    expect(t[own].events).toEqual([
      { name: 'session.revoked', event: expect.objectContaining({ scope: { realm: t[own].realm, createdBefore: expect.any(Number) }, count: gone }) },
    ]); // prettier-ignore
  });

  it.each(crossings)('a purge at %s takes its own expired sessions, and none of %s', async (own, other) => {
    await t.staff.tokens.issue(user.staff, {}, { ttl: '1s' });
    await t.customers.tokens.issue(user.customers, {}, { ttl: '1s' });
    t.clock.advance('40d');
    const expired = await rows();
    const kept = expired.filter((row) => row.realm === t[other].realm);
    expect(kept.length).toBeGreaterThan(0);
    t[own].events.length = t[other].events.length = 0;
    expect(await t[own].admin.purgeExpired()).toBe(expired.length - kept.length);
    expect(await rows()).toEqual(kept);
    expect([t[own].events.map(({ name }) => name), t[other].events]).toEqual([['sessions.purged'], []]);
    await t[other].admin.purgeExpired();
  });
});

describe.each(environments)('the same where one of the two has no realm: $title', ({ platform, kind }) => {
  it('the module that was there first keeps its sessions, and takes no customer for a member of staff', async () => {
    const t = await createTwoRealms(
      platform,
      kind,
      { ...options, issuer: 'https://auth.example.com' },
      { staff: '', customers: 'customers' },
    );
    try {
      const [member, customer] = [await t.staff.users.add('alice'), await t.customers.users.add('alice')];
      expect(member.id).toBe(customer.id);
      const { accessToken: old } = await t.staff.tokens.issue(member);
      const { accessToken: fresh } = await t.customers.tokens.issue(customer);
      expect(decode(old).payload).not.toHaveProperty('realm');
      const statuses = async (token: string) => [
        (await t.http.get('/notes', { token })).status,
        (await t.http.get('/purchases', { token })).status,
      ];
      expect([await statuses(old), await statuses(fresh)]).toEqual([
        [200, 401],
        [401, 200],
      ]);
      expect(await t.customers.tokens.revokeBefore(t.clock.now())).toBe(1);
      expect(await statuses(old)).toEqual([200, 401]);
      const arrival = await t.customers.tokens.arrival();
      expect(await t.staff.tokens.revokeBefore(t.clock.now())).toBe(1);
      expect(await t.customers.tokens.issue(customer, {}, { arrival })).toBeDefined();
    } finally {
      await t.close();
    }
  });
});
