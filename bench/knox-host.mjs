// A Nest application with the library, in the forms that are measured.
import { timingSafeEqual } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { Inject, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { CurrentUser, JwtKnoxGuard, JwtKnoxModule, TokenService, UserProvider } from 'nestjs-jwt-knox';
import { CACHE_CHANNEL, leaseCache, localFeed, postgresFeed, redisFeed } from 'nestjs-jwt-knox/cache';
import { typeOrm } from 'nestjs-jwt-knox/typeorm';
import { createClient } from 'redis';
import { JoinedSession, User } from './entities.mjs';
import { meController, startNest } from './nest-host.mjs';
import { meRequest, USERS } from './tokens.mjs';

/** The host's users, each read by one statement. Passwords are compared as they are: no hashing is measured. */
class Users extends UserProvider {
  constructor(rows) {
    super();
    this.rows = rows;
  }

  async validateCredentials({ username, password }) {
    const user = await this.rows.findOneBy({ username });
    const [given, known] = [password, user?.password ?? ''].map((text) => Buffer.from(text.padEnd(64)));
    return timingSafeEqual(given, known) && user ? user : null;
  }

  findById(id) {
    return this.rows.findOneBy({ id });
  }

  snapshot({ id }) {
    return { id };
  }

  validSince(user) {
    return user.validSince === null ? null : new Date(Number(user.validSince));
  }
}
Inject(getRepositoryToken(User))(Users, undefined, 0);

/** Whoever asks is a user: no statement but the library's own is sent. */
class Anyone extends UserProvider {
  async validateCredentials({ username, password }) {
    return password === 'password' ? { id: username } : null;
  }

  async findById(id) {
    return { id };
  }
}

class AnyoneModule {}
Module({ providers: [Anyone], exports: [Anyone] })(AnyoneModule);

class UsersModule {}
Module({ imports: [TypeOrmModule.forFeature([User])], providers: [Users], exports: [Users] })(UsersModule);

const LOOK_UPS = {
  session: { routes: false },
  user: { imports: [UsersModule], userProvider: Users },
  anyone: { imports: [AnyoneModule], userProvider: Anyone },
  joined: { imports: [UsersModule], userProvider: Users, storage: { entity: JoinedSession, userRelation: 'user' } },
};

const REDIS = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';
const FEEDS = {
  postgres: () => postgresFeed(),
  mariadb: () => redisFeed({ createClient, url: REDIS }),
  'better-sqlite3': () => localFeed(),
};

/** Only PostgreSQL tells of changed users by itself; here no user changes. */
function cacheOn({ type }, users) {
  const kept = type === 'postgres' ? true : { announcedBy: 'application' };
  return leaseCache({ feed: FEEDS[type](), users: users && kept, maxEntries: MOST_KEPT });
}

/** More than any scenario has sessions. */
const MOST_KEPT = 100_000;

/** What the library last told of its memory: how many requests it answered, and how many not. */
export const cacheCounts = { hits: 0, misses: 0, isFresh: false };
subscribe(CACHE_CHANNEL, ({ type, hits, misses, fresh }) => {
  if (type === 'counts') Object.assign(cacheCounts, { hits, misses, isFresh: fresh });
});

/**
 * @param lookUp 'session' (no users), 'user' (a statement of its own), 'joined', or 'anyone' (users without a table)
 * @param cache 'sessions' or 'users': what is kept in memory
 * @param options further options of the library
 * @param features further features; `controller`: in place of the usual one
 */
export async function startKnox(
  { platform, lookUp, cache, options = {}, preparedStatements = false, features = [], controller },
  { database, secret },
) {
  const { storage, ...extras } = LOOK_UPS[lookUp];
  const knox = {
    secret,
    accessToken: { ttl: '1h' },
    ...options,
    ...extras,
    features: [...features, ...(cache ? [cacheOn(database, cache === 'users')] : [])],
    storage: typeOrm({ ...storage, preparedStatements }),
  };
  const { app, port } = await startNest(platform, {
    imports: [TypeOrmModule.forRoot({ ...database, autoLoadEntities: true }), JwtKnoxModule.forRoot(knox)],
    controllers: [controller ?? meController({ guard: JwtKnoxGuard, user: CurrentUser() })],
  });
  return { app, port, tokens: app.get(TokenService) };
}

/**
 * Starts a session for each of the first users, one after the other: of hundreds of logins at once V8 would learn that
 * what a request makes lives long, and that no server would see.
 */
export async function issueTokens(tokens, count = USERS) {
  const device = { userAgent: 'bench/1.0', ip: '127.0.0.1' };
  const sessions = [];
  for (let index = 0; index < count; index++) {
    const id = `u${index + 1}`;
    const user = Object.assign(new User(), { id, isActive: true, validSince: null });
    sessions.push({ id, issued: await tokens.issue(user, device) });
  }
  return sessions;
}

export async function meRequests(tokens, count) {
  return (await issueTokens(tokens, count)).map(({ id, issued }) => meRequest(issued.accessToken, id));
}

/** What a page's `fetch` sends of its own accord. */
const FETCH = { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
/** Nobody reads it: there is room for bytes that mean nothing. */
const LANGUAGE = 'en';

/**
 * The same as a page sends them: with its header, or with the cookies, of which a browser sends both; or, `padded`, with its
 * header and as many bytes as with the cookies, in as many headers.
 */
export async function pageRequests(tokens, mode) {
  return (await issueTokens(tokens)).map(({ id, issued: { accessToken, refreshToken } }) => {
    const { headers, expect } = meRequest(accessToken, id);
    const cookies = { Cookie: `__Host-knox-access=${accessToken}; __Host-knox-refresh=${refreshToken}` };
    const padding = mode === 'padded' ? 'x'.repeat(bytesOf(cookies) - bytesOf(headers)) : '';
    const own = { ...FETCH, 'Accept-Language': LANGUAGE + padding };
    return { headers: { ...own, ...(mode === 'cookie' ? cookies : headers) }, expect };
  });
}

function bytesOf(headers) {
  return Object.entries(headers).flat().join('').length;
}
