// Run by plain Node in a host without jose: the package works, and the one way to verify that needs jose says so.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import { JwtKnoxVerifierModule } from 'nestjs-jwt-knox/verifier';

const start = (options) =>
  NestFactory.createApplicationContext(JwtKnoxVerifierModule.forRoot(options), { logger: false, abortOnError: false });

await assert.rejects(start({ issuer: 'https://auth.example.com', audience: 'orders', jwks: {} }), {
  name: 'JwtKnoxConfigurationError',
  message: /needs the package jose; install it with `npm install jose`/,
});
const uri = 'https://auth.example.com/auth/introspect';
const client = { id: 'orders', secret: 'k7Tq2mWv9Xz4Rb8Ns3Lp6Yd1' };
await (await start({ introspection: { uri, client } })).close();
