import {
  type ArgumentsHost, Catch, Controller, createParamDecorator, type ExceptionFilter, type ExecutionContext, Get, HttpException, type INestApplication,
  Injectable, Req, UseGuards, ValidationPipe,
} from '@nestjs/common'; // prettier-ignore
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CurrentSession, CurrentUser, JwtKnoxGuard, OptionalAuth, Public, requestOf, type Session } from '../../lib';
import { type AppSettings, createApp, everyEnvironment, NotesController, type TestApp } from '../support/create-app';
import type { User } from '../support/users';

const SessionOfRequest = createParamDecorator(
  (_: unknown, context: ExecutionContext) => requestOf(context).knox.session.id,
);

/** A guard of the host's that goes by what the library left in the request. */
@Injectable()
class OwnSessionGuard {
  canActivate(context: ExecutionContext): boolean {
    const { user, knox } = requestOf(context);
    return knox.session.userId === String(user.id);
  }
}

@Injectable()
class SubclassedGuard extends JwtKnoxGuard {}

@Controller('desk')
class DeskController {
  @Get() open(@CurrentUser('username') username?: string) {
    return { username: username ?? null };
  }
  @Public() @Get('lobby') lobby(@CurrentUser() user?: User, @CurrentSession() session?: Session) {
    return { user: user ?? null, session: session ?? null };
  }
  @OptionalAuth() @Get('bell') bell(@CurrentUser('username') username?: string, @CurrentSession() session?: Session) {
    return { username: username ?? null, session: session?.id ?? null };
  }
  @UseGuards(JwtKnoxGuard, OwnSessionGuard, SubclassedGuard, JwtKnoxGuard)
  @Get('safe')
  safe(@CurrentUser() user: User, @SessionOfRequest() session: string) {
    return { username: user.username, session };
  }
  @UseGuards(JwtKnoxGuard)
  @Get('knox')
  knox(@Req() request: any) {
    return { user: request.user.username, session: request.knox.session, claims: request.knox.claims };
  }
}

@Controller('archive')
@Public()
class ArchiveController {
  @Get() open() {
    return { open: true };
  }
  @OptionalAuth() @Get('desk') desk(@CurrentUser('username') username?: string) {
    return { username: username ?? null };
  }
}

const settings: AppSettings = {
  options: { claims: (user: User) => ({ 'example/tier': `tier of ${user.username}` }) },
  controllers: [NotesController, DeskController, ArchiveController],
  providers: [OwnSessionGuard, SubclassedGuard],
};

