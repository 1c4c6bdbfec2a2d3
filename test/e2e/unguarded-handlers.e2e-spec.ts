import { type CanActivate, Controller, Get, Injectable, SetMetadata, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { AnyScope, JwtKnoxGuard, OptionalAuth, Public, RequireFresh, RequireLogin, Scopes } from '../../lib';
import { RequireBound } from '../../lib/binding';
import { inMemory } from '../../lib/testing';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { notingLogger } from '../support/noting-logger';

const answer = { answered: true };

/** Of the application: whether it checks rights cannot be told from outside. */
@Injectable()
class OwnGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

class SubGuard extends JwtKnoxGuard {}

@Controller('orders')
class OrdersController {
  @Get() @Scopes('orders:read') list() {
    return answer;
  }

  @Get('latest') @UseGuards(JwtKnoxGuard) @AnyScope('orders:read', 'support') latest() {
    return answer;
  }

  @Get('own') @UseGuards(OwnGuard) @RequireLogin() own() {
    return answer;
  }

  @Get('open') @Public() open() {
    return answer;
  }
}

@Controller('payments')
@RequireBound()
class PaymentsController {
  @Get() pay() {
    return answer;
  }

  @Get('list') @UseGuards(SubGuard) list() {
    return answer;
  }

  helper() {
    return answer;
  }
}

@Controller('refunds')
class RefundsController extends PaymentsController {}

@Controller('account')
@UseGuards(JwtKnoxGuard)
class AccountController {
  @Get() @RequireFresh('5m') close() {
    return answer;
  }
}

/** A handler's own `@Public()` counts more than what its class requires, and no more than what it requires itself. */
@Controller('stock')
@Scopes('stock')
class StockController {
  @Get('health') @Public() health() {
    return answer;
  }

  @Get('greeting') @OptionalAuth() greet() {
    return answer;
  }

  @Get('both') @Public() @RequireLogin() both() {
    return answer;
  }
}

/** As a resolver or a gateway, which are providers. */
@Injectable()
class Resolver {
  @SetMetadata('query', 'orders') @Scopes('orders:read') orders() {
    return answer;
  }
}

const controllers = [OrdersController, PaymentsController, RefundsController, AccountController];

describe.each(platforms)('S rights that no guard checks: $name', (platform) => {
  let t: TestApp;
  let warnings: string[];
  afterEach(() => t.close());

  async function open(settings: Partial<AppSettings>): Promise<void> {
    warnings = [];
    const logger = notingLogger((text) => warnings.push(String(text)), 'warn');
    const { extras = {}, ...others } = settings;
    t = await createApp(platform, 'sqlite', {
      controllers,
      logger,
      ...others,
      extras: { storage: inMemory(), ...extras },
    });
  }

  const told = () => warnings.filter((text) => text.startsWith('[jwt-knox:rights-unchecked]'));

  it('are told of at the start, by handler, since everybody may call it', async () => {
    await open({ providers: [Resolver] });
    expect(told()).toEqual([
      '[jwt-knox:rights-unchecked] Rights are required that no guard checks, so everybody may call ' +
        'OrdersController.list, PaymentsController.pay, RefundsController.pay, Resolver.orders. Add ' +
        "@UseGuards(JwtKnoxGuard) to the handler or its class, or set guard: 'global'.",
    ]);
    expect((await t.http.get('/orders')).status).toBe(200);
    expect((await t.http.get('/orders/latest')).status).toBe(401);
    expect((await t.http.get('/refunds/list')).status).toBe(401);
  });

  it.each([
    ["guard: 'global'", { extras: { guard: 'global' } }],
    ['a guard of the application for all', { providers: [{ provide: APP_GUARD, useClass: OwnGuard }] }],
    ['handlers that all have a guard', { controllers: [AccountController] }],
  ] as [string, Partial<AppSettings>][])('are not, with %s', async (_name, settings) => {
    await open(settings);
    expect(told()).toEqual([]);
  });

  it('are not told of a handler that is @Public() itself, in a class that asks for rights', async () => {
    await open({ controllers: [StockController] });
    expect(told()).toEqual([expect.stringContaining('may call StockController.greet, StockController.both. Add')]);
  });
});
