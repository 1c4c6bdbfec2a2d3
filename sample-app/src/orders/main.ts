import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { readOrdersConfig } from './orders-config.js';
import { OrdersModule } from './orders.module.js';

// Started by start.mjs, it ends with it, however that ends.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

try {
  const config = readOrdersConfig(process.env);
  const app = await NestFactory.create(OrdersModule.register(config), { abortOnError: false });
  app.enableShutdownHooks();
  if (config.natsUrl !== null) {
    app.connectMicroservice({ transport: Transport.NATS, options: { servers: [config.natsUrl] } });
    await app.startAllMicroservices();
  }
  await app.listen(config.port, '127.0.0.1');
  console.log(`Orders are listening on ${await app.getUrl()}, in mode ${config.mode}`);
} catch (error) {
  console.error((error instanceof Error && error.message) || error);
  process.exit(1);
}
