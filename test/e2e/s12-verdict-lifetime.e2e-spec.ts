import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Controller, type ExecutionContext, Post, Req } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InvalidTokenError, JwtKnoxGuard, MissingTokenError, OptionalAuth, requestOf } from '../../lib';
import { createApp, environments, type TestApp } from '../support/create-app';

/** What a GraphQL server does with a request that it was sent. */
let serve: (request: any) => Promise<void>;

@Controller('graphql')
class GraphqlController {
  @Post() async execute(@Req() request: unknown) {
    await serve(request);
    return {};
  }
}

class Resolvers {
  resolve() {}
  @OptionalAuth() greet() {}
}

function contextOf(type: string, args: unknown[], handler = Resolvers.prototype.resolve): ExecutionContext {
  const context = new ExecutionContextHost(args, Resolvers, handler);
  context.setType(type);
  return context;
}

const resolverOf = (context: unknown, operation = 'query') =>
  contextOf('graphql', [null, {}, context, { operation: { operation } }]);

describe.each(environments)('S12: how long a verdict counts: $title', ({ platform, kind }) => {
  let t: TestApp;
  let guard: JwtKnoxGuard;
  let token: string;

  beforeAll(async () => {
    t = await createApp(platform, kind, { controllers: [GraphqlController] });
    await t.users.add('alice');
    guard = t.app.get(JwtKnoxGuard);
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    token = (await t.login()).access_token;
    t.statements.length = 0;
  });

  const logOut = async () => expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
  const refused = (context: ExecutionContext) =>
    expect(guard.canActivate(context)).rejects.toBeInstanceOf(InvalidTokenError);

  /** Runs inside of a real request to `POST /graphql`. */
  async function overHttp(work: (request: any) => Promise<void>): Promise<void> {
    serve = work;
    expect((await t.http.post('/graphql', { token, json: {} })).status).toBe(201);
  }

  /** The request that opened a real socket, as an `upgrade` listener is given it. */
  async function overSocket(work: (request: IncomingMessage) => Promise<void>): Promise<void> {
    const server = t.app.getHttpServer() as Server;
    const upgrade = once(server, 'upgrade');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(
      'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        `Sec-WebSocket-Protocol: graphql-transport-ws\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    const [request] = (await upgrade) as [IncomingMessage];
    try {
      await work(request);
    } finally {
      client.destroy();
      request.socket.destroy();
    }
  }

  it.each(['one context', 'a context for each'])(
    'S12: over HTTP, all resolvers of a request share one verdict: %s',
    async (title) => {
      await overHttp(async (req) => {
        const shared = { req };
        const resolver = () => resolverOf(title === 'one context' ? shared : { req });
        await guard.canActivate(resolver());
        const cost = t.statements.length;
        expect(cost).toBeGreaterThan(0);
        await Promise.all([guard.canActivate(resolver()), guard.canActivate(resolver())]);
        expect(t.statements).toHaveLength(cost);
        // Control: if a verdict were kept in the tests below, this is what they would see.
        await logOut();
        expect(await guard.canActivate(resolver())).toBe(true);
      });
      await overHttp((req) => refused(resolverOf({ req })));
    },
  );

  it.each<[string, (opening: IncomingMessage) => unknown]>([
    ['the request that opened it', (opening) => opening],
    ['the same, as Fastify wraps it', (raw) => ({ raw, headers: raw.headers, url: raw.url })],
    ['a request made up of its headers', ({ headers }) => ({ headers: { ...headers } })],
  ])('S12: over a socket, each message is judged anew: %s', async (_title, from) => {
    await overSocket(async (opening) => {
      const req = from(opening);
      const context = { req };
      // One context for the whole connection, and one for each message.
      const messages = () => [resolverOf(context), resolverOf({ req })];
      for (const message of [...messages(), ...messages()]) expect(await guard.canActivate(message)).toBe(true);
      await logOut();
      for (const message of [...messages(), ...messages()]) await refused(message);
    });
  });

  it('S12: each event of a subscription over HTTP is judged anew', async () => {
    await overHttp(async (req) => {
      const context = { req };
      const event = () => resolverOf(context, 'subscription');
      expect(await guard.canActivate(event())).toBe(true);
      await logOut();
      await refused(event());
    });
  });

  it('S12: an opening request over HTTP/2 (RFC 8441) opens no socket to a kept verdict', async () => {
    const headers = { authorization: `Bearer ${token}` };
    const request = { httpVersion: '2.0', method: 'CONNECT', url: '/graphql', headers };
    expect(await guard.canActivate(resolverOf({ req: request }))).toBe(true);
    await logOut();
    await refused(resolverOf({ req: request }));
  });

  it.each(['rpc', 'rmq', 'telegraf'])(
    'a message of type %s that looks like a request authenticates nobody',
    async (type) => {
      const headers = { authorization: `Bearer ${token}` };
      const payload = Object.freeze({ headers, url: '/', user: { id: 1 }, knox: {} });
      await expect(guard.canActivate(contextOf(type, [payload, {}]))).rejects.toBeInstanceOf(MissingTokenError);
      const optional = contextOf(type, [payload, {}], Resolvers.prototype.greet);
      expect(await guard.canActivate(optional)).toBe(true);
      expect(requestOf(optional)).toBeUndefined();
      expect(t.statements).toEqual([]);
    },
  );
});
