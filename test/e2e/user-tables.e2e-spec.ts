import type { AddressInfo } from 'node:net';
import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, CurrentUser, JwtKnoxModule } from '../../lib';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { inMemory } from '../../lib/testing';
import { environments, NotesController, SECRET, checkFor } from '../support/create-app';
import { CreateUsers1 } from '../support/create-users';
import { createDatabase, type TestDatabase } from '../support/databases';
import { HttpClient } from '../support/http-client';
import type { Platform } from '../support/platforms';
import { describeRecipesOf } from '../support/recipe-page';
import { CreateCustomers1, Customers, CustomersModule } from '../support/two-realms';
import {
  customersKnox,
  ShopModule,
  staffKnox,
  TenantGuard,
  Tenants,
  type TenantUser,
  TenantUsers,
} from '../support/user-tables';
import { TestUsers, UsersModule } from '../support/users';

describeRecipesOf('test/support/user-tables.ts');

async function start(platform: Platform, module: new () => object) {
  const app = await NestFactory.create(module, platform.adapter() as never, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  return { app, http: new HttpClient((app.getHttpServer().address() as AddressInfo).port, checkFor(app).check) };
}

describe.each(environments)('staff and customers: $title', ({ platform, kind }) => {
  let database: TestDatabase;
  let running: Awaited<ReturnType<typeof start>>;

  beforeEach(async () => {
    process.env.JWT_SECRET = SECRET;
    database = await createDatabase(kind);
    const tables = TypeOrmModule.forRoot({
      ...database.options,
      autoLoadEntities: true,
      migrations: [...jwtKnoxMigrations, CreateUsers1, CreateCustomers1],
      migrationsRun: true,
      retryAttempts: 0,
    });
    @Module({ imports: [tables, UsersModule, CustomersModule, staffKnox, ShopModule], controllers: [NotesController] })
    class AppModule {}
    running = await start(platform, AppModule);
  });
  afterEach(async () => {
    delete process.env.JWT_SECRET;
    await running?.app.close();
    await database.drop();
  });

  it('who has the same id and the same name in both tables is two people', async () => {
    const { app, http } = running;
    for (const users of [TestUsers, Customers]) await app.get(users, { strict: false }).add('alice');
    const json = { username: 'alice', password: 'alice-password' };
    const [member, customer] = [
      (await http.post('/auth/login', { json })).body.access_token as string,
      (await http.post('/customers/login', { json })).body.access_token as string,
    ];
    expect((await http.get('/orders', { token: customer })).body).toEqual({ customer: 'alice', devices: 1 });
    expect((await http.get('/notes', { token: member })).status).toBe(200);
    expect((await http.get('/notes', { token: customer })).status).toBe(401);
    expect((await http.get('/orders', { token: member })).status).toBe(401);
    expect((await http.post('/customers/logout-all', { token: customer })).body).toEqual({ revoked: 1 });
    expect((await http.get('/notes', { token: member })).status).toBe(200);
  });

  it('importing the one object again makes no second module', async () => {
    @Module({ imports: [customersKnox] })
    class OtherFeature {}
    @Module({
      imports: [
        TypeOrmModule.forRoot({ ...database.options, autoLoadEntities: true }),
        staffKnox,
        ShopModule,
        OtherFeature,
      ],
    })
    class AppModule {}
    await (await start(platform, AppModule)).app.close();
  });
});

describe('tenants with a database each', () => {
  const databases = new Map(['acme', 'globex'].map((tenant) => [tenant, { id: 7, tenant, username: 'alice' }]));

  @Injectable()
  class TwoTenants extends Tenants {
    async logIn(tenant: string, { username, password }: Credentials): Promise<TenantUser | null> {
      const user = databases.get(tenant);
      return user?.username === username && password === `${tenant}-password` ? user : null;
    }
    async find(tenant: string, id: number): Promise<TenantUser | null> {
      const user = databases.get(tenant);
      return user?.id === id ? user : null;
    }
  }
  @Module({ providers: [TenantUsers, { provide: Tenants, useClass: TwoTenants }], exports: [TenantUsers] })
  class TenantsModule {}
  @Controller('me')
  @UseGuards(TenantGuard)
  class MeController {
    @Get() me(@CurrentUser('tenant') tenant: string) {
      return { tenant };
    }
  }
  const knox = JwtKnoxModule.forRoot({
    secret: SECRET,
    imports: [TenantsModule],
    userProvider: TenantUsers,
    storage: inMemory(),
  });
  @Module({ imports: [knox], controllers: [MeController] })
  class AppModule {}

  it.each(environments)('user 7 of the one is not user 7 of the other: $title', async ({ platform }) => {
    const { app, http } = await start(platform, AppModule);
    try {
      const at = (tenant: string) => ({ host: `${tenant}.example.com` });
      const login = (tenant: string, password = `${tenant}-password`) =>
        http.post('/auth/login', { json: { username: 'alice', password }, headers: at(tenant) });
      const tokens = { acme: (await login('acme')).body, globex: (await login('globex')).body };
      expect((await login('acme', 'globex-password')).status).toBe(401);
      expect((await login('initech')).status).toBe(401);
      const me = async (tenant: 'acme' | 'globex', host: string) =>
        (await http.get('/me', { token: tokens[tenant].access_token, headers: at(host) })).status;
      expect([await me('acme', 'acme'), await me('acme', 'globex'), await me('globex', 'globex')]).toEqual([
        200, 403, 200,
      ]);
      const token = tokens.acme.access_token;
      expect((await http.get('/auth/sessions', { token, headers: at('acme') })).body).toHaveLength(1);
      expect((await http.post('/auth/logout-all', { token, headers: at('acme') })).body).toEqual({ revoked: 1 });
      expect([await me('acme', 'acme'), await me('globex', 'globex')]).toEqual([401, 200]);
    } finally {
      await app.close();
    }
  });
});
