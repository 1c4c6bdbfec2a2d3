import type { IncomingMessage } from 'node:http';
import { Catch, type ArgumentsHost, UseFilters } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { BaseWsExceptionFilter, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { io } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CurrentUser, JwtKnoxError, Public, RequestContext, RequestContextReader, TokenService } from '../../lib';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import type { User } from '../support/users';
import { notingLogger } from '../support/noting-logger';

/** What a client is answered with, as both kinds of sockets have it. */
type Answer = { event: string; data: any };

interface Client {
  ask(event: string): Promise<Answer>;
  close(): void;
}

const headersOf = (token?: string): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {});

/** Each of the two has one shape of clients and of messages. */
const kinds = {
  ws: {
    adapter: (t: TestApp['app']) => new WsAdapter(t),
    async connect(origin: string, token?: string): Promise<Client> {
      const socket = new WebSocket(origin.replace('http', 'ws'), { headers: headersOf(token) });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return {
        ask: (event) =>
          new Promise((resolve) => {
            socket.once('message', (text) => resolve(JSON.parse(String(text)) as Answer));
            socket.send(JSON.stringify({ event, data: {} }));
          }),
        close: () => socket.terminate(),
      };
    },
  },
  'socket.io': {
    adapter: (t: TestApp['app']) => new IoAdapter(t),
    async connect(origin: string, token?: string): Promise<Client> {
      const socket = io(origin, { transports: ['websocket'], extraHeaders: headersOf(token), reconnection: false });
      await new Promise((resolve, reject) => socket.once('connect', resolve as never).once('connect_error', reject));
      return {
        ask: (event) =>
          new Promise((resolve) => {
            socket.once('exception', (data) => resolve({ event: 'exception', data }));
            socket.once('me', (data) => resolve({ event: 'me', data }));
            socket.emit(event, {});
          }),
        close: () => void socket.disconnect(),
      };
    },
  },
};

@Catch(JwtKnoxError)
class TellTheCode extends BaseWsExceptionFilter {
  override catch({ code, message }: JwtKnoxError, host: ArgumentsHost): void {
    super.catch(new WsException({ status: 'error', code, message }), host);
  }
}

class Gateway {
  @SubscribeMessage('who') who(@CurrentUser('username') username?: string) {
    return { event: 'me', data: username ?? 'nobody' };
  }
}

@WebSocketGateway()
class PlainGateway extends Gateway {
  @SubscribeMessage('who') override who(@CurrentUser('username') username?: string) {
    return super.who(username);
  }
}

@UseFilters(TellTheCode)
@WebSocketGateway()
class TellingGateway extends PlainGateway {
  @SubscribeMessage('who') override who(@CurrentUser('username') username?: string) {
    return super.who(username);
  }
}

/** As the documentation has it: connect finds out who it is. */
@Public()
@WebSocketGateway()
class ConnectingGateway extends PlainGateway {
  constructor(private readonly tokens: TokenService<User>) {
    super();
  }

  async handleConnection(client: any, request?: IncomingMessage): Promise<void> {
    const { headers } = client.handshake ?? request;
    const token = (headers.authorization as string | undefined)?.replace(/^Bearer +/i, '') ?? '';
    client.user = await this.tokens.authenticate(token).then(
      ({ user }) => user,
      () => undefined,
    );
  }

  @SubscribeMessage('who') override who(@CurrentUser('username') username?: string) {
    return super.who(username);
  }
}

const handshakes = new WeakMap<object, object>();

/** Reads the request that opened the socket. */
class HandshakeReader extends RequestContextReader {
  override read(context: any): RequestContext {
    if (context.getType() !== 'ws') return super.read(context);
    const client = context.switchToWs().getClient();
    return new RequestContext(client.handshake ?? handshakes.get(client));
  }
}

@UseFilters(TellTheCode)
@WebSocketGateway()
class RememberingGateway extends PlainGateway {
  handleConnection(client: object, request?: IncomingMessage): void {
    if (request) handshakes.set(client, request);
  }

  @SubscribeMessage('who') override who(@CurrentUser('username') username?: string) {
    return super.who(username);
  }
}

const environments = platforms.flatMap((platform) =>
  (['ws', 'socket.io'] as const).map((kind) => ({ title: `${kind} on ${platform.name}`, platform, ...kinds[kind] })),
);

describe.each(environments)("gateways under guard: 'global': $title", ({ platform, adapter, connect }) => {
  let t: TestApp;
  const clients: Client[] = [];
  let lines: string[];

  const open = async (gateway: any, extras: AppSettings['extras'] = {}) => {
    lines = [];
    const logger = notingLogger((line) => lines.push(String(line)), 'warn', 'error');
    t = await createApp(platform, 'sqlite', {
      extras: { guard: 'global', ...extras },
      providers: [gateway],
      prepare: (app) => void app.useWebSocketAdapter(adapter(app)),
      logger,
    });
    await t.users.add('alice');
  };
  const connected = async (token?: string) => {
    const client = await connect(await t.app.getUrl(), token);
    clients.push(client);
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await t.close();
  });

  it('a message whose client says nothing of who it is: refused, and the log names the cure', async () => {
    await open(PlainGateway);
    const client = await connected((await t.login()).access_token);
    expect(await client.ask('who')).toMatchObject({ event: 'exception', data: { status: 'error' } });
    expect(lines).toEqual([
      expect.stringMatching(
        /^\[jwt-knox:message-refused] A message was refused: JwtKnoxGuard finds no token and no headers in the client.*@Public\(\).*contextReader/,
      ),
    ]);
  });

  it('a filter tells the client the code and the reason', async () => {
    await open(TellingGateway);
    const { event, data } = await (await connected()).ask('who');
    expect([event, data]).toEqual([
      'exception',
      { status: 'error', code: 'missing_token', message: expect.stringContaining('no token and no headers') },
    ]);
  });

  it('@Public() on the gateway: the handler sees what connect found', async () => {
    await open(ConnectingGateway);
    const alice = await connected((await t.login()).access_token);
    const anonymous = await connected();
    await expect.poll(async () => (await alice.ask('who')).data).toBe('alice');
    expect(await anonymous.ask('who')).toEqual({ event: 'me', data: 'nobody' });
    expect(lines).toEqual([]);
  });

  it('a contextReader that reads the handshake: every message is judged, and a logout ends the socket', async () => {
    await open(RememberingGateway, { contextReader: HandshakeReader });
    const { access_token: token } = await t.login();
    const [alice, anonymous] = [await connected(token), await connected()];
    expect(await alice.ask('who')).toEqual({ event: 'me', data: 'alice' });
    expect((await anonymous.ask('who')).data).toMatchObject({ code: 'missing_token' });
    await t.http.post('/auth/logout', { token });
    expect(await alice.ask('who')).toMatchObject({ event: 'exception', data: { code: 'invalid_token' } });
    // Who sent none, or one that is dead, made no mistake in the configuration.
    expect(lines.filter((line) => line.includes('A message was refused'))).toEqual([]);
  });
});