describe.each(everyEnvironment)('a guarded route: $title', ({ platform, kind }) => {
  let t: TestApp;
  let token: string;
  let sessionId: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, settings);
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    ({ access_token: token, session_id: sessionId } = await t.login());
    t.statements.length = 0;
  });

  it('gives the handler user, property of the user and session', async () => {
    const { id } = await t.users.rows.findOneByOrFail({ username: 'alice' });
    expect((await t.http.get('/notes', { token })).body).toEqual({ userId: id, username: 'alice', sessionId });
  });

  it('gives the handler session and custom claims in request.knox, and nothing secret', async () => {
    const { body } = await t.http.get('/desk/knox', { token });
    expect(body).toEqual({
      user: 'alice',
      claims: { 'example/tier': 'tier of alice' },
      session: {
        id: sessionId,
        userId: expect.any(String),
        generation: 0,
        rotatedAt: null,
        createdAt: t.clock.now(),
        authenticatedAt: t.clock.now(),
        expiresAt: t.clock.now() + 86_400_000,
        lastUsedAt: t.clock.now(),
        userAgent: null,
        ipAddress: expect.stringContaining('127.0.0.1'),
        deviceName: null,
        realm: '', kind: 'login', idleTimeout: 86_400_000, maxExpiresAt: t.clock.now() + 30 * 86_400_000,
        lastUserAgent: null, lastIpAddress: null, scopes: null, audience: null, acr: null, amr: null,
        actorId: null, actorRealm: null, actorSessionId: null, boundKind: null, boundKeyThumbprint: null, boundAt: null,
        boundRefusedAt: null,
      }, // prettier-ignore
    });
  });

  it('answers without a token with 401, and an unguarded one does not ask', async () => {
    expect((await t.http.get('/notes')).status).toBe(401);
    expect((await t.http.get('/desk', { token })).body).toEqual({ username: null });
    expect(t.statements).toEqual([]);
  });

  it('reads session and user once, however many guards it has (S12)', async () => {
    expect((await t.http.get('/desk/safe', { token })).body).toEqual({ username: 'alice', session: sessionId });
    expect(t.statements).toHaveLength(2);
  });

  it('with @Public() lets anybody in, and does not so much as look at a token', async () => {
    for (const one of [undefined, token, 'junk', `${token}x`]) {
      const answer = await t.http.get('/notes/about', one === undefined ? {} : { token: one });
      expect([answer.status, answer.body]).toEqual([200, { about: 'notes' }]);
    }
    expect(t.statements).toEqual([]);
  });

  it('with @OptionalAuth() lets a request without a token in as anonymous', async () => {
    expect((await t.http.get('/notes/greeting')).body).toEqual({ hello: 'stranger' });
    const basic = await t.http.get('/notes/greeting', { headers: { authorization: 'Basic YWxpY2U6eA==' } });
    expect(basic.body).toEqual({ hello: 'stranger' });
    expect(t.statements).toEqual([]);
    expect((await t.http.get('/notes/greeting', { token })).body).toEqual({ hello: 'alice' });
  });

  it('with @OptionalAuth() refuses a bad token, an ended session and two tokens', async () => {
    const bad = await t.http.get('/notes/greeting', { token: `${token.slice(0, -3)}AAA` });
    expect([bad.status, bad.body.code]).toEqual([401, 'invalid_token']);
    expect(bad.headers['www-authenticate']).toBe('Bearer realm="jwt-knox", error="invalid_token"');
    const two = await t.http.get('/notes/greeting', {
      headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] },
    });
    expect(two.status).toBe(400);
    await t.http.post('/auth/logout', { token });
    expect((await t.http.get('/notes/greeting', { token })).status).toBe(401);
  });

  it('takes the scheme in any case, and spaces after it but nothing else (RFC 6750, 2.1)', async () => {
    const status = async (authorization: string) => (await t.http.get('/notes', { headers: { authorization } })).status;
    expect(await status(`bearer ${token}`)).toBe(200);
    expect(await status(`BEARER ${token}`)).toBe(200);
    expect(await status(`Bearer  ${token}`)).toBe(200);
    expect(await status(`bEaReR ${' '.repeat(200)}${token}  `)).toBe(200);
    for (const gap of ['', '\t', ' \t', '\t ', '  \t  ', '\xa0', ' \xa0', ' \u0085', '+', '%20', ','])
      expect([gap, await status(`Bearer${gap}${token}`)]).toEqual([gap, 401]);
    expect(await status(`Bearer ${token} ${token}`)).toBe(401);
    expect(await status(`Token ${token}`)).toBe(401);
    expect(await status(token)).toBe(401);
  });
});

describe.each(everyEnvironment)('the global guard: $title', ({ platform, kind }) => {
  let t: TestApp;
  let token: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, { ...settings, extras: { guard: 'global' } });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    token = (await t.login()).access_token;
    t.statements.length = 0;
  });

  it('guards every route that says nothing', async () => {
    expect((await t.http.get('/desk')).status).toBe(401);
    expect((await t.http.get('/desk', { token })).body).toEqual({ username: 'alice' });
  });

  it('lets anybody into public handlers and controllers', async () => {
    expect((await t.http.get('/desk/lobby', { token })).body).toEqual({ user: null, session: null });
    expect((await t.http.get('/archive')).body).toEqual({ open: true });
    expect(t.statements).toEqual([]);
  });

  it("goes by the handler's word before its controller's", async () => {
    expect((await t.http.get('/archive/desk')).body).toEqual({ username: null });
    expect((await t.http.get('/archive/desk', { token })).body).toEqual({ username: 'alice' });
    expect((await t.http.get('/archive/desk', { token: 'junk' })).status).toBe(401);
    expect((await t.http.get('/desk/bell')).body).toEqual({ username: null, session: null });
  });

  it('and a guard on the route make one verdict of two statements (S12)', async () => {
    expect((await t.http.get('/desk/safe', { token })).status).toBe(200);
    expect(t.statements).toHaveLength(2);
  });

  it('leaves login open, and logout to its tokens', async () => {
    const { access_token: other, refresh_token: refresh } = await t.login();
    expect((await t.http.post('/auth/logout', { json: { refresh_token: refresh } })).status).toBe(204);
    expect((await t.http.get('/auth/verify', { token: other })).status).toBe(401);
    expect((await t.http.get('/auth/verify', { token })).status).toBe(204);
    expect((await t.http.get('/auth/verify')).status).toBe(401);
  });
});

