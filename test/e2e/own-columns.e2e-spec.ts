import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Column, Entity } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxConfigurationError, type JwtKnoxOptions, requestOf } from '../../lib';
import { JwtKnoxFence, JwtKnoxSessionBase, typeOrm } from '../../lib/typeorm';
import { type AppSettings, createApp, environments, type TestApp } from '../support/create-app';
import { User } from '../support/users';

/** A host of several tenants: a session without one must not be. */
@Entity('tenant_sessions')
class TenantSession extends JwtKnoxSessionBase {
  @Column({ type: 'varchar', length: 64 }) override userId!: string;
  @Column({ type: 'int' }) tenantId!: number;
  @Column({ type: 'varchar', length: 20, nullable: true }) channel!: string | null;
  /** Another name for a column of the library's. */
  @Column({ type: 'varchar', length: 128, name: 'device_label', default: 'none' }) label!: string;
}

@Injectable()
class CodeGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = requestOf(context);
    request.user = { id: Number(request.headers['x-user']), isActive: true };
    return true;
  }
}

describe.each(environments)("columns of the host's own: $title", ({ platform, kind }) => {
  let t: TestApp | undefined;
  afterEach(async () => {
    await t?.close();
    t = undefined;
  });

  const start = async (options: JwtKnoxOptions = {}, extras: AppSettings['extras'] = {}) => {
    t = await createApp(platform, kind, {
      options,
      extras: { storage: typeOrm({ entity: TenantSession }), ...extras },
      synchronize: true,
      typeorm: { autoLoadEntities: false, entities: [User, TenantSession, JwtKnoxFence] },
    });
    return { t, user: await t.users.add('alice'), rows: t.source.getRepository(TenantSession) };
  };
  const ofHeader: JwtKnoxOptions = {
    sessionColumns: async (user: User, request) => ({
      tenantId: Number(request.headers['x-tenant']),
      channel: user.username,
    }),
  };
  const password = { username: 'alice', password: 'alice-password' };

  it('are given by sessionColumns at a login, and stay through a refresh', async () => {
    const { t: app, rows } = await start(ofHeader);
    const { session_id: id, refresh_token: token } = await app.login('alice', { 'x-tenant': '7' });
    const row = await rows.findOneByOrFail({ id });
    expect([row.tenantId, row.channel, row.label, row.userId]).toEqual([7, 'alice', 'none', '1']);
    app.clock.advance('3m');
    expect((await app.http.post('/auth/refresh', { json: { refresh_token: token } })).status).toBe(200);
    expect((await rows.findOneByOrFail({ id })).tenantId).toBe(7);
    const { session } = await app.tokens.login(password, {}, { headers: { 'x-tenant': '8' } });
    expect((await rows.findOneByOrFail({ id: session.id })).tenantId).toBe(8);
  });

  it('are given by sessionColumns behind guards of the host too', async () => {
    const sessionColumns: JwtKnoxOptions['sessionColumns'] = (_user, request) => ({
      tenantId: Number(request.headers['x-tenant']),
    });
    const { t: app, user, rows } = await start({ sessionColumns }, { loginGuards: [CodeGuard] });
    const headers = { 'x-user': String(user.id), 'x-tenant': '9' };
    const { status, body } = await app.http.post('/auth/login', { json: {}, headers });
    expect(status).toBe(200);
    expect((await rows.findOneByOrFail({ id: body.session_id })).tenantId).toBe(9);
  });

  it('are given to issue, under a limit too', async () => {
    const { t: app, user, rows } = await start({ session: { limitPerUser: 1, onLimit: 'evict-oldest' } });
    for (const tenantId of [1, 2]) {
      const { session } = await app.tokens.issue(user, {}, { columns: { tenantId, channel: undefined } });
      const row = await rows.findOneByOrFail({ id: session.id });
      expect([row.tenantId, row.channel, row.slot]).toEqual([tenantId, null, 1]);
    }
  });

  it('are no mistake of the client, nor an outage, when one is missing', async () => {
    const { t: app, user, rows } = await start();
    const refused = app.tokens.issue(user);
    await expect(refused).rejects.toThrow(JwtKnoxConfigurationError);
    await expect(refused).rejects.toThrow(
      'tenantId: a session needs a value for it; return it from sessionColumns, and pass it as columns to issue',
    );
    expect((await app.http.post('/auth/login', { json: password })).status).toBe(500);
    expect(await rows.count()).toBe(0);
  });

  it.each([
    [
      { tenantID: 7 },
      'tenantID: the entity TenantSession has no such column to write; known are tenantId, channel, label',
    ],
    [{ tenantId: 7, expiresAt: 1e15 }, 'expiresAt: set by the library itself; leave it out.'],
    [{ tenantId: 7, userId: '2' }, 'userId: set by the library itself'],
    [
      JSON.parse('{ "tenantId": 7, "__proto__": { "x": 1 } }'),
      '__proto__: the entity TenantSession has no such column',
    ],
    [{ constructor: 1 }, 'constructor: the entity TenantSession has no such column'],
  ])('are refused, and nothing is written: %j', async (columns, message) => {
    const { t: app, user, rows } = await start({ sessionColumns: () => columns });
    const refused = app.tokens.issue(user, {}, { columns });
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(message);
    expect((await app.http.post('/auth/login', { json: password })).status).toBe(500);
    expect(await rows.count()).toBe(0);
  });

  it('are an object', async () => {
    const { t: app } = await start({ sessionColumns: () => 7 as never });
    await expect(app.tokens.login(password, {}, {})).rejects.toThrow('sessionColumns must return an object');
  });

  it('are none of the entity of the library', async () => {
    t = await createApp(platform, kind);
    const user = await t.users.add('alice');
    const refused = t.tokens.issue(user, {}, { columns: { tenantId: 7 } });
    await expect(refused).rejects.toThrow('declare it in an entity of your own, and set that in typeOrm({ entity })');
  });
});
