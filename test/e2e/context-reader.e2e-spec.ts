import { createParamDecorator, type ExecutionContext, Inject, Injectable, UseGuards } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core/helpers/external-context-creator';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CurrentSession,
  CurrentUser,
  JwtKnoxGuard,
  OptionalAuth,
  Public,
  RequestAuthenticator,
  RequestContext,
  RequestContextReader,
  requestOf,
  type Session,
} from '../../lib';
import { type AppSettings, createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { TestUsers, type User } from '../support/users';

/** Resolvers whose context has its request elsewhere than the library looks by itself. */
@Injectable()
@UseGuards(JwtKnoxGuard)
class Resolvers {
  async me(@CurrentUser() user: User, @CurrentUser('username') username: string, @CurrentSession() session: Session) {
    return [user?.username, username, session?.id];
  }
  @OptionalAuth()
  greet(@CurrentUser('username') username?: string) {
    return username ?? 'stranger';
  }
  @Public()
  open(@CurrentUser('username') username?: string) {
    return username ?? 'nobody';
  }
}

/** A decorator of the host's own, which asks for no user. */
const Path = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context)?.url as unknown);

@Injectable()
@Public()
@UseGuards(JwtKnoxGuard)
class PublicResolvers {
  path(@Path() path: unknown) {
    return path;
  }
}

/** The same behind a guard of the host's with a reader of its own. */
class SocketReader extends RequestContextReader {
  override read(context: ExecutionContext) {
    return new RequestContext(context.getArgByIndex(1)?.request);
  }
}
@Injectable()
class SocketGuard extends JwtKnoxGuard {
  constructor(authenticator: RequestAuthenticator) {
    super(new SocketReader(), authenticator);
  }
}
@Injectable()
@UseGuards(SocketGuard)
class SocketHandlers {
  async whoAmI(@CurrentUser('username') username: string, @CurrentSession() session: Session) {
    return [username, session?.id];
  }
}

/** Reads what the library does not: GraphQL with its request as `request`, and messages with headers. */
@Injectable()
class OwnReader extends RequestContextReader {
  constructor(@Inject(TestUsers) readonly injected: TestUsers) {
    super();
  }
  override read(context: ExecutionContext): RequestContext {
    if (context.getType<string>() === 'graphql') return new RequestContext(context.getArgByIndex(2)?.request);
    if (context.getType() === 'rpc') return new RequestContext(context.switchToRpc().getContext());
    return super.read(context);
  }
}

