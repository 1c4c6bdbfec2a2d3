// A second service that checks signatures alone, in the process of the proof.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const require = createRequire(import.meta.url);
const { JwtKnoxGuard } = require('nestjs-jwt-knox');
const { JwtKnoxVerifierModule } = require('nestjs-jwt-knox/verifier');

/** @param options those of `JwtKnoxVerifierModule` */
export async function startVerifyingService(options) {
  class OrdersController {
    list() {
      return { orders: [] };
    }
  }
  Get()(OrdersController.prototype, 'list', Object.getOwnPropertyDescriptor(OrdersController.prototype, 'list'));
  Controller('orders')(OrdersController);
  UseGuards(JwtKnoxGuard)(OrdersController);
  class OrdersModule {}
  const imports = [JwtKnoxVerifierModule.forRoot(options)];
  Module({ imports, controllers: [OrdersController] })(OrdersModule);
  const app = await NestFactory.create(OrdersModule, { logger: ['error', 'fatal'] });
  await app.listen(0, '127.0.0.1');
  app.getHttpServer().keepAliveTimeout = 60_000;
  return { app, url: await app.getUrl() };
}
