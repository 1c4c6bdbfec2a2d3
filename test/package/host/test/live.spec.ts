import { randomBytes } from 'node:crypto';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module, UseGuards } from '@nestjs/common';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { createClient } from 'graphql-ws';
import { CurrentUser, JwtKnoxGuard } from 'nestjs-jwt-knox';
import { graphql, JwtKnoxGraphqlAuth } from 'nestjs-jwt-knox/graphql';
import { JwtKnoxSocketAuth, sockets } from 'nestjs-jwt-knox/websockets';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { appWith, forRoot } from '../src/apps.js';
import type { User } from '../src/users.js';
import { type Running, start } from './start.js';

const secret = randomBytes(48).toString('base64');
const alice = { username: 'alice', password: 'correct horse' };

@WebSocketGateway()
@UseGuards(JwtKnoxGuard)
class Gateway {
  constructor(private readonly auth: JwtKnoxSocketAuth) {}

  afterInit(server: unknown): void {
    this.auth.protect(server);
  }

  @SubscribeMessage('who') who(@CurrentUser() user: User) {
    return { event: 'me', data: user.username };
  }
}

@Resolver()
@UseGuards(JwtKnoxGuard)
class Users {
  @Query(() => String) me(@CurrentUser() user: User) {
    return user.username;
  }

  @Subscription(() => String) async *greetings(@CurrentUser() user: User) {
    for (let n = 0; ; n++) {
      yield { greetings: `Hello ${user.username}, ${n}` };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

@Module({ imports: [appWith(forRoot({ secret, features: [sockets()] }))], providers: [Gateway] })
class SocketsModule {}

@Module({
  imports: [
    appWith(forRoot({ secret, features: [graphql()] })),
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      inject: [JwtKnoxGraphqlAuth],
      useFactory: (auth: JwtKnoxGraphqlAuth) => ({ autoSchemaFile: true, ...auth.forApollo() }),
    }),
  ],
  providers: [Users],
})
class GraphqlModule {}

let running: Running;
afterEach(() => running.app.close());
const login = async () => (await running.request('POST', '/auth/login', { json: alice })).body.access_token as string;
const logout = (token: string) => running.request('POST', '/auth/logout', { token });
const origin = async () => (await running.app.getUrl()).replace('http', 'ws');

describe('Sockets', () => {
  it('ws: known by their token, refused without, closed with their session', async () => {
    running = await start(SocketsModule, false, (app) => void app.useWebSocketAdapter(new WsAdapter(app)));
    const token = await login();
    const closed = (socket: WebSocket) => new Promise<number>((resolve) => void socket.once('close', resolve));
    expect(await closed(new WebSocket(await origin()))).toBe(4401);
    const socket = new WebSocket(await origin(), ['bearer', token]);
    await new Promise((resolve) => void socket.once('open', resolve));
    const heard = new Promise((resolve) => void socket.once('message', (text) => resolve(JSON.parse(String(text)))));
    socket.send(JSON.stringify({ event: 'who', data: {} }));
    expect(await heard).toEqual({ event: 'me', data: 'alice' });
    const end = closed(socket);
    await logout(token);
    expect(await end).toBe(4403);
  });

  it('socket.io: known by their token, refused without, closed with their session', async () => {
    running = await start(SocketsModule, false, (app) => void app.useWebSocketAdapter(new IoAdapter(app)));
    const token = await login();
    const options = { transports: ['websocket'], reconnection: false, forceNew: true };
    const refused = io(await origin(), options);
    const refusal = new Promise<any>((resolve) => void refused.once('connect_error', resolve));
    expect((await refusal).data).toMatchObject({ code: 'missing_token', close_code: 4401 });
    const socket = io(await origin(), { ...options, auth: { token } });
    const heard = new Promise((resolve) => void socket.once('me', resolve));
    socket.emit('who', {});
    expect(await heard).toBe('alice');
    const end = new Promise<any>((resolve) => void socket.once('auth.ended', resolve));
    await logout(token);
    expect(await end).toMatchObject({ code: 'session_ended', close_code: 4403 });
  });
});

describe('GraphQL', () => {
  it('queries say who it is, and subscriptions are closed with their session', async () => {
    running = await start(GraphqlModule);
    const token = await login();
    const query = (sent?: string) => running.request('POST', '/graphql', { json: { query: '{ me }' }, token: sent });
    expect((await query(token)).body).toEqual({ data: { me: 'alice' } });
    const { extensions } = (await query()).body.errors[0];
    expect([extensions.code, extensions.http]).toEqual(['missing_token', { status: 401 }]);
    const client = createClient({
      url: `${await origin()}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    const end = new Promise<any>((resolve) => void client.on('closed', resolve));
    await new Promise<void>((resolve) => {
      const sink = { next: () => resolve(), error: () => undefined, complete: () => undefined };
      client.subscribe({ query: 'subscription { greetings }' }, sink);
    });
    await logout(token);
    expect((await end).code).toBe(4403);
  });
});
