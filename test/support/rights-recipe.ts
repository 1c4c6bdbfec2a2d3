// The code of docs/19-rights.md about roles and CASL. A test runs it, and holds the page to it.
import { AbilityBuilder, createMongoAbility, type MongoAbility, subject } from '@casl/ability';
import {
  applyDecorators, type CanActivate, Controller, createParamDecorator, Delete, type ExecutionContext, Get, Injectable, NotFoundException, Param,
  SetMetadata, UseGuards,
} from '@nestjs/common'; // prettier-ignore
import { Reflector } from '@nestjs/core';
import { JwtKnoxGuard, Scopes } from '../../lib';

/** Example: roles */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.get<string[]>('roles', context.getHandler());
    return roles.includes(context.switchToHttp().getRequest().user.role);
  }
}

export const Roles = (...roles: string[]) =>
  applyDecorators(SetMetadata('roles', roles), UseGuards(JwtKnoxGuard, RolesGuard));
/** End of example */

/** Example: CASL */
interface User { id: number; isAdmin: boolean } // prettier-ignore
interface Order { id: string; userId: number } // prettier-ignore

/** What a user may do. */
export function abilityOf(user: User): MongoAbility {
  const { can, build } = new AbilityBuilder(createMongoAbility);
  can('read', 'Order', { userId: user.id });
  if (user.isAdmin) can('manage', 'Order');
  return build();
}

@Injectable()
export class AbilityGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    request.ability = abilityOf(request.user);
    return request.ability.can(...this.reflector.get<[string, string]>('can', context.getHandler()));
  }
}

/** `@Can('read', 'Order')`: the user has to be able to, and the session to have the scope `orders:read`. */
export const Can = (action: string, type: string) =>
  applyDecorators(
    SetMetadata('can', [action, type]),
    Scopes(`${type.toLowerCase()}s:${action}`),
    UseGuards(JwtKnoxGuard, AbilityGuard),
  );

export const CurrentAbility = createParamDecorator(
  (_: unknown, context: ExecutionContext): MongoAbility => context.switchToHttp().getRequest().ability,
);

@Controller('orders')
export class OrdersController {
  private readonly orders: Order[] = [
    { id: 'a', userId: 1 },
    { id: 'b', userId: 2 },
  ];

  @Get(':id') @Can('read', 'Order') read(@Param('id') id: string, @CurrentAbility() ability: MongoAbility) {
    const order = this.orders.find((one) => one.id === id);
    // Which orders, only the order itself can tell.
    if (!order || !ability.can('read', subject('Order', order))) throw new NotFoundException();
    return order;
  }

  @Delete(':id') @Can('delete', 'Order') delete(@Param('id') id: string) {
    return { deleted: id };
  }
}
/** End of example */
