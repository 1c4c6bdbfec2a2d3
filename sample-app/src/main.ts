import 'reflect-metadata';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { Logger, ValidationPipe } from '@nestjs/common';
import { AppModule, type ModuleDefinition } from './app.module.js';
import { type AppConfig, readConfig } from './config/app-config.js';
import { DEMO_USERS } from './database/seed.js';
import { Frontend } from './frontend/frontend.js';

async function start(): Promise<string> {
  const { config, frontend } = await settings();
  if (config.secretIsRandom) {
    new Logger('Config').warn(
      'JWT_SECRET is not set: the tokens of this process end with it, and no other knows them.',
    );
  }
  const app = await NestFactory.create(AppModule.register(config, await additionsOf(config)), await adapterOf(config), {
    abortOnError: false,
    ...(!config.verbose && { logger: ['warn', 'error', 'fatal'] }),
    ...(config.tls && config.adapter === 'express' && { httpsOptions: config.tls }),
  });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidUnknownValues: true }));
  app.enableShutdownHooks();
  frontend?.allow(app);
  if (config.docs) (await import('./docs/serve-docs.js')).serveDocs(app);
  await listening(config.port, 'PORT=3001', () => app.listen(config.port, '127.0.0.1'));
  const url = await app.getUrl();
  frontend?.connect(url);
  console.log(`Listening on ${url}`);
  if (frontend) console.log(`The front end is at ${frontend.origins[config.knox.transport ? 'cookie' : 'bearer']}`);
  console.log(`Open it in a browser. Users: ${DEMO_USERS.map(({ username }) => username).join(', ')};`);
  console.log('their passwords are alice-password and so on. The environment: sample-app/README.md.');
  return url;
}

/** The front end listens first: the transport is to trust its origin, whatever port it gets. */
async function settings(): Promise<{ config: AppConfig; frontend: Frontend | undefined }> {
  const config = readConfig(process.env);
  if (!config.frontend) return { config, frontend: undefined };
  const frontend = await listening(config.frontend.port, 'FRONTEND_PORT=3002', () => Frontend.open(config));
  return { config: readConfig({ ...process.env, FRONTEND_PORT: String(frontend.port) }), frontend };
}

async function listening<T>(port: number, remedy: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const anyPort = remedy.replace(/\d+/, '0');
    throw new Error(`Port ${port} is in use: choose another one with ${remedy}, or ${anyPort} for any.`, {
      cause: error,
    });
  }
}

async function additionsOf({ graphql, natsUrl }: AppConfig): Promise<ModuleDefinition[]> {
  return [
    ...(graphql ? [(await import('./graphql/graphql-api.module.js')).GraphqlApiModule] : []),
    ...(natsUrl === null ? [] : [(await import('./my-orders/my-orders.module.js')).MyOrdersModule.register(natsUrl)]),
  ];
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

// Started by start-two.mjs, it ends with it, however that ends.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

/** Where the application listens, for who starts other services beside it. */
export const url: string = await start().catch((error: unknown) => {
  // Nest has logged the stack of what went wrong within it; here the last line says what it was.
  console.error((error instanceof Error && error.message) || error);
  process.exit(1);
});
process.send?.({ url });
