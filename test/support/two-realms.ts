import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { Entity, type Repository } from 'typeorm';
import {
  CurrentSession, CurrentUser, JwtKnoxEvents, JwtKnoxGuard, JwtKnoxModule, type JwtKnoxOptions, type Session, SessionAdminService, TokenService,
} from '../../lib'; // prettier-ignore
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { FakeClock } from '../../lib/testing';
import { createApp, type TestApp } from './create-app';
import { CreateUsers1 } from './create-users';
import type { DatabaseKind } from './databases';
import type { Platform } from './platforms';
import { TestUsers, User } from './users';

/** Another table of users, whose ids begin at 1 too. */
@Entity('customers')
export class Customer extends User {}

export class CreateCustomers1 extends CreateUsers1 {
  override readonly name: string = 'CreateCustomers1764000000002';
  protected override readonly table: string = 'customers';
}

@Injectable()
export class Customers extends TestUsers {}

@Module({
  imports: [TypeOrmModule.forFeature([Customer])],
  providers: [
    {
      provide: Customers,
      useFactory: (rows: Repository<Customer>) => new Customers(rows),
      inject: [getRepositoryToken(Customer)],
    },
  ],
  exports: [Customers],
})
export class CustomersModule {}

const HEARD = [
  'session.created', 'session.revoked', 'sessions.purged', 'refresh.reused', 'authentication.rejected',
] as const; // prettier-ignore

/** Injected, for `app.get` knows one module's services only. */
@Injectable()
class Injected {
  constructor(
    readonly tokens: TokenService<User>,
    readonly admin: SessionAdminService,
    readonly events: JwtKnoxEvents,
  ) {}
}
@Injectable()
class Office extends Injected {}
@Injectable()
class Shop extends Injected {}

/** What a host has of one of the modules. */
export interface Side {
  realm: string;
  /** Its routes. */
  prefix: string;
  /** A route of the host's behind its guard. */
  guarded: string;
  users: TestUsers;
  tokens: TokenService<User>;
  admin: SessionAdminService;
  events: { name: string; event: any }[];
}

export interface TwoRealms extends TestApp {
  staff: Side;
  customers: Side;
}

/** Staff and customers, each with a table of users and a module; one table of sessions, one set of keys. */
export async function createTwoRealms(
  platform: Platform,
  kind: DatabaseKind,
  options: JwtKnoxOptions = {},
  realms = { staff: 'staff', customers: 'customers' },
): Promise<TwoRealms> {
  const clock = new FakeClock();
  const routes = { admin: true, oauth: true };
  const customersKnox = JwtKnoxModule.forRoot({
    ...options,
    clock,
    realm: realms.customers,
    imports: [CustomersModule],
    userProvider: Customers,
    isGlobal: false,
    routes: { ...routes, prefix: 'customers', metadata: false },
  });

  @Controller('purchases')
  @UseGuards(JwtKnoxGuard)
  class PurchasesController {
    @Get() mine(@CurrentUser() { id }: Customer, @CurrentSession() session: Session) {
      return { userId: id, sessionId: session.id };
    }
  }
  @Module({ imports: [customersKnox], controllers: [PurchasesController], providers: [Shop] })
  class ShopModule {}

  const t = await createApp(platform, kind, {
    options: { ...options, clock },
    extras: { realm: realms.staff, routes },
    imports: [CustomersModule, ShopModule],
    providers: [Office],
    typeorm: { migrations: [...jwtKnoxMigrations, CreateUsers1, CreateCustomers1] },
  });
  const side = (has: Injected, realm: string, prefix: string, guarded: string, users: TestUsers): Side => {
    const events: Side['events'] = [];
    for (const name of HEARD) has.events.on(name, (event) => void events.push({ name, event }));
    return { realm, prefix, guarded, users, tokens: has.tokens, admin: has.admin, events };
  };
  const [office, shop] = [t.app.get(Office, { strict: false }), t.app.get(Shop, { strict: false })];
  return {
    ...t,
    clock,
    staff: side(office, realms.staff, '/auth', '/notes', t.app.get(TestUsers, { strict: false })),
    customers: side(shop, realms.customers, '/customers', '/purchases', t.app.get(Customers, { strict: false })),
  };
}
