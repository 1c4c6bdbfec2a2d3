import { Controller, Get, UseGuards } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { CurrentSession, CurrentUser, JwtKnoxGuard, Public, type TokenSession } from 'nestjs-jwt-knox';

/** What a second service does with the users of the first: it knows their ids, and nothing else of them. */
@Controller('orders')
@UseGuards(JwtKnoxGuard)
export class OrdersController {
  /** Over HTTP, and over NATS where that is on: the guard and the decorators are the same. */
  @Get()
  @MessagePattern('orders.list')
  list(@CurrentUser('id') userId: string, @CurrentSession() session: TokenSession) {
    return { user_id: userId, session_id: session.id, orders: [`The first order of ${userId}`] };
  }

  @Get('health')
  @Public()
  health() {
    return { status: 'ok' };
  }
}
