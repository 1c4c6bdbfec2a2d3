import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CurrentSession, CurrentUser, type DecoratorOf, JwtKnoxGuard, OptionalAuth, Public, requestOf, type Session } from '../../lib'; // prettier-ignore
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import type { User } from '../support/users';

@Public()
@Controller('base')
class BaseController {
  @Get('own') own() {
    return 'own';
  }
  @Public() @Get('marked') marked() {
    return 'marked';
  }
  @Public() @Get('overridden') overridden() {
    return 'overridden';
  }
}

@Controller('derived')
class DerivedController extends BaseController {
  @Get('added') added() {
    return 'added';
  }
  @Get('overridden') override overridden() {
    return super.overridden();
  }
}

@Public()
@Controller('open')
class OpenController extends BaseController {}

@OptionalAuth()
@Controller('asking')
class AskingController extends OpenController {}

@Controller('grandchild')
class GrandchildController extends OpenController {}

/** Another strategy of the host's, which goes by something else than a token. */
@Injectable()
class ForeignGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    request.user = { id: 7, username: 'mallory' };
    request.knox = { session: { id: 'forged' }, claims: {} };
    return true;
  }
}

const seen = (request: any, user: unknown, session: unknown, name: unknown) => ({
  user: user ?? null,
  name: name ?? null,
  session: (session as Session | undefined)?.id ?? null,
  request: request.user?.username ?? null,
  knox: request.knox?.session.id ?? null,
});

@Controller('mixed')
@UseGuards(ForeignGuard, JwtKnoxGuard)
class MixedController {
  @OptionalAuth()
  @Get('optional')
  optional(
    @Req() request: any,
    @CurrentUser() user: User,
    @CurrentSession() session: Session,
    @CurrentUser('username') name: string,
  ) {
    return seen(request, user, session, name);
  }
  @Public()
  @Get('public')
  open(
    @Req() request: any,
    @CurrentUser() user: User,
    @CurrentSession() session: Session,
    @CurrentUser('username') name: string,
  ) {
    return seen(request, user, session, name);
  }
  @Get('required')
  required(@Req() request: any, @CurrentUser() user: User, @CurrentSession() session: Session) {
    return seen(request, user.username, session, user.username);
  }
  /** The login of another strategy, beside the library. */
  @Public()
  @UseGuards(ForeignGuard)
  @Post('login')
  login(@Req() request: any) {
    return { as: request.user.username };
  }
}

/** What a parameter decorator gives for a call of a handler. */
function valueOf(decorator: DecoratorOf<any>, context: ExecutionContext): unknown {
  class Probe {
    handle(_value: unknown) {}
  }
  decorator(Probe.prototype, 'handle', 0);
  const [{ factory, data }] = Object.values<any>(Reflect.getMetadata('__routeArguments__', Probe, 'handle'));
  return factory(data, context);
}

class Gateway {
  @Public() open() {}
  @OptionalAuth() ask() {}
}

function contextOf(type: string, args: unknown[], name: 'open' | 'ask'): ExecutionContext {
  const context = new ExecutionContextHost(args, Gateway, Gateway.prototype[name]);
  context.setType(type);
  return context;
}

const NOBODY = { user: null, name: null, session: null };

