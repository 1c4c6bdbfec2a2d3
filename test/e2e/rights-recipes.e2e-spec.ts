import { readFileSync } from 'node:fs';
import { Controller, Get, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp, environments, type TestApp } from '../support/create-app';
import { OrdersController, Roles } from '../support/rights-recipe';
import { TestUsers, User } from '../support/users';

/** Has roles, as the users of an application do. */
class RoleUsers extends TestUsers {
  override async findById(id: string) {
    const user = await super.findById(id);
    return user && Object.assign(user, { role: user.isAdmin ? 'staff' : 'customer' });
  }
}

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  providers: [
    { provide: RoleUsers, useFactory: (rows: any) => new RoleUsers(rows), inject: [getRepositoryToken(User)] },
  ],
  exports: [RoleUsers],
})
class RoleUsersModule {}

@Controller('desk')
class DeskController {
  @Get('staff') @Roles('staff', 'admin') staff() {
    return 'staff';
  }

  @Get('all') @Roles('staff', 'customer') all() {
    return 'all';
  }
}

describe('the examples of docs/19-rights.md', () => {
  const source = readFileSync('test/support/rights-recipe.ts', 'utf8');
  const examples = [...source.matchAll(/\/\*\* Example: (.*) \*\/\n([\s\S]*?)\/\*\* End of example \*\//g)];

  it.each(examples.map(([, title, code]) => [title!, code!]))('%s: the page shows what runs here', (_title, code) => {
    expect(readFileSync('docs/19-rights.md', 'utf8')).toContain(code.trim());
  });

  it('roles are 15 lines', () => {
    const [, , code] = examples.find(([, title]) => title === 'roles')!;
    expect(code!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(15);
  });
});

describe.each(environments)('roles and abilities of the users of an application: $title', ({ platform, kind }) => {
  let t: TestApp;
  beforeEach(async () => {
    t = await createApp(platform, kind, {
      extras: { imports: [RoleUsersModule], userProvider: RoleUsers },
      controllers: [DeskController, OrdersController],
    });
    await t.users.add('alice');
    await t.users.add('root', { isAdmin: true });
  });
  afterEach(() => t.close());

  const statuses = async (token: string | undefined, ...routes: [string, string][]) => {
    const answers = [];
    for (const [method, path] of routes)
      answers.push((await t.http.send(method, path, token === undefined ? {} : { token })).status);
    return answers;
  };

  it('a role opens the routes that name it', async () => {
    const routes: [string, string][] = [
      ['GET', '/desk/staff'],
      ['GET', '/desk/all'],
    ];
    expect(await statuses((await t.login()).access_token, ...routes)).toEqual([403, 200]);
    expect(await statuses((await t.login('root')).access_token, ...routes)).toEqual([200, 200]);
    expect(await statuses(undefined, ...routes)).toEqual([401, 401]);
  });

  it('with CASL, the user has to be able to do it, and the session to have the scope', async () => {
    const routes: [string, string][] = [
      ['GET', '/orders/a'],
      ['GET', '/orders/b'],
      ['GET', '/orders/none'],
      ['DELETE', '/orders/a'],
    ];
    expect(await statuses((await t.login()).access_token, ...routes)).toEqual([200, 404, 404, 403]);
    expect(await statuses((await t.login('root')).access_token, ...routes)).toEqual([200, 200, 404, 200]);
    expect(await statuses(undefined, ...routes)).toEqual([401, 401, 401, 401]);
    const root = (await t.users.rows.findOneByOrFail({ username: 'root' }))!;
    const reading = await t.tokens.issue(root, {}, { scopes: ['orders:read'] });
    expect(await statuses(reading.accessToken, ...routes)).toEqual([200, 200, 404, 403]);
    const { body } = await t.http.send('DELETE', '/orders/a', { token: reading.accessToken });
    expect(body.code).toBe('insufficient_scope');
    const alice = (await t.users.rows.findOneByOrFail({ username: 'alice' }))!;
    const everything = await t.tokens.issue(alice, {}, { scopes: ['orders:*'] });
    expect(await statuses(everything.accessToken, ...routes)).toEqual([200, 404, 404, 403]);
  });
});