describe.each(everyEnvironment)('a guarded route without a database: $title', ({ platform, kind }) => {
  it('answers 503, never 401, while public routes go on', async () => {
    const t = await createApp(platform, kind, { ...settings, extras: { guard: 'global' } });
    try {
      await t.users.add('alice');
      const { access_token: token } = await t.login();
      await t.source.destroy();
      const answer = await t.http.get('/notes', { token });
      expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([
        503,
        'storage_unavailable',
        '1',
      ]);
      for (const path of ['/notes/about', '/archive', '/desk/lobby', '/desk/bell']) {
        expect((await t.http.get(path, path === '/desk/bell' ? {} : { token })).status).toBe(200);
      }
    } finally {
      await t.close();
    }
  });
});

/** What class-transformer does for flat bodies; the pipe takes it in its place. */
const transformerPackage = {
  plainToInstance: (type: new () => object, plain: object) => Object.assign(new type(), plain),
  classToPlain: (instance: object) => ({ ...instance }),
} as any;

@Catch()
class HostFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost) {
    const status = error instanceof HttpException ? error.getStatus() : 500;
    host.switchToHttp().getResponse().status(status).send({ host: true, status });
  }
}

describe.each(everyEnvironment)('a strict host: $title', ({ platform, kind }) => {
  let t: TestApp;

  const prepare = (app: INestApplication) => {
    app.setGlobalPrefix('api');
    app.useGlobalFilters(new HostFilter());
    const strict = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true, transform: true };
    app.useGlobalPipes(new ValidationPipe({ ...strict, validateCustomDecorators: true, transformerPackage }));
  };

  beforeAll(async () => {
    t = await createApp(platform, kind, { prepare, extras: { guard: 'global' }, controllers: [DeskController] });
    await t.users.add('alice');
  });
  afterAll(() => t.close());

  const login = () =>
    t.http.post('/api/auth/login', {
      json: { username: 'alice', password: 'alice-password', device_name: 'desk', extra: { a: 1 } },
    });

  it("does not disturb the library's routes with its pipe and its prefix", async () => {
    const { status, body } = await login();
    expect([status, body.token_type]).toEqual([200, 'Bearer']);
    const { access_token: token, refresh_token: refresh } = body;
    const other = (await login()).body.session_id;
    expect((await t.http.get('/api/auth/verify', { token })).status).toBe(204);
    expect((await t.http.get('/api/auth/sessions?limit=1&unknown=1', { token })).body).toHaveLength(1);
    expect((await t.http.delete(`/api/auth/sessions/${other}`, { token })).status).toBe(204);
    expect((await t.http.post('/api/auth/logout-other', { token, json: { extra: 1 } })).status).toBe(200);
    const json = { refresh_token: refresh, extra: 1 };
    expect((await t.http.post('/api/auth/logout', { json })).status).toBe(204);
    expect((await t.http.get('/auth/verify', { token })).status).toBe(404);
  });

  it('answers in its own shape, with the headers of the library', async () => {
    const missing = await t.http.get('/api/desk');
    expect([missing.status, missing.body]).toEqual([401, { host: true, status: 401 }]);
    expect(missing.headers['www-authenticate']).toBe('Bearer realm="jwt-knox"');
    const refused = await t.http.post('/api/auth/login', {
      json: { username: 'alice', password: 'wrong' },
      unchecked: 'a filter of the application answers',
    });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer realm="jwt-knox"']);
    expect(refused.body).toEqual({ host: true, status: 401 });
  });
});
