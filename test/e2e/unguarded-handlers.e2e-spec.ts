import {
  type CanActivate,
  Controller,
  Get,
  type INestApplicationContext,
  Injectable,
  Module,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { MessagePattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import {
  AnyScope, type JwtKnoxExtras, JwtKnoxGuard, JwtKnoxModule, OptionalAuth, Public, RequireFresh, RequireLogin, Scopes,
} from '../../lib'; // prettier-ignore
import { RequireBound } from '../../lib/binding';
import { inMemory } from '../../lib/testing';
import { type AppSettings, createApp, SECRET, type TestApp } from '../support/create-app';
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

/** Of routes and of messages. */
@Controller('mixed')
class MixedController {
  @MessagePattern('told') @Scopes('told') told() {
    return answer;
  }

  @MessagePattern('checked') @Scopes('told') @UseGuards(JwtKnoxGuard) checked() {
    return answer;
  }

  @Get() @Scopes('asked') asked() {
    return answer;
  }

  @Get('either') @MessagePattern('either') @Scopes('either') either() {
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

@WebSocketGateway(0)
class Gateway {
  @SubscribeMessage('said') @Scopes('said') said() {
    return answer;
  }
}

const controllers = [OrdersController, PaymentsController, RefundsController, AccountController];
const overTcp: MicroserviceOptions = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } };

/** Notes the warning alone. */
function listener() {
  const told: string[] = [];
  const warn = (text: unknown) => {
    const [, names] = /^\[jwt-knox:rights-unchecked].* may call (.*)\. Add/.exec(String(text)) ?? [];
    if (names) told.push(names);
  };
  return { told, logger: notingLogger(warn, 'warn') };
}

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
});

describe.each(platforms)('S rights that no guard checks, where it serves requests alone: $name', (platform) => {
  let t: TestApp;
  afterEach(() => t.close());

  async function namesIn(settings: Partial<AppSettings>): Promise<string[]> {
    const { told, logger } = listener();
    t = await createApp(platform, 'sqlite', { extras: { storage: inMemory() }, logger, ...settings });
    return told;
  }

  it('are not told of a handler that is @Public() itself, in a class that asks for rights', async () => {
    expect(await namesIn({ controllers: [StockController] })).toEqual(['StockController.greet, StockController.both']);
  });

  it('are not told of handlers of messages, which nothing serves', async () => {
    expect(await namesIn({ controllers: [MixedController] })).toEqual([
      'MixedController.asked, MixedController.either',
    ]);
  });

  it('are told of handlers of messages beside HTTP', async () => {
    const prepare = (app: TestApp['app']) => void app.connectMicroservice(overTcp);
    const told = await namesIn({ controllers: [MixedController], prepare });
    expect(told).toEqual(['MixedController.told, MixedController.asked, MixedController.either']);
  });
});

describe('S rights that no guard checks, in a process without an HTTP server', () => {
  let app: INestApplicationContext;
  afterEach(() => app.close());

  function hostWith(extras: JwtKnoxExtras = {}) {
    @Module({
      imports: [JwtKnoxModule.forRoot({ secret: SECRET, storage: inMemory(), ...extras })],
      controllers: [...controllers, MixedController],
      providers: [Resolver, Gateway],
    })
    class Host {}
    return Host;
  }

  async function startMicroservice(extras: JwtKnoxExtras, ...guards: CanActivate[]): Promise<string[]> {
    const { told, logger } = listener();
    const service = await NestFactory.createMicroservice(hostWith(extras), { ...overTcp, logger, abortOnError: false });
    app = service.useGlobalGuards(...guards);
    await service.listen();
    return told;
  }

  it('are not told of where nothing is served, such as in a job', async () => {
    const { told, logger } = listener();
    app = await NestFactory.createApplicationContext(hostWith(), { logger, abortOnError: false });
    expect(told).toEqual([]);
  });

  it("are told of the handlers of a microservice's messages", async () => {
    expect(await startMicroservice({})).toEqual(['MixedController.told, MixedController.either, Gateway.said']);
  });

  it("are not, with guard: 'global'", async () => {
    expect(await startMicroservice({ guard: 'global' })).toEqual([]);
  });

  it('are not, with a guard that its main.ts sets', async () => {
    expect(await startMicroservice({}, new OwnGuard())).toEqual([]);
  });
});