describe.each(everyEnvironment)('who counts as anonymous: $title', ({ platform, kind }) => {
  let t: TestApp;
  let token: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, {
      extras: { guard: 'global' },
      controllers: [
        BaseController,
        DerivedController,
        OpenController,
        AskingController,
        GrandchildController,
        MixedController,
      ],
      providers: [ForeignGuard],
    });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    token = (await t.login()).access_token;
    t.statements.length = 0;
  });

  const status = async (path: string, one?: string) =>
    (await t.http.get(path, one === undefined ? {} : { token: one })).status;

  it('@Public() on a class opens the routes of this class', async () => {
    for (const name of ['own', 'marked', 'overridden']) expect(await status(`/base/${name}`)).toBe(200);
    for (const name of ['own', 'marked', 'overridden']) expect(await status(`/open/${name}`)).toBe(200);
  });

  it('@Public() on a base class does not open the routes of a subclass', async () => {
    for (const path of ['/derived/added', '/derived/own', '/grandchild/own']) {
      expect([path, await status(path)]).toEqual([path, 401]);
      expect([path, await status(path, token)]).toEqual([path, 200]);
    }
  });

  it("@Public() on a handler goes with the handler: an inherited one keeps it, a subclass's own does not", async () => {
    expect(await status('/derived/marked')).toBe(200);
    expect(await status('/grandchild/marked')).toBe(200);
    expect(await status('/derived/overridden')).toBe(401);
    expect(await status('/derived/overridden', token)).toBe(200);
  });

  it("a subclass's own decorator goes before that of its base class", async () => {
    expect(await status('/asking/own')).toBe(200);
    expect(await status('/asking/own', 'junk')).toBe(401);
    expect(await status('/asking/marked', 'junk')).toBe(200);
  });

  it('a handler whose function was wrapped keeps its @Public()', async () => {
    class Wrapped {
      @Public() open() {}
    }
    const wrapper = Object.setPrototypeOf(() => undefined, Wrapped.prototype.open) as () => void;
    const context = new ExecutionContextHost([{ headers: {} }, {}], Wrapped, wrapper);
    expect(await t.app.get(JwtKnoxGuard).canActivate(context)).toBe(true);
  });

  it("the library's own routes stay open, or closed, as they are", async () => {
    expect((await t.http.post('/auth/login', { json: {} })).status).toBe(400);
    expect((await t.http.post('/auth/refresh', { json: {} })).status).toBe(400);
    expect((await t.http.post('/auth/logout')).body.code).toBe('missing_token');
    for (const path of ['/auth/verify', '/auth/sessions']) expect(await status(path)).toBe(401);
  });

  it('S12: @OptionalAuth() leaves nobody in an anonymous request, whoever was put there', async () => {
    expect((await t.http.get('/mixed/optional')).body).toEqual({ ...NOBODY, request: null, knox: null });
    const basic = { authorization: 'Basic bWFsbG9yeTp4' };
    expect((await t.http.get('/mixed/optional', { headers: basic })).body).toEqual({
      ...NOBODY,
      request: null,
      knox: null,
    });
  });

  it('S12: @Public() leaves the request to others, and tells of nobody as the user of the library', async () => {
    const others = { request: 'mallory', knox: 'forged' };
    for (const options of [{}, { token }, { token: 'junk' }]) {
      expect((await t.http.get('/mixed/public', options)).body).toEqual({ ...NOBODY, ...others });
    }
    expect((await t.http.post('/mixed/login')).body).toEqual({ as: 'mallory' });
    expect(t.statements).toEqual([]);
  });

  it('control: with a token, the user is the one of the token, whoever was put there', async () => {
    const { session_id: id, access_token: own } = await t.login();
    const alice = { user: 'alice', name: 'alice', session: id, request: 'alice', knox: id };
    expect((await t.http.get('/mixed/required', { token: own })).body).toEqual(alice);
    const { user, ...rest } = (await t.http.get('/mixed/optional', { token: own })).body;
    expect([user.username, rest]).toEqual(['alice', { name: 'alice', session: id, request: 'alice', knox: id }]);
  });

  it.each(['open', 'ask'] as const)(
    'the client of a WebSocket keeps what it was given when it connected: %s',
    async (name) => {
      const client = { user: { id: 1 }, knox: { session: { id: 's' } } };
      const context = contextOf('ws', [client, {}], name);
      expect(await t.app.get(JwtKnoxGuard).canActivate(context)).toBe(true);
      expect(valueOf(CurrentUser(), context)).toBe(client.user);
      expect(valueOf(CurrentSession(), context)).toEqual(client.knox.session);
    },
  );

  it.each(['open', 'ask'] as const)('control: a resolver of GraphQL is told of nobody: %s', async (name) => {
    const req = { headers: {}, url: '/', user: { id: 1 }, knox: { session: { id: 's' } } };
    const context = contextOf('graphql', [null, {}, { req }, {}], name);
    expect(await t.app.get(JwtKnoxGuard).canActivate(context)).toBe(true);
    expect([valueOf(CurrentUser(), context), valueOf(CurrentSession(), context)]).toEqual([undefined, undefined]);
  });
});
