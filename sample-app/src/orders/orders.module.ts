import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MicroserviceContextReader } from 'nestjs-jwt-knox/microservices';
import { JwtKnoxVerifierModule } from 'nestjs-jwt-knox/verifier';
import type { OrdersConfig } from './orders-config.js';
import { OrdersController } from './orders.controller.js';

@Module({ controllers: [OrdersController] })
export class OrdersModule {
  static register({ verifier, database }: OrdersConfig): DynamicModule {
    return {
      module: OrdersModule,
      imports: [
        // The table is the first service's: no migrations here.
        ...(database ? [TypeOrmModule.forRoot({ ...database, autoLoadEntities: true })] : []),
        JwtKnoxVerifierModule.forRoot({ ...verifier, contextReader: MicroserviceContextReader }),
      ],
    };
  }
}
