import type { INestApplication, LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { adapter } from '../src/platform.js';

export interface Running {
  app: INestApplication;
  request(method: string, path: string, options?: Sent): Promise<Answer>;
}

export interface Sent {
  token?: string;
  json?: unknown;
  form?: Record<string, string>;
  authorization?: string;
}

export interface Answer {
  status: number;
  body: any;
}

/** Starts an application on a free port. What keeps it from starting is thrown. */
export async function start(
  module: Type,
  logger: LoggerService | false = false,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<Running> {
  const app = await NestFactory.create(module, adapter(), { logger, abortOnError: false });
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const origin = await app.getUrl();
  return {
    app,
    async request(method, path, { token, json, form, authorization } = {}) {
      const headers: Record<string, string> = { connection: 'close' };
      if (token !== undefined) headers.authorization = `Bearer ${token}`;
      if (authorization !== undefined) headers.authorization = authorization;
      if (json !== undefined) headers['content-type'] = 'application/json';
      const response = await fetch(origin + path, {
        method,
        headers,
        body: form ? new URLSearchParams(form) : JSON.stringify(json),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}
