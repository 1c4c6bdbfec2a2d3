// A Nest application with the library, in the forms that are measured.
import { timingSafeEqual } from 'node:crypto';
import { Inject, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { CurrentUser, JwtKnoxGuard, JwtKnoxModule, TokenService, UserProvider } from 'nestjs-jwt-knox';
import { typeOrm } from 'nestjs-jwt-knox/typeorm';
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

  validSince(user) {
    return user.validSince === null ? null : new Date(Number(user.validSince));
  }
}
Inject(getRepositoryToken(User))(Users, undefined, 0);

class UsersModule {}
Module({ imports: [TypeOrmModule.forFeature([User])], providers: [Users], exports: [Users] })(UsersModule);

const LOOK_UPS = {
  session: { routes: false },
  user: { imports: [UsersModule], userProvider: Users },
  joined: { imports: [UsersModule], userProvider: Users, storage: { entity: JoinedSession, userRelation: 'user' } },
};

/**
 * @param lookUp 'session' (no users), 'user' (a statement of its own) or 'joined'
 * @param options further options of the library
 */
export async function startKnox({ platform, lookUp, options = {}, preparedStatements = false }, { database, secret }) {
  const { storage, ...extras } = LOOK_UPS[lookUp];
  const knox = {
    secret,
    accessToken: { ttl: '1h' },
    ...options,
    ...extras,
    storage: typeOrm({ ...storage, preparedStatements }),
  };
  const { app, port } = await startNest(platform, {
    imports: [TypeOrmModule.forRoot({ ...database, autoLoadEntities: true }), JwtKnoxModule.forRoot(knox)],
    controllers: [meController({ guard: JwtKnoxGuard, user: CurrentUser() })],
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
