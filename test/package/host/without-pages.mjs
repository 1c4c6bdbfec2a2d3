// Run by plain Node in a host without what the pages need: the entry opens, and making the pages says what to install.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { pages } from 'nestjs-jwt-knox/pages';

assert.throws(() => pages(), {
  name: 'JwtKnoxConfigurationError',
  message: /needs the packages eta, bowser; install them with `npm install eta bowser`/,
});
