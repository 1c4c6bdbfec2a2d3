import 'reflect-metadata';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { type INestApplication, Logger, ValidationPipe } from '@nestjs/common';
import { AppModule } from './app.module.js';
import { type AppConfig, readConfig } from './config/app-config.js';
import { DEMO_USERS } from './database/seed.js';

async function start(): Promise<string> {
  const config = readConfig(process.env);
  if (config.secretIsRandom) {
    new Logger('Config').warn(
      'JWT_SECRET is not set: the tokens of this process end with it, and no other knows them.',
    );
  }
  const app = await NestFactory.create(AppModule.register(config), await adapterOf(config), {
    abortOnError: false,
    ...(!config.verbose && { logger: ['warn', 'error', 'fatal'] }),
    ...(config.tls && config.adapter === 'express' && { httpsOptions: config.tls }),
  });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidUnknownValues: true }));
  app.enableShutdownHooks();
  if (config.docs) (await import('./docs/serve-docs.js')).serveDocs(app);
  await listen(app, config);
  const url = await app.getUrl();
  console.log(`Listening on ${url}`);
  console.log(`Open it in a browser. Users: ${DEMO_USERS.map(({ username }) => username).join(', ')};`);
  console.log('their passwords are alice-password and so on. The environment: sample-app/README.md.');
  return url;
}

async function listen(app: INestApplication, { port }: AppConfig): Promise<void> {
  try {
    await app.listen(port, '127.0.0.1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${port} is in use: choose another one with PORT=3001, or PORT=0 for any.`, { cause: error });
  }
}

/** User ids are parts of admin paths; by default, Fastify refuses parts of more than 100 characters. */
const FASTIFY = { routerOptions: { maxParamLength: 255 } };

async function adapterOf({ adapter, tls }: AppConfig): Promise<AbstractHttpAdapter> {
  if (adapter === 'fastify') {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter({ ...FASTIFY, ...(tls && { https: tls }) } as object);
  }
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

/** Where the application listens, for who starts other services beside it. */
export const url: string = await start().catch((error: unknown) => {
  // Nest has logged the stack of what went wrong within it; here the last line says what it was.
  console.error((error instanceof Error && error.message) || error);
  process.exit(1);
});
