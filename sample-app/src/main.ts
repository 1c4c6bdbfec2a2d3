import 'reflect-metadata';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { Logger, ValidationPipe } from '@nestjs/common';
import { AppModule } from './app.module.js';
import { type AppConfig, readConfig } from './config/app-config.js';

async function start(): Promise<string> {
  const config = readConfig(process.env);
  if (config.secretIsRandom) {
    new Logger('Config').warn(
      'JWT_SECRET is not set: the tokens of this process end with it, and no other knows them.',
    );
  }
  const app = await NestFactory.create(AppModule.register(config), await adapterOf(config), { abortOnError: false });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidUnknownValues: true }));
  app.enableShutdownHooks();
  await app.listen(config.port, '127.0.0.1');
  const url = await app.getUrl();
  console.log(`Listening on ${url}`);
  return url;
}

/** User ids are parts of admin paths; by default, Fastify refuses parts of more than 100 characters. */
const FASTIFY = { routerOptions: { maxParamLength: 255 } };

async function adapterOf({ adapter }: AppConfig): Promise<AbstractHttpAdapter> {
  if (adapter === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter(FASTIFY);
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

/** Where the application listens, for who starts other services beside it. */
export const url: string = await start().catch((error: unknown) => {
  // Nest has logged the stack of what went wrong within it; here the last line says what it was.
  console.error((error instanceof Error && error.message) || error);
  process.exit(1);
});
