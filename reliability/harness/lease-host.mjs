// The lease cache of a process of the application, and what a proof asks of it.
import { createRequire } from 'node:module';
import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { plantLease, slowReads } from '../faults/planted-leases.mjs';

const require = createRequire(import.meta.url);
const { JwtKnoxGuard, TokenService } = require('nestjs-jwt-knox');
const { leaseCache, localFeed, postgresFeed, redisFeed } = require('nestjs-jwt-knox/cache');
const { SessionCache } = require('../../dist/sessions/session-cache.js');

const FEEDS = {
  postgres: ({ url }) => postgresFeed({ url }),
  redis: ({ url, RESP = 2 }) => redisFeed({ createClient: require('redis').createClient, url, options: { RESP } }),
  ioredis: ({ url }) => redisFeed({ Redis: require('ioredis').Redis, url }),
  local: () => localFeed(),
};

/** The feature, with the feed that `cache.feed` names, and a fault where one is planted. */
export function leaseOf({ cache, plant }) {
  plantLease(plant);
  if (cache.slowReads) slowReads(cache.slowReads);
  const users = cache.users && (cache.feed === 'postgres' || { announcedBy: 'application' });
  // What a proof races must end because it ended, and not because it grew old.
  return leaseCache({ feed: FEEDS[cache.feed](cache), users, maxEntries: 100_000, maxAge: '1h' });
}

class RightsController {
  constructor(tokens) {
    this.tokens = tokens;
  }

  read({ knox }) {
    return { scopes: knox.session.scopes };
  }

  async narrow({ knox }) {
    await this.tokens.narrow(knox.session.id, ['read']);
  }
}
Reflect.defineMetadata('design:paramtypes', [TokenService], RightsController);
UseGuards(JwtKnoxGuard)(RightsController);
Controller('rights')(RightsController);
for (const [name, decorators] of [
  ['read', [Get()]],
  ['narrow', [Post('narrow'), HttpCode(204)]],
]) {
  const method = Object.getOwnPropertyDescriptor(RightsController.prototype, name);
  for (const decorate of decorators) decorate(RightsController.prototype, name, method);
  Req()(RightsController.prototype, name, 0);
}
export { RightsController };

/** What the process answers about its cache. */
export function leaseAnswers(app, users) {
  const cache = app.get(SessionCache, { strict: false });
  return {
    /** Access tokens of one session each, of these users. */
    issue: async (names) => {
      const tokens = app.get(TokenService);
      const issued = [];
      for (const name of names) {
        const { accessToken } = await tokens.issue(await users().findByName(name), {}, { scopes: ['read', 'write'] });
        issued.push(accessToken);
      }
      return issued;
    },
    /** What memory did so far, and whether it may answer now. */
    lease: () => ({ ...cache.counts, fresh: cache.lease.isFresh }),
    /** Computes for that long, and hears nothing meanwhile. */
    block: (ms) => {
      for (const until = performance.now() + ms; performance.now() < until;);
    },
  };
}
