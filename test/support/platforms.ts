import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

/** Private key and certificate, as PEM files have them. */
export interface Tls {
  readonly key: string;
  readonly cert: string;
}

export interface Platform {
  name: 'express' | 'fastify';
  /** @param tls for https; Express gets it with the options of the application */
  adapter(tls?: Tls): ExpressAdapter | FastifyAdapter;
  ready(app: INestApplication): Promise<void>;
}

export const platforms: Platform[] = [
  { name: 'express', adapter: () => new ExpressAdapter(), ready: async () => undefined },
  {
    name: 'fastify',
    adapter: (tls) => new FastifyAdapter({ ...(tls && { https: tls }) } as object),
    ready: async (app) => void (await (app as NestFastifyApplication).getHttpAdapter().getInstance().ready()),
  },
];
