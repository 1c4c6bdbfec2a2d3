// The code of docs/23-microservices.md. A test runs it, and holds the page to it.
import { headers } from '@nats-io/transport-node';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  Get,
  HttpException,
  Inject,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { type ClientProxy, MessagePattern, NatsRecordBuilder, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { CurrentUser, JwtKnoxGuard, Scopes } from '../../lib';
import { AccessToken, withToken } from '../../lib/microservices';

/** Example: the service */
@Controller()
@UseGuards(JwtKnoxGuard)
export class OrdersController {
  @MessagePattern('orders.list')
  @Scopes('orders:read')
  list(@CurrentUser('id') userId: string, @Payload() { year }: { year: number }) {
    return [{ id: 1, userId, year }];
  }
}
/** End of example */

/** Example: the gateway */
/** A service that refuses says why: its status and code go on to the client. */
@Catch()
export class TellRefusals extends BaseExceptionFilter {
  override catch(error: any, host: ArgumentsHost) {
    const { code, status, message } = Object(error);
    const isRefusal = typeof code === 'string' && [401, 403, 503].includes(status);
    const told = isRefusal && !(error instanceof HttpException);
    super.catch(told ? new HttpException({ statusCode: status, code, message }, status) : error, host);
  }
}

@Controller('my-orders')
@UseGuards(JwtKnoxGuard)
@UseFilters(TellRefusals)
export class GatewayController {
  constructor(@Inject('ORDERS') private readonly orders: ClientProxy) {}

  @Get() list(@AccessToken() token: string): Observable<unknown> {
    const record = new NatsRecordBuilder({ year: 2026 }).setHeaders(headers()).build();
    return this.orders.send('orders.list', withToken(record, token));
  }
}
/** End of example */
