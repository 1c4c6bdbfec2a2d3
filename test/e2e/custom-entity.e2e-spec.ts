import { randomUUID } from 'node:crypto';
import { Injectable, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { Column, type ColumnOptions, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Repository } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, InvalidCredentialsError, type JwtKnoxExtras, UserProvider } from '../../lib';
import { JwtKnoxFence, JwtKnoxSessionBase, stringTransformer, typeOrm } from '../../lib/typeorm';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { DatabaseKind } from '../support/databases';
import { User } from '../support/users';

interface Account {
  id: number | string;
  username: string;
  isActive: boolean;
  validSince: number | string | null;
}

/** A host with a table of accounts, and sessions that refer to it by a foreign key. */
function hostWith(keys: 'integer' | 'uuid', kind: DatabaseKind) {
  const text: ColumnOptions = kind === 'postgres' ? { type: 'uuid' } : { type: 'varchar', length: 36 };
  const key: ColumnOptions = keys === 'integer' ? { type: 'int' } : text;

  @Entity('accounts')
  class AccountRow implements Account {
    @PrimaryColumn(key as object)
    id!: number | string;

    @Column({ type: 'varchar', length: 64 })
    username!: string;

    @Column({ type: 'boolean', default: true })
    isActive!: boolean;

    @Column({ type: 'bigint', nullable: true })
    validSince!: number | string | null;
  }

  @Entity('account_sessions')
  class AccountSession extends JwtKnoxSessionBase {
    @Column({ name: 'userId', ...key, transformer: stringTransformer } as ColumnOptions)
    override userId!: string;

    @ManyToOne(() => AccountRow, { onDelete: 'CASCADE' })
    @JoinColumn({ name: 'userId' })
    user!: Account;
  }

  @Injectable()
  class Accounts extends UserProvider<Account> {
    lookUps = 0;

    constructor(readonly rows: Repository<AccountRow>) {
      super();
    }
    async validateCredentials({ username, password }: Credentials) {
      return password === `${username}-password` ? this.rows.findOneBy({ username }) : null;
    }
    async findById(id: string) {
      this.lookUps++;
      return this.rows.findOneBy({ id });
    }
    override validSince(account: Account) {
      return account.validSince === null ? null : new Date(Number(account.validSince));
    }
  }

  @Module({
    imports: [TypeOrmModule.forFeature([AccountRow])],
    providers: [
      {
        provide: Accounts,
        useFactory: (rows: Repository<AccountRow>) => new Accounts(rows),
        inject: [getRepositoryToken(AccountRow)],
      },
    ],
    exports: [Accounts],
  })
  class AccountsModule {}

  return { AccountRow, AccountSession, Accounts, AccountsModule };
}

const cases = environments.flatMap((environment) =>
  (['integer', 'uuid'] as const).map((keys) => ({ ...environment, keys, title: `${keys} keys, ${environment.title}` })),
);

