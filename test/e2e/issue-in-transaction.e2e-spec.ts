import { Injectable, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  Column,
  DataSource,
  Entity,
  type EntityManager,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  type Repository,
} from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import {
  InvalidCredentialsError, type IssuedTokens, type JwtKnoxOptions, SessionLimitReachedError, SessionRepository, UserProvider,
} from '../../lib'; // prettier-ignore
import { fenceScope } from '../../lib/tokens/fence-scope';
import { JwtKnoxFence, JwtKnoxSessionBase, stringTransformer, typeOrm } from '../../lib/typeorm';
import { inMemory } from '../../lib/testing';
import { createApp, environments, type TestApp } from '../support/create-app';
import { isAuthentic } from '../support/use-app';
import { User } from '../support/users';

@Entity('members')
class Member {
  @PrimaryColumn({ type: 'int' }) id!: number;
  @Column({ type: 'boolean', default: true }) isActive!: boolean;
  @Column({ type: 'int', default: 0 }) logins!: number;
}

@Entity('member_sessions')
class MemberSession extends JwtKnoxSessionBase {
  @Column({ name: 'userId', type: 'int', transformer: stringTransformer }) override userId!: string;
  @ManyToOne(() => Member, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'userId' })
  user!: Member;
}

@Injectable()
class Members extends UserProvider<Member> {
  constructor(readonly rows: Repository<Member>) {
    super();
  }
  async validateCredentials() {
    return null;
  }
  async findById(id: string) {
    return this.rows.findOneBy({ id: Number(id) });
  }
  // Outside of the transaction: it finds a member who is committed.
  override async onLogin({ id }: Member) {
    await this.rows.increment({ id }, 'logins', 1);
  }
}

@Module({
  imports: [TypeOrmModule.forFeature([Member])],
  providers: [{ provide: Members, useFactory: (rows) => new Members(rows), inject: [getRepositoryToken(Member)] }],
  exports: [Members],
})
class MembersModule {}

