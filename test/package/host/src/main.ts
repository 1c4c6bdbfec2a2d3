import { NestFactory } from '@nestjs/core';
import { appWith, useFactory } from './apps.js';
import { adapter } from './platform.js';

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(appWith(useFactory()), adapter());
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  console.log(`Listening on ${await app.getUrl()}`);
}

void bootstrap();
