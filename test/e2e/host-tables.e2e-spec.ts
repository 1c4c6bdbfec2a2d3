import { afterEach, describe, expect, it } from 'vitest';
import { ChildEntity, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, TableInheritance } from 'typeorm';
import type { JwtKnoxOptions } from '../../lib';
import { JwtKnoxFence, JwtKnoxSessionBase, stringTransformer, typeOrm } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import { User } from '../support/users';

/** A host's sessions: they belong to a user, and know what the person has proven beside the password. */
@Entity('host_sessions')
class HostSession extends JwtKnoxSessionBase {
  @Column({ name: 'userId', type: 'int', transformer: stringTransformer })
  override userId!: string;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'userId' })
  user!: User;

  @Column({ type: 'boolean', default: false })
  secondFactor!: boolean;
}

/** What keeps a session from being deleted. */
@Entity('visits')
class Visit {
  @PrimaryColumn({ type: 'int' })
  id!: number;

  @ManyToOne(() => HostSession, { onUpdate: 'CASCADE' })
  session!: HostSession;
}

/** Sessions of several clients in one table. */
@Entity('client_sessions')
@TableInheritance({ column: { type: 'varchar', length: 16, name: 'client' } })
class ClientSession extends JwtKnoxSessionBase {
  @Column({ name: 'userId', type: 'varchar', length: 255 })
  override userId!: string;
}

@ChildEntity('web')
class WebSession extends ClientSession {
  @Column({ type: 'varchar', length: 20, nullable: true })
  engine!: string | null;
}

describe.each(environments)("tables of the host's own: $title", ({ platform, kind }) => {
  let t: TestApp;

  async function start(session: JwtKnoxOptions['session'] = {}, typeorm: Record<string, unknown> = {}): Promise<void> {
    t = await createApp(platform, kind, {
      options: { session },
      extras: { storage: typeOrm({ entity: HostSession, userRelation: 'user' }) },
      synchronize: true,
      typeorm: { autoLoadEntities: false, entities: [User, HostSession, Visit, JwtKnoxFence], ...typeorm },
    });
    await t.users.add('alice');
  }
  afterEach(() => t.close());

  const rows = () => t.source.getRepository(HostSession);
  const bySession = async (id: string) => (await t.source.getRepository(Visit).countBy({ session: { id } })) > 0;

  describe('the place of a session under a limit', () => {
    const limit = { limitPerUser: 1, onLimit: 'evict-oldest' } as const;

    it.each([
      ['that is evicted', '1s'],
      ['that has expired', '2d'],
    ])('%s hands nothing of it on: a login by password alone has no second factor', async (_title, age) => {
      await start(limit);
      const owner = await t.login();
      await rows().update(owner.session_id, { secondFactor: true });
      t.clock.advance(age);
      const thief = await t.login();
      expect(thief.session_id).not.toBe(owner.session_id);
      expect(await rows().findOneByOrFail({ id: thief.session_id })).toMatchObject({ secondFactor: false });
      expect(await t.statusOf(owner.access_token)).toBe(401);
    });

    it.each([
      ['that is evicted', '1s'],
      ['that has expired', '2d'],
    ])(
      "%s is given away though a row of the host's refers to it, and that row stays where it is",
      async (_title, age) => {
        await start(limit);
        const before = await t.login();
        await t.source.getRepository(Visit).insert({ id: 1, session: { id: before.session_id } });
        t.clock.advance(age);
        const tokens = [await t.login(), await t.login()];
        expect(await Promise.all(tokens.map((one) => t.statusOf(one.access_token)))).toEqual([401, 204]);
        expect(await t.statusOf(before.access_token)).toBe(401);
        expect([await bySession(before.session_id), await bySession(tokens[1].session_id)]).toEqual([true, false]);
        const { sub } = JSON.parse(Buffer.from(before.access_token.split('.')[1], 'base64url').toString());
        expect((await t.tokens.list(sub)).map(({ id }) => id)).toEqual([tokens[1].session_id]);
      },
    );
  });

  it('a data source that caches every query changes no verdict', async () => {
    await start({}, { cache: { alwaysEnabled: true, duration: 3_600_000 } });
    const [one, two, three] = [await t.login(), await t.login(), await t.login()];
    const verdicts = () => Promise.all([one, two, three].map((login) => t.statusOf(login.access_token)));
    const listed = async () => (await t.http.get('/auth/sessions', { token: three.access_token })).body.length;
    expect([await verdicts(), await listed()]).toEqual([[204, 204, 204], 3]);
    await t.http.post('/auth/logout', { token: one.access_token });
    expect([await verdicts(), await listed()]).toEqual([[401, 204, 204], 2]);
    await t.http.post('/auth/logout-other', { token: three.access_token });
    expect([await verdicts(), await listed()]).toEqual([[401, 401, 204], 1]);
    const { refresh_token: next } = (await t.http.post('/auth/refresh', { json: three })).body;
    t.clock.advance('1m');
    expect((await t.http.post('/auth/refresh', { json: { refresh_token: next } })).status).toBe(200);
    await t.users.rows.update({ username: 'alice' }, { isActive: false });
    expect(await verdicts()).toEqual([401, 401, 401]);
    // The control: the cache is there, and answers the host.
    const cached = await t.source.getRepository(HostSession).find({ cache: true });
    await rows().delete({ id: three.session_id });
    expect(await t.source.getRepository(HostSession).find({ cache: true })).toHaveLength(cached.length);
  });

  it('an entity that shares its table with others by inheritance is served as any other', async () => {
    t = await createApp(platform, kind, {
      options: { session: { limitPerUser: 2, onLimit: 'evict-oldest' }, sessionColumns: () => ({ engine: 'gecko' }) },
      extras: { storage: typeOrm({ entity: WebSession }), routes: { admin: true } },
      synchronize: true,
      typeorm: { autoLoadEntities: false, entities: [User, ClientSession, WebSession, JwtKnoxFence] },
    });
    await t.users.add('alice');
    await t.users.add('root', { isAdmin: true });
    const logins = [];
    for (let i = 0; i < 3; i++) {
      logins.push(await t.login());
      t.clock.advance('1s');
    }
    const [first, second, third] = logins;
    expect([await t.statusOf(first.access_token), await t.statusOf(third.access_token)]).toEqual([401, 204]);
    const row = await t.source.getRepository(ClientSession).findOneByOrFail({ id: third.session_id });
    expect(row).toBeInstanceOf(WebSession);
    expect(row).toMatchObject({ engine: 'gecko' });
    const { body: next } = await t.http.post('/auth/refresh', { json: { refresh_token: second.refresh_token } });
    expect((await t.http.get('/auth/sessions', { token: next.access_token })).body).toHaveLength(2);
    const { access_token: admin } = await t.login('root');
    const { body: counts } = await t.http.get('/auth/admin/statistics', { token: admin });
    expect(counts.sessions.active).toBe(3);
    expect((await t.http.post('/auth/logout-all', { token: next.access_token })).body).toEqual({ revoked: 2 });
    expect(await t.statusOf(third.access_token)).toBe(401);
    expect((await t.source.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
  });
});