describe.each(environments)("issue within the host's transaction: $title", ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  const start = async (options: JwtKnoxOptions = {}, typeorm: object = {}) => {
    t = await createApp(platform, kind, {
      options,
      extras: {
        imports: [MembersModule],
        userProvider: Members,
        storage: typeOrm({ entity: MemberSession, userRelation: 'user' }),
      },
      synchronize: true,
      typeorm: { autoLoadEntities: false, entities: [User, Member, MemberSession, JwtKnoxFence], ...typeorm },
    });
  };
  const tokens = () =>
    t.tokens as unknown as { issue(user: Member, device: object, given: object): Promise<IssuedTokens> };
  const register = async (manager: EntityManager, id = 1) => {
    await manager.insert(Member, { id });
    return tokens().issue(await manager.findOneByOrFail(Member, { id }), { userAgent: 'job/1' }, { manager });
  };
  const count = () => t.source.getRepository(MemberSession).count();
  const names = () => t.events.map(({ name }) => name);
  const loginsOf = async (id: number) => (await t.source.getRepository(Member).findOneByOrFail({ id })).logins;

  it('starts a session for a user who is registered in the same transaction', async () => {
    await start();
    const { accessToken, refreshToken } = await t.source.transaction(async (manager) => {
      const issued = await register(manager);
      expect(names()).toEqual([]);
      return issued;
    });
    expect(await isAuthentic(t, accessToken)).toBe(true);
    expect(names()).toEqual(['session.created']);
    expect(await loginsOf(1)).toBe(1);
    expect((await t.http.post('/auth/refresh', { json: { refresh_token: refreshToken } })).status).toBe(200);
  });

  it('leaves nothing of a transaction that is rolled back, and none of it in the next', async () => {
    await start({ session: { limitPerUser: 1, onLimit: 'evict-oldest' } });
    const kept = await t.source.transaction((manager) => register(manager, 1));
    t.events.length = 0;
    const lost: IssuedTokens[] = [];
    const failing = t.source.transaction(async (manager) => {
      lost.push(await register(manager, 2));
      // Ends the one that was kept, until it is undone.
      lost.push(await tokens().issue(await manager.findOneByOrFail(Member, { id: 1 }), {}, { manager }));
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow(RangeError);
    await t.source.transaction((manager) => manager.insert(Member, { id: 3 }));
    for (const { accessToken } of lost) expect(await isAuthentic(t, accessToken)).toBe(false);
    expect(await isAuthentic(t, kept.accessToken)).toBe(true);
    expect([await count(), await loginsOf(1)]).toEqual([1, 1]);
    expect(names().filter((name) => name !== 'authentication.rejected')).toEqual([]);
  });

  it('leaves nothing of a savepoint that is undone in a transaction that commits', async () => {
    await start();
    const undone = await t.source.transaction(async (manager) => {
      let issued!: IssuedTokens;
      const nested = manager.transaction(async (inner) => {
        issued = await register(inner);
        throw new RangeError('no');
      });
      await expect(nested).rejects.toThrow(RangeError);
      await manager.insert(Member, { id: 2 });
      return issued;
    });
    expect(await isAuthentic(t, undone.accessToken)).toBe(false);
    expect([names(), await count()]).toEqual([['authentication.rejected'], 0]);
  });

  it('keeps the limit: evicts with the commit, and refuses without harm to the transaction', async () => {
    await start({ session: { limitPerUser: 1, onLimit: 'evict-oldest' } });
    const first = await t.source.transaction((manager) => register(manager));
    const member = { id: 1, isActive: true, logins: 0 };
    await t.source.transaction(async (manager) => {
      await tokens().issue(member, {}, { manager });
      expect(names()).toEqual(['session.created']);
    });
    expect(await isAuthentic(t, first.accessToken)).toBe(false);
    expect(names().toSorted()).toEqual([
      'authentication.rejected',
      'session.created',
      'session.created',
      'session.revoked',
    ]);
    await expect.poll(count).toBe(1);
    await t.close();

    await start({ session: { limitPerUser: 1, onLimit: 'reject' } });
    await t.source.transaction(async (manager) => {
      await register(manager);
      await expect(tokens().issue(member, {}, { manager })).rejects.toThrow(SessionLimitReachedError);
      await manager.insert(Member, { id: 2 });
    });
    expect([await count(), await loginsOf(2)]).toEqual([1, 0]);
  });

  it('is refused with the commit when all sessions of the user were ended meanwhile', async () => {
    await start();
    const issued: IssuedTokens[] = [];
    const committed = t.source.transaction(async (manager) => {
      issued.push(await register(manager));
      // The first half of an end; the second, a DELETE, does not see what is not committed, or waits for it.
      await t.app.get(SessionRepository).raiseFence(fenceScope('', '1'));
    });
    await expect(committed).rejects.toThrow(InvalidCredentialsError);
    expect(await isAuthentic(t, issued[0]!.accessToken)).toBe(false);
    expect(await count()).toBe(0);
    // The registration stands: it was committed before.
    expect(await loginsOf(1)).toBe(0);
    expect(t.events.find(({ name }) => name === 'login.failed')?.event.reason).toBe('fenced');
    expect(names()).not.toContain('session.created');
  });

  it.runIf(kind !== 'sqlite')('needs no second connection', async () => {
    await start({ storageTimeout: '500ms' }, { poolSize: 1 });
    const { accessToken } = await t.source.transaction((manager) => register(manager));
    expect(await isAuthentic(t, accessToken)).toBe(true);
    expect(names()).toEqual(['session.created']);
  });

  it('takes a manager outside of a transaction for what it is, and nothing else for one', async () => {
    await start();
    await t.source.getRepository(Member).insert({ id: 1 });
    const member = { id: 1, isActive: true, logins: 0 };
    await tokens().issue(member, {}, { manager: t.source.manager });
    expect(names()).toEqual(['session.created']);
    for (const manager of [
      undefined,
      null,
      'manager',
      {},
      new DataSource({ type: 'better-sqlite3', database: ':memory:' }).manager,
    ]) {
      await expect(tokens().issue(member, {}, { manager })).rejects.toThrow('issue: manager must be');
    }
    expect(await count()).toBe(1);
  });

  it('is not to be had of a storage without transactions', async () => {
    t = await createApp(platform, kind, { extras: { storage: inMemory() } });
    const user = await t.users.add('alice');
    const refused = t.source.transaction((manager) => t.tokens.issue(user, {}, { manager }));
    await expect(refused).rejects.toThrow('this storage takes no part in transactions; leave manager out');
  });
});
