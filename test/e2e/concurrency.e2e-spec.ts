import type { Server } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { type CanActivate, Controller, type ExecutionContext, Get, Injectable, Req, UseGuards } from '@nestjs/common';
import passport from 'passport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Authentication,
  CurrentSession,
  CurrentUser,
  JwtKnoxGuard,
  JwtKnoxStrategy,
  requestOf,
  type Session,
} from '../../lib';
import { createApp, environments, type TestApp } from '../support/create-app';
import { TestUsers, type User } from '../support/users';

const USERS = 20;
const REQUESTS = 500;

/** The mistake that the library's guard must not make: Passport is given the strategy, not its name. */
@Injectable()
class InstanceGuard implements CanActivate {
  constructor(private readonly strategy: JwtKnoxStrategy) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = requestOf(context);
    const { user, session, claims } = await new Promise<Authentication>((resolve, reject) => {
      const answer = (error: unknown, found: Authentication) => (found ? resolve(found) : reject(error as Error));
      passport.authenticate(this.strategy as any, { session: false }, answer)(request, {}, reject);
    });
    request.user = user;
    request.knox = { session, claims };
    return true;
  }
}

const answerOf = (user: User, session: Session, request: any) => ({
  sent: request.headers['x-sent-by'],
  username: user.username,
  sessionId: session.id,
  claim: request.knox.claims.username,
});

@Controller('mine')
@UseGuards(JwtKnoxGuard)
class MineController {
  @Get() mine(@CurrentUser() user: User, @CurrentSession() session: Session, @Req() request: any) {
    return answerOf(user, session, request);
  }
}

@Controller('mixed')
@UseGuards(InstanceGuard)
class MixedController {
  @Get() mixed(@CurrentUser() user: User, @CurrentSession() session: Session, @Req() request: any) {
    return answerOf(user, session, request);
  }
}

describe.each(environments)('S12: requests at the same time: $title', { timeout: 120_000 }, ({ platform, kind }) => {
  let t: TestApp;
  const logins: { username: string; token: string; sessionId: string }[] = [];

  beforeAll(async () => {
    logins.length = 0;
    t = await createApp(platform, kind, {
      // The harness is about who gets which answer, not about how fast 500 of them come.
      options: { claims: (user: User) => ({ username: user.username }), storageTimeout: '30s' },
      controllers: [MineController, MixedController],
      providers: [InstanceGuard],
    });
    for (let i = 0; i < USERS; i++) {
      const username = `user${i}`;
      await t.users.add(username);
      const { access_token: token, session_id: sessionId } = await t.login(username);
      logins.push({ username, token, sessionId });
    }
  });
  afterAll(() => t.close());

  /** Sends all at once and gathers every answer that is not its sender's. */
  const storm = (path: string, requests: number) => {
    gather();
    const mixed: unknown[] = [];
    const all = Array.from({ length: requests }, async (_, i) => {
      const { username, token, sessionId } = logins[i % USERS]!;
      const { status, body } = await t.http.get(path, { token, headers: { 'x-sent-by': username } });
      const right = { sent: username, username, sessionId, claim: username };
      if (status !== 200 || !isDeepStrictEqual(body, right)) mixed.push({ status, username, body });
      return status;
    });
    return { mixed, all };
  };

  /** Holds every look-up of a user until as many requests as there are users stand side by side. */
  const gather = () => {
    let waiting: (() => void)[] = [];
    t.users.findById = async (id) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < USERS) return;
        for (const release of waiting) release();
        waiting = [];
      });
      return TestUsers.prototype.findById.call(t.users, id);
    };
  };

  it(`S12: ${REQUESTS} of ${USERS} users never mix users, sessions or claims`, async () => {
    const { mixed, all } = storm('/mine', REQUESTS);
    expect(await Promise.all(all)).toEqual(all.map(() => 200));
    expect(mixed).toEqual([]);
  });

  it('S12: good and bad tokens side by side keep to their own verdicts', async () => {
    gather();
    const all = Array.from({ length: USERS * 10 }, async (_, i) => {
      const { username, token } = logins[i % USERS]!;
      const [good, bad] = await Promise.all([
        t.http.get('/mine', { token }),
        t.http.get('/mine', { token: `${token.slice(0, -4)}AAAA` }),
      ]);
      return [good.body.username === username, bad.status];
    });
    expect(await Promise.all(all)).toEqual(all.map(() => [true, 401]));
  });

  it('S12: control: a guard that passes the strategy itself mixes them up, and the harness sees it', async () => {
    const { mixed, all } = storm('/mixed', 40);
    let answered = false;
    const settled = Promise.allSettled(all).then(() => (answered = true));
    try {
      await expect.poll(() => mixed.length, { timeout: 10_000 }).toBeGreaterThan(0);
    } finally {
      // Those whose answer went to another wait for ever.
      const server = t.app.getHttpServer() as Server;
      await expect.poll(() => (server.closeAllConnections(), answered), { timeout: 10_000 }).toBe(true);
      await settled;
    }
  });
});
