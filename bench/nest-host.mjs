// What all Nest scenarios share: the adapters and one route, which answers who asks.
import 'reflect-metadata';
import { Controller, createParamDecorator, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const ADAPTERS = { fastify: FastifyAdapter, express: ExpressAdapter };

/** Gives `request.user`. */
export const requestUser = createParamDecorator((_, context) => context.switchToHttp().getRequest().user);

/** A controller with `GET /me`. @param user a parameter decorator that gives `{ id }` */
export function meController({ guard, user }) {
  class MeController {
    me({ id }) {
      return { id };
    }
  }
  Get()(MeController.prototype, 'me', Object.getOwnPropertyDescriptor(MeController.prototype, 'me'));
  user(MeController.prototype, 'me', 0);
  Controller('me')(MeController);
  if (guard) UseGuards(guard)(MeController);
  return MeController;
}

/** Listens on a free port of this machine. */
export async function startNest(platform, metadata) {
  class HostModule {}
  Module(metadata)(HostModule);
  const app = await NestFactory.create(HostModule, new ADAPTERS[platform](), { logger: ['error', 'fatal'] });
  await app.listen(0, '127.0.0.1');
  return { app, port: app.getHttpServer().address().port };
}
