import { Controller, Get, UseGuards } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Actor, CurrentActor, CurrentUser, JwtKnoxGuard, type JwtKnoxOptions, RequireFresh, RequireLogin, type Session,
} from '../../lib'; // prettier-ignore
import { JwtKnoxSession } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import { claimsOf } from '../support/decode';
import type { User } from '../support/users';

@Controller('notes')
@UseGuards(JwtKnoxGuard)
class NotesController {
  @Get() mine(@CurrentUser() user: User, @CurrentActor() actor?: Actor) {
    return { user: user.username, actor: actor ?? null };
  }
  @Get('own') @RequireLogin() own() {
    return {};
  }
  @Get('fresh') @RequireFresh('1h') fresh() {
    return {};
  }
}

describe.each(environments)('staff who act as a user: $title', ({ platform, kind }) => {
  let t: TestApp;
  let [alice, staff]: User[] = [];
  let acting: Session;
  const start = async (options: JwtKnoxOptions = {}) => {
    t = await createApp(platform, kind, {
      options,
      extras: { routes: { tokens: true, admin: true } },
      controllers: [NotesController],
    });
    alice = await t.users.add('alice', { isAdmin: true });
    staff = await t.users.add('staff', { isAdmin: true });
    acting = (await t.tokens.issue(staff)).session;
    t.events.length = 0;
  };
  beforeEach(() => start());
  afterEach(() => t.close());

  const impersonate = (order = {}) => t.tokens.impersonate(acting, alice!, { reason: 'Ticket 4711', ...order });
  const get = (path: string, token: string) => t.http.get(path, { token });
  const isIn = async (token: string) => (await t.statusOf(token)) === 204;

  it('are known to routes, to events, in tokens and in introspection', async () => {
    const { accessToken, refreshToken, expiresIn, session } = await impersonate();
    expect([refreshToken, expiresIn, session.kind]).toEqual([undefined, 3_600, 'impersonation']);
    const actor = { userId: String(staff!.id), realm: '', sessionId: acting.id };
    expect((await get('/notes', accessToken)).body).toEqual({ user: 'alice', actor });
    expect(claimsOf(accessToken).act).toEqual({ sub: String(staff!.id) });
    expect(claimsOf(accessToken)).not.toHaveProperty('auth_time');
    expect(await t.tokens.introspect(accessToken)).toMatchObject({ sub: String(alice!.id), act: { sub: String(staff!.id) } });
    expect(t.events.map(({ name, event }) => [name, event.session.userId, event.session.actorId])).toEqual([
      ['session.created', String(alice!.id), String(staff!.id)],
    ]);
    expect((await t.users.findById(String(alice!.id)))?.logins).toBe(0);
  }); // prettier-ignore

  it('are nobody where the user does it themselves', async () => {
    const { access_token: token } = await t.login();
    expect((await get('/notes', token)).body).toEqual({ user: 'alice', actor: null });
    expect(claimsOf(token)).not.toHaveProperty('act');
  });

  it('are seen by the user, who can end it and is not kept from anything', async () => {
    await t.close();
    await start({ session: { limitPerUser: 1, onLimit: 'evict-oldest' } });
    const { access_token: own } = await t.login();
    const { accessToken, session } = await impersonate();
    expect([await isIn(own), await isIn(accessToken)]).toEqual([true, true]);
    const { body } = await get('/auth/sessions', own);
    expect(body.find((one: any) => one.id === session.id)).toMatchObject({
      kind: 'impersonation',
      device_name: 'Ticket 4711',
      actor: { user_id: String(staff!.id), realm: '' },
    });
    // Staff cannot call it something else.
    const renamed = await t.http.patch(`/auth/sessions/${session.id}`, {
      token: accessToken,
      json: { device_name: '' },
    });
    expect(renamed.status).toBe(403);
    expect((await t.http.delete(`/auth/sessions/${session.id}`, { token: own })).status).toBe(204);
    expect(await isIn(accessToken)).toBe(false);
  });

  it.each([
    ['the end of their own session', () => t.tokens.revoke(acting.id)],
    ['the end of all their sessions', () => t.tokens.revokeAll(String(staff!.id))],
    ['their being disabled', () => t.users.rows.update(staff!.id, { isActive: false })],
    ['their own new password', () => t.users.rows.update(staff!.id, { validSince: t.clock.now() + 1 })],
    ['their deletion', () => t.users.rows.delete(staff!.id)],
    ['their own session\'s age', () => t.source.getRepository(JwtKnoxSession).update(acting.id, { expiresAt: t.clock.now() })],
    ['logout-all of the user', () => t.tokens.revokeAll(String(alice!.id))],
    ['logout-other of the user', async () => t.tokens.revokeOther((await t.tokens.issue(alice!)).session)],
    ['the user being disabled', () => t.users.rows.update(alice!.id, { isActive: false })],
    ['its own time', async () => t.clock.advance('61m')],
  ])('end with %s', async (_title, end) => {
    const { accessToken } = await impersonate();
    expect(await isIn(accessToken)).toBe(true);
    t.clock.advance('1m');
    await end();
    expect(await isIn(accessToken)).toBe(false);
    expect(await t.tokens.introspect(accessToken)).toEqual({ active: false });
  }); // prettier-ignore

  it('may not prove credentials, make tokens for programs, use admin routes, refresh, or act as a third', async () => {
    const { accessToken: token, session } = await impersonate();
    const json = { password: 'alice-password', name: 'x', scopes: ['a'] };
    const refused = [
      await t.http.post('/auth/reauthenticate', { token, json }),
      await t.http.post('/auth/tokens', { token, json }),
      await get('/auth/tokens', token),
      await get('/auth/admin/statistics', token),
      await get('/notes/own', token),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(refused.map(() => [403, 'forbidden']));
    expect((await get('/notes/fresh', token)).body.code).toBe('insufficient_user_authentication');
    expect((await t.http.post('/auth/refresh', { json: { refresh_token: token } })).status).toBe(401);
    await expect(t.tokens.impersonate(session, staff!, { reason: 'nested' })).rejects.toThrow(/not valid/);
    await expect(t.tokens.changeCredentials(session, () => undefined)).rejects.toThrow(/Only the user/);
    expect(await isIn(token)).toBe(true);
  });

  it('may do what the application says, where logins get scopes', async () => {
    await t.close();
    await start({ scopes: () => ['orders:*'] });
    await expect(impersonate()).rejects.toThrow(/scopes is missing/);
    expect((await impersonate({ scopes: ['orders:read'] })).session.scopes).toBe('orders:read');
    expect((await impersonate({ scopes: null })).session.scopes).toBeNull();
    const scopes = undefined as unknown as null;
    await expect(impersonate({ scopes })).rejects.toThrow(TypeError);
  });

  it('are who did it in events, and not the user', async () => {
    await t.tokens.issue(alice!);
    const { accessToken: token } = await impersonate();
    t.events.length = 0;
    await get('/auth/admin/statistics', token);
    await t.http.post('/auth/logout-other', { token });
    const actor = { userId: String(staff!.id), sessionId: acting.id };
    expect(t.events.map(({ name, event }) => [name, event.actor ?? event.actorId])).toEqual([
      ['access.forbidden', actor.userId],
      ['session.revoked', actor],
    ]);
  });

  it('see and end no tokens for programs, nor their number', async () => {
    const program = await t.tokens.issueProgramToken(alice!, { name: 'CI', scopes: ['a'] });
    const { accessToken: token } = await impersonate();
    expect((await t.http.delete(`/auth/sessions/${program.session.id}`, { token })).status).toBe(404);
    expect((await t.http.post('/auth/logout-other', { token })).body).toEqual({ revoked: 0 });
    await t.http.post('/auth/logout-all', { token });
    expect(await isIn(program.accessToken)).toBe(true);
  });

  it('begin by a living login only, with a reason, for an active user', async () => {
    for (const reason of [' ', '\u0001']) await expect(impersonate({ reason })).rejects.toThrow(/reason is missing/);
    await expect(impersonate({ ttl: 'soon' })).rejects.toThrow(TypeError);
    const stranger = { ...acting, userId: String(alice!.id) };
    await expect(t.tokens.impersonate(stranger, alice!, { reason: 'x' })).rejects.toThrow(/not valid/);
    const program = await t.tokens.issueProgramToken(staff!, { name: 'x', scopes: [] });
    await expect(t.tokens.impersonate(program.session, alice!, { reason: 'x' })).rejects.toThrow(/not valid/);
    alice!.isActive = false;
    await expect(impersonate()).rejects.toThrow(/credentials/);
    alice!.isActive = true;
    await t.tokens.revoke(acting.id);
    await expect(impersonate()).rejects.toThrow(/not valid/);
    expect(await t.source.getRepository(JwtKnoxSession).countBy({ kind: 'impersonation' })).toBe(0);
  });

  it('of another realm act as long as the application says so', async () => {
    const row = {
      ...(await t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id: acting.id })),
      realm: 'staff',
    };
    await t.source.getRepository(JwtKnoxSession).update(acting.id, { realm: 'staff' });
    const elsewhere = { ...acting, realm: row.realm };
    const act = () => t.tokens.impersonate(elsewhere, alice!, { reason: 'x' });
    await expect(act()).rejects.toThrow(/set the option isActorActive/);
    await t.close();

    const asked: object[] = [];
    let isActive: unknown = true;
    await start({ isActorActive: (actor) => (asked.push(actor), isActive as boolean) });
    await t.source.getRepository(JwtKnoxSession).update(acting.id, { realm: 'staff' });
    const { accessToken } = await t.tokens.impersonate({ ...acting, realm: 'staff' }, alice!, { reason: 'x' });
    expect(claimsOf(accessToken).act).toEqual({ sub: String(staff!.id), realm: 'staff' });
    expect(await isIn(accessToken)).toBe(true);
    expect(asked).toEqual([1, 2].map(() => ({ userId: String(staff!.id), realm: 'staff' })));
    for (isActive of [false, undefined, 'yes']) expect(await isIn(accessToken)).toBe(false);
    isActive = true;
    await t.source.getRepository(JwtKnoxSession).delete(acting.id);
    expect(await isIn(accessToken)).toBe(false);
  });

  it('S3: do not become somebody else by a row that was rewritten', async () => {
    const { accessToken, session } = await impersonate();
    const rows = t.source.getRepository(JwtKnoxSession);
    await rows.update(session.id, { actorId: String(alice!.id) });
    expect(await isIn(accessToken)).toBe(false);
    await rows.update(session.id, { actorId: null, actorSessionId: null });
    expect(await isIn(accessToken)).toBe(false);
  });
});
