// The code of docs/07-recipes.md about users in several tables. A test runs it, and holds the page to it.
import type { IncomingMessage } from 'node:http';
import {
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  UseGuards,
} from '@nestjs/common';
import {
  type Credentials,
  CurrentSession,
  CurrentUser,
  type ExcludeFromDeadline,
  JwtKnoxGuard,
  JwtKnoxModule,
  type Session,
  TokenService,
  UserProvider,
} from '../../lib';
import { type Customer, Customers, CustomersModule } from './two-realms';
import { TestUsers as Staff, UsersModule as StaffModule } from './users';

/** What a tenant's database knows of a user. */
export interface TenantUser {
  id: number;
  tenant: string;
  username: string;
}

/** The host's connections to the databases of its tenants. */
export abstract class Tenants {
  /** Null for a wrong password, and for a tenant that is none. */
  abstract logIn(tenant: string, given: Credentials, exclude: ExcludeFromDeadline): Promise<TenantUser | null>;
  abstract find(tenant: string, id: number): Promise<TenantUser | null>;
}

/** Recipe: staff and customers */
const options = () => ({ secret: process.env.JWT_SECRET });

/** Global: whatever imports no other module gets the guard and the TokenService of this one. */
export const staffKnox = JwtKnoxModule.forRootAsync({
  realm: 'staff',
  imports: [StaffModule],
  userProvider: Staff,
  useFactory: options,
});

/** Called once: the modules for customers import this object. */
export const customersKnox = JwtKnoxModule.forRootAsync({
  realm: 'customers',
  imports: [CustomersModule],
  userProvider: Customers,
  isGlobal: false,
  routes: { prefix: 'customers' },
  useFactory: options,
});

@Controller('orders')
@UseGuards(JwtKnoxGuard)
export class OrdersController {
  constructor(private readonly tokens: TokenService<Customer>) {}

  @Get()
  async mine(@CurrentUser('username') customer: string, @CurrentSession() { userId }: Session) {
    return { customer, devices: (await this.tokens.list(userId)).length };
  }
}

@Module({ imports: [customersKnox], controllers: [OrdersController] })
export class ShopModule {}
/** End of recipe */

/** Recipe: tenants with a database each */
const tenantOf = (request: IncomingMessage) => (request.headers.host ?? '').split('.', 1)[0]!;

@Injectable()
export class TenantUsers extends UserProvider<TenantUser> {
  constructor(private readonly tenants: Tenants) {
    super();
  }

  validateCredentials(given: Credentials, request: IncomingMessage, exclude: ExcludeFromDeadline) {
    return this.tenants.logIn(tenantOf(request), given, exclude);
  }

  /** Called without a request too: the id alone leads to the user. */
  override getId({ tenant, id }: TenantUser) {
    return `${tenant}:${id}`;
  }

  async findById(userId: string) {
    const [, tenant, id] = /^([a-z0-9-]+):(\d+)$/.exec(userId) ?? [];
    return tenant === undefined ? null : this.tenants.find(tenant, Number(id));
  }
}

/** Lets users in at the host name of their own tenant only. */
@Injectable()
export class TenantGuard extends JwtKnoxGuard {
  override async canActivate(context: ExecutionContext) {
    await super.canActivate(context);
    const request = context.switchToHttp().getRequest<IncomingMessage & { user: TenantUser }>();
    if (request.user.tenant !== tenantOf(request)) throw new ForbiddenException();
    return true;
  }
}
/** End of recipe */
