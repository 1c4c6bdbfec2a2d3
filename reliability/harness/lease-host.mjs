// The lease cache of a process of the application, and what a proof asks of it.
import { createRequire } from 'node:module';
import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { DataSource } from 'typeorm';
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
  const { keep, maxEntries = 100_000 } = cache;
  const users = cache.users && (isToldByTriggers(cache) || { announcedBy: 'application' });
  // What a proof races must end because it ended, and not because it grew old.
  return leaseCache({ feed: FEEDS[cache.feed](cache), keep, users, maxEntries, maxAge: '1h' });
}

const isToldByTriggers = ({ feed }) => feed === 'postgres';

const settings = JSON.parse(process.argv[2]);

class RightsController {
  constructor(tokens, source) {
    Object.assign(this, { tokens, source });
  }

  read({ knox }) {
    return { scopes: knox.session.scopes };
  }

  async narrow({ knox }) {
    await this.tokens.narrow(knox.session.id, ['read']);
  }

  /** The user is shut out, by SQL of the host's own; the sessions stay. */
  async shutOut({ knox }) {
    const { userId } = knox.session;
    await this.source.query('UPDATE app_users SET active = 0 WHERE id = $1', [userId]);
    await (isToldByTriggers(settings.cache) ? this.tokens.settled() : this.tokens.userChanged(userId));
  }
}
Reflect.defineMetadata('design:paramtypes', [TokenService, DataSource], RightsController);
UseGuards(JwtKnoxGuard)(RightsController);
Controller('rights')(RightsController);
for (const [name, decorators] of [
  ['read', [Get()]],
  ['narrow', [Post('narrow'), HttpCode(204)]],
  ['shutOut', [Post('shut-out'), HttpCode(204)]],
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
    /** Pairs of tokens of one session each, of these users. */
    issue: async (names) => {
      const tokens = app.get(TokenService);
      const issued = [];
      for (const name of names) {
        const pair = await tokens.issue(await users().findByName(name), {}, { scopes: ['read', 'write'] });
        issued.push({ access: pair.accessToken, refresh: pair.refreshToken });
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
