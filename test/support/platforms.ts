import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

export interface Platform {
  name: 'express' | 'fastify';
  adapter(): ExpressAdapter | FastifyAdapter;
  ready(app: INestApplication): Promise<void>;
}

export const platforms: Platform[] = [
  { name: 'express', adapter: () => new ExpressAdapter(), ready: async () => undefined },
  {
    name: 'fastify',
    adapter: () => new FastifyAdapter(),
    ready: async (app) => void (await (app as NestFastifyApplication).getHttpAdapter().getInstance().ready()),
  },
];
