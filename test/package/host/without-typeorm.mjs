// Run by plain Node in a host without TypeORM: a second service works, and what needs TypeORM says so.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { JwtKnoxModule } from 'nestjs-jwt-knox';
import { inMemory } from 'nestjs-jwt-knox/testing';
import { JwtKnoxVerifierModule } from 'nestjs-jwt-knox/verifier';

const start = (module) => NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
const secret = randomBytes(48);

const jwks = { uri: 'http://localhost:9/.well-known/jwks.json' };
const issuer = 'https://auth.example.com';
await (await start(JwtKnoxVerifierModule.forRoot({ issuer, audience: 'orders', jwks }))).close();
await (await start(JwtKnoxModule.forRoot({ secret, storage: inMemory() }))).close();

await assert.rejects(start(JwtKnoxModule.forRoot({ secret })), {
  name: 'JwtKnoxConfigurationError',
  message: /typeorm and @nestjs\/typeorm.*are not installed.*npm install typeorm @nestjs\/typeorm@.*or set storage/,
});
await assert.rejects(import('nestjs-jwt-knox/typeorm'), { code: /MODULE_NOT_FOUND$/ });
