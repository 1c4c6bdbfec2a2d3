import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fastifyCompress from '@fastify/compress';
import fastifyHelmet from '@fastify/helmet';
import compression from 'compression';
import helmet from 'helmet';
import type { Platform } from './platforms';

/** What many hosts put in front of everything, as Nest's documentation shows it; every answer is large enough to compress. */
export async function addFronts({ name }: Platform, app: INestApplication): Promise<void> {
  if (name === 'express') return void app.use(helmet(), compression({ threshold: 0 }));
  const fastify = app as NestFastifyApplication;
  await fastify.register(fastifyHelmet as never);
  await fastify.register(fastifyCompress as never, { threshold: 0, encodings: ['gzip'] } as never);
}