describe.each(cases)("a session entity of the host's own: $title", ({ platform, kind, keys }) => {
  const { AccountRow, AccountSession, Accounts, AccountsModule } = hostWith(keys, kind);
  let t: TestApp;
  let account: Account;
  let token: string;
  let count = 0;

  const start = (userRelation?: string, extras: JwtKnoxExtras = {}) =>
    createApp(platform, kind, {
      extras: {
        imports: [AccountsModule],
        userProvider: Accounts,
        storage: typeOrm({ entity: AccountSession, userRelation }),
        ...extras,
      },
      synchronize: true,
      typeorm: { autoLoadEntities: false, entities: [User, AccountRow, AccountSession, JwtKnoxFence] },
    });
  const add = async (app: TestApp): Promise<Account> => {
    const id = keys === 'integer' ? ++count : randomUUID();
    await app.source.getRepository(AccountRow).insert({ id, username: `user${id}`, isActive: true, validSince: null });
    return app.source.getRepository(AccountRow).findOneByOrFail({ id });
  };
  const statusOf = async (one: string) => (await t.http.get('/notes', { token: one })).status;

  beforeAll(async () => {
    t = await start('user');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    account = await add(t);
    token = (await t.login(account.username)).access_token;
    t.statements.length = 0;
    t.events.length = 0;
  });

  it('keeps the key of the user as what it is', async () => {
    const runner = t.source.createQueryRunner();
    const table = await runner.getTable('account_sessions');
    await runner.release();
    const type = keys === 'integer' ? /^int/ : kind === 'postgres' ? /^uuid$/ : /^varchar$/;
    expect(table!.findColumnByName('userId')!.type).toMatch(type);
    expect(table!.foreignKeys.map((one) => [one.referencedTableName.split('.').pop(), one.onDelete])).toEqual([
      ['accounts', 'CASCADE'],
    ]);
  });

  it('reads session and user in one statement', async () => {
    const { lookUps } = t.app.get(Accounts, { strict: false });
    const answer = await t.http.get('/notes', { token });
    expect(answer.body).toMatchObject({ userId: account.id, username: account.username });
    expect(t.statements).toEqual([expect.stringMatching(/^SELECT .* LEFT JOIN /)]);
    expect(t.app.get(Accounts, { strict: false }).lookUps).toBe(lookUps);
  });

  it('gives the handler a user and a session as ever', async () => {
    const found = await t.tokens.authenticate(token);
    expect(found.user).toEqual(account);
    expect(found.user).toBeInstanceOf(AccountRow);
    expect(found.session.userId).toBe(String(account.id));
    expect(found.session).not.toHaveProperty('user');
  });

  it('ends the sessions of a user who is deleted, by the cascade', async () => {
    await t.source.getRepository(AccountRow).delete({ id: account.id });
    expect(await t.source.getRepository(AccountSession).countBy({ userId: String(account.id) })).toBe(0);
    expect(await statusOf(token)).toBe(401);
    expect(t.events).toMatchObject([{ event: { reason: 'session_not_found' } }]);
  });

  it('asks whether the user is active, and since when sessions count', async () => {
    const { id } = account;
    const accounts = t.source.getRepository(AccountRow);
    await accounts.update({ id }, { isActive: false });
    expect(await statusOf(token)).toBe(401);
    await accounts.update({ id }, { isActive: true, validSince: t.clock.now() + 1 });
    expect(await statusOf(token)).toBe(401);
    await accounts.update({ id }, { validSince: t.clock.now() });
    expect(await statusOf(token)).toBe(200);
    expect(t.events.map(({ event }) => event.reason)).toEqual(['user_inactive', 'credentials_outdated']);
  });

  it('starts no session for a user who is gone', async () => {
    const id = keys === 'integer' ? 4_711 : randomUUID();
    await expect(t.tokens.issue({ ...account, id } as never)).rejects.toThrow(InvalidCredentialsError);
    expect(await t.source.getRepository(AccountSession).countBy({ userId: String(id) })).toBe(0);
  });

  it('lists sessions, and ends one, the others and all', async () => {
    const stranger = await add(t);
    const other = (await t.login(stranger.username)).access_token;
    const [second, third, fourth] = [
      await t.login(account.username), await t.login(account.username), await t.login(account.username),
    ]; // prettier-ignore
    const list = await t.http.get('/auth/sessions', { token });
    expect(list.body).toHaveLength(4);
    expect(list.body.filter((one: { current: boolean }) => one.current)).toHaveLength(1);
    expect((await t.http.delete(`/auth/sessions/${second.session_id}`, { token })).status).toBe(204);
    expect((await t.http.delete(`/auth/sessions/${third.session_id}`, { token: other })).status).toBe(404);
    expect((await t.http.post('/auth/logout', { token: fourth.access_token })).status).toBe(204);
    expect((await t.http.post('/auth/logout-other', { token })).body).toEqual({ revoked: 1 });
    expect(await statusOf(token)).toBe(200);
    expect((await t.http.post('/auth/logout-all', { token })).body).toEqual({ revoked: 1 });
    expect([await statusOf(token), await statusOf(other)]).toEqual([401, 200]);
  });

  it('refreshes', async () => {
    const { refresh_token: refresh } = await t.login(account.username);
    t.clock.advance('4m');
    const answer = await t.http.post('/auth/refresh', { json: { refresh_token: refresh } });
    expect(answer.status).toBe(200);
    expect(await statusOf(answer.body.access_token)).toBe(200);
  });

  it('notes the use of a session', async () => {
    const { session } = await t.tokens.authenticate(token);
    t.clock.advance('61s');
    expect(await statusOf(token)).toBe(200);
    const lastUse = async () =>
      (await t.source.getRepository(AccountSession).findOneByOrFail({ id: session.id })).lastUsedAt;
    await expect.poll(lastUse).toBe(t.clock.now());
  });

  it('is served in two statements when the relation is not named', async () => {
    const two = await start();
    try {
      const found = await add(two);
      const { access_token: own } = await two.login(found.username);
      two.statements.length = 0;
      expect((await two.http.get('/notes', { token: own })).body).toMatchObject({ userId: found.id });
      expect(two.statements).toHaveLength(2);
    } finally {
      await two.close();
    }
  });
});
