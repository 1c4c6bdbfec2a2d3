import { type CanActivate, Controller, type ExecutionContext, Get, Injectable, Req, UseGuards } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CurrentUser, JwtKnoxGuard, requestOf, type Session } from '../../lib';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { User } from '../support/users';

@Injectable()
class StrictGuard extends JwtKnoxGuard {}

/** Asks for the request a second time under another name, as a host's own guard might. */
@Injectable()
class ImpostorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    request.user = { id: -1, username: 'impostor' };
    return true;
  }
}

@Controller('twice')
@UseGuards(JwtKnoxGuard)
class TwiceController {
  @UseGuards(JwtKnoxGuard)
  @Get('same')
  same(@CurrentUser() user: User) {
    return { username: user.username };
  }
  @UseGuards(StrictGuard)
  @Get('sub')
  sub(@CurrentUser() user: User, @Req() request: any) {
    return { username: user.username, frozen: Object.isFrozen(request.knox.session satisfies Session) };
  }
  @UseGuards(ImpostorGuard, JwtKnoxGuard)
  @Get('impostor')
  impostor(@CurrentUser() user: User) {
    return { username: user.username };
  }
}

describe.each(environments)('S12: one request, several guards: $title', ({ platform, kind }) => {
  let t: TestApp;
  let token: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      controllers: [TwiceController],
      providers: [StrictGuard, ImpostorGuard],
      extras: { guard: 'global' },
    });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    token = (await t.login()).access_token;
    t.statements.length = 0;
    t.events.length = 0;
  });

  it.each(['same', 'sub', 'impostor'])('S12: reuse the first verdict: %s', async (path) => {
    const answer = await t.http.get(`/twice/${path}`, { token });
    expect([answer.status, answer.body.username, t.statements.length]).toEqual([200, 'alice', 2]);
  });

  it('S12: refuse once, with one event', async () => {
    await t.http.post('/auth/logout', { token });
    t.statements.length = 0;
    t.events.length = 0;
    expect((await t.http.get('/twice/same', { token })).status).toBe(401);
    expect(t.events.map(({ name }) => name)).toEqual(['authentication.rejected']);
    expect(t.statements.length).toBeLessThanOrEqual(2);
  });

  it('S12: give each request a verdict of its own, on one connection too', async () => {
    expect((await t.http.get('/twice/same', { token })).status).toBe(200);
    await t.http.post('/auth/logout', { token });
    expect((await t.http.get('/twice/same', { token })).status).toBe(401);
  });

  it('S12: give the handler a session that it cannot change', async () => {
    expect((await t.http.get('/twice/sub', { token })).body.frozen).toBe(true);
  });
});
