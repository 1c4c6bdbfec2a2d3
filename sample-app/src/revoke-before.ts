import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { TokenService } from 'nestjs-jwt-knox';
import { AppModule } from './app.module.js';
import { readConfig } from './config/app-config.js';

const USAGE =
  'Give the moment in ISO 8601, with its time zone: npm run revoke-before -w sample-app -- 2026-11-22T04:05:06Z';

/** A moment that says which one it is: a day, or a time with its zone. */
const ISO = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** @throws Error for anything else than one moment that exists */
function momentOf(words: string[]): Date {
  const [text = '', ...rest] = words;
  const day = ISO.exec(text)?.[1];
  const moment = new Date(text);
  if (day === undefined || rest.length > 0 || Number.isNaN(moment.getTime()) || !exists(day)) {
    throw new Error(`Not a moment: ${JSON.stringify(words.join(' '))}. ${USAGE}`);
  }
  return moment;
}

/** `2026-02-30` would pass for the second of March. */
function exists(day: string): boolean {
  const date = new Date(day);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

async function revokeBefore(moment: Date): Promise<void> {
  const root = AppModule.register(readConfig(process.env));
  const app = await NestFactory.createApplicationContext(root, { logger: ['error', 'warn'], abortOnError: false });
  try {
    const ended = await app.get(TokenService, { strict: false }).revokeBefore(moment);
    console.log(`${ended} sessions ended that were created before ${moment.toISOString()}.`);
  } finally {
    await app.close();
  }
}

try {
  await revokeBefore(momentOf(process.argv.slice(2)));
} catch (error) {
  console.error((error instanceof Error && error.message) || error);
  process.exit(1);
}
