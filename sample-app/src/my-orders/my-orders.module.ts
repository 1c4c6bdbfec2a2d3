import { type DynamicModule, Module } from '@nestjs/common';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { MyOrdersController, ORDERS } from './my-orders.controller.js';

@Module({ controllers: [MyOrdersController] })
export class MyOrdersModule {
  static register(natsUrl: string): DynamicModule {
    return {
      module: MyOrdersModule,
      imports: [ClientsModule.register([{ name: ORDERS, transport: Transport.NATS, options: { servers: [natsUrl] } }])],
    };
  }
}