describe.each(everyEnvironment)('the reader of contexts: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  async function start(settings: AppSettings = {}) {
    t = await createApp(platform, kind, {
      providers: [Resolvers, PublicResolvers, SocketHandlers, SocketGuard],
      ...settings,
    });
    await t.users.add('alice');
    await t.users.add('bob');
  }

  /** Calls a handler with its guards and decorators, in the way of @nestjs/graphql and @nestjs/microservices. */
  function call(type: string, name: string, args: unknown[], controller: any = Resolvers): Promise<any> {
    const instance = t.app.get(controller);
    const metadata = '__routeArguments__';
    const parameters = { exchangeKeyForValue: () => undefined };
    const options = { guards: true, filters: false, interceptors: false };
    return t.app
      .get(ExternalContextCreator)
      .create(
        instance,
        instance[name],
        name,
        metadata,
        parameters,
        undefined,
        undefined,
        options,
        type,
      )(...args);
  }
  const graphql = (name: string, context: unknown) => call('graphql', name, [null, {}, context, {}]);
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` }, url: '/' });

  it('that a host extends is the one of its guards and of the decorators', async () => {
    await start({ extras: { contextReader: OwnReader } });
    const { access_token: token, session_id: id } = await t.login();
    expect(await graphql('me', { request: bearer(token) })).toEqual(['alice', 'alice', id]);
    expect(await graphql('greet', { request: bearer(token) })).toBe('alice');
    expect(await graphql('greet', { request: { headers: {}, user: { username: 'mallory' } } })).toBe('stranger');
    expect(await graphql('open', { request: bearer(token) })).toBe('nobody');
    // What the library reads by itself is not where this reader looks.
    await expect(graphql('me', { req: bearer(token) })).rejects.toMatchObject({ code: 'missing_token' });
    const message = bearer(token);
    expect(await call('rpc', 'me', [{ text: 'hello' }, message])).toEqual(['alice', 'alice', id]);
    expect(Object.keys(message)).toEqual(['headers', 'url', 'user', 'knox']);
    expect((await t.http.get('/auth/verify', { token })).status).toBe(204);
  });

  it('says who presents the token, where a handshake and not the message knows', async () => {
    class Handshake extends RequestContext {
      override get presenter() {
        return { userAgent: 'socket/1.0', ip: '192.0.2.7' };
      }
    }
    class HandshakeReader extends RequestContextReader {
      override read(context: ExecutionContext): RequestContext {
        return context.getType() === 'http' ? super.read(context) : new Handshake(context.getArgByIndex(2)?.request);
      }
    }
    await start({
      extras: { contextReader: HandshakeReader },
      options: { session: { bindUserAgent: 'reject' } },
    });
    const login = { username: 'alice', password: 'alice-password' };
    const { body } = await t.http.post('/auth/login', { json: login, headers: { 'user-agent': 'socket/1.0' } });
    expect(await graphql('greet', { request: bearer(body.access_token) })).toBe('alice');
    const { body: other } = await t.http.post('/auth/login', { json: login, headers: { 'user-agent': 'web/1.0' } });
    await expect(graphql('greet', { request: bearer(other.access_token) })).rejects.toMatchObject({ status: 401 });
    expect(t.events.at(-1)?.event).toMatchObject({
      reason: 'user_agent_mismatch',
      presenter: { userAgent: 'socket/1.0', ip: '192.0.2.7' },
    });
  });

  it("is that of the host's own decorators on public routes too, where the guard reads nothing", async () => {
    await start({ extras: { contextReader: OwnReader } });
    const request = { headers: {}, url: '/public' };
    expect(await call('graphql', 'path', [null, {}, { request }, {}], PublicResolvers)).toBe('/public');
    expect(await call('rpc', 'path', [{ text: 'hello' }, request], PublicResolvers)).toBe('/public');
  });

  it('S12: of one socket leads each message to its own request, and back to the user of that', async () => {
    await start();
    const [alice, bob] = [await t.login('alice'), await t.login('bob')];
    const client = {};
    const say = ({ access_token: token }: any) =>
      call('ws', 'whoAmI', [client, { request: bearer(token) }], SocketHandlers);
    const answers = await Promise.all([alice, bob, alice, bob].map(say));
    expect(answers).toEqual([
      ['alice', alice.session_id], ['bob', bob.session_id], ['alice', alice.session_id], ['bob', bob.session_id],
    ]); // prettier-ignore
    expect(JSON.stringify(client)).toBe('{}');
  });

  it('that finds another request whenever it reads is a mistake, and says so', async () => {
    class ForgetfulReader extends RequestContextReader {
      override read(context: ExecutionContext) {
        if (context.getType() === 'http') return super.read(context);
        return new RequestContext({ ...context.getArgByIndex(2).request });
      }
    }
    await start({ extras: { contextReader: ForgetfulReader } });
    const { access_token: token } = await t.login();
    await expect(graphql('me', { request: bearer(token) })).rejects.toThrow(
      'ForgetfulReader.read must return the same request',
    );
  });

  it('says how to read a context of another kind, and refuses its handlers', async () => {
    await start();
    const { access_token: token } = await t.login();
    const refused = expect(call('rpc', 'me', [bearer(token), bearer(token)])).rejects;
    await refused.toMatchObject({ status: 401, code: 'missing_token' });
    await expect(call('rpc', 'me', [{}, {}])).rejects.toThrow(
      /cannot find the request in a context of type 'rpc': extend RequestContextReader .* contextReader/,
    );
    expect(await call('rpc', 'greet', [{}, {}])).toBe('stranger');
  });

  it("leaves nothing in a request that it reads by itself, and hands it to the host's own decorators", async () => {
    await start();
    const { access_token: token } = await t.login();
    const req = bearer(token);
    await graphql('me', { req });
    expect(Reflect.ownKeys(req)).toEqual(['headers', 'url', 'user', 'knox']);
    const context = { getType: () => 'http', getArgByIndex: () => req, getHandler: () => null };
    expect(requestOf(context as unknown as ExecutionContext)).toBe(req);
  });
});
