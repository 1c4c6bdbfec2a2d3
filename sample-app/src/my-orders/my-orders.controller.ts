import { Controller, Get, HttpException, Inject, Req, UseGuards } from '@nestjs/common';
import { headers } from '@nats-io/transport-node';
import { type ClientProxy, NatsRecordBuilder } from '@nestjs/microservices';
import { JwtKnoxGuard, TokenTransport } from 'nestjs-jwt-knox';
import { withToken } from 'nestjs-jwt-knox/microservices';
import { catchError, type Observable, timeout } from 'rxjs';

export const ORDERS = 'ORDERS';

/** Asks the second service over NATS, in the name of whoever asks this one. */
@Controller('my-orders')
@UseGuards(JwtKnoxGuard)
export class MyOrdersController {
  constructor(
    @Inject(ORDERS) private readonly orders: ClientProxy,
    private readonly transport: TokenTransport,
  ) {}

  @Get()
  list(@Req() request: unknown): Observable<unknown> {
    // From the cookie of a browser, or the header of a program.
    const token = this.transport.readAccess(request)!;
    const record = new NatsRecordBuilder({}).setHeaders(headers()).build();
    return this.orders.send('orders.list', withToken(record, token)).pipe(
      timeout(5_000),
      catchError((error: unknown) => {
        throw refusalOf(error);
      }),
    );
  }
}

/** What the other service says of a refusal goes on to the client; the rest is that it does not answer. */
function refusalOf(error: unknown): HttpException {
  const { code, status, message } = Object(error) as { code?: unknown; status?: unknown; message?: string };
  const isTold = typeof code === 'string' && typeof status === 'number';
  return isTold
    ? new HttpException({ statusCode: status, code, message }, status)
    : new HttpException({ statusCode: 503, code: 'orders_unavailable', message: 'Try again shortly.' }, 503, {
        cause: error,
      });
}
