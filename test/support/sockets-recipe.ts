// The code of docs/21-websockets.md. A test runs it, and holds the page to it.
import { UseFilters, UseGuards } from '@nestjs/common';
import { type ArgumentsHost, Catch } from '@nestjs/common';
import {
  BaseWsExceptionFilter,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import type { WebSocketServer } from 'ws';
import { CurrentUser, JwtKnoxError, JwtKnoxGuard } from '../../lib';
import { createJwtKnoxClient } from '../../lib/client/index.mjs';
import { JwtKnoxSocketAuth } from '../../lib/websockets';
import type { User } from './users';

/** Example: filter */
@Catch(JwtKnoxError)
export class KnoxSocketFilter extends BaseWsExceptionFilter {
  override catch({ code, message }: JwtKnoxError, host: ArgumentsHost): void {
    super.catch(new WsException({ status: 'error', code, message }), host);
  }
}
/** End of example */

/** Example: gateway */
@WebSocketGateway()
@UseGuards(JwtKnoxGuard)
@UseFilters(KnoxSocketFilter)
export class ChatGateway {
  constructor(private readonly auth: JwtKnoxSocketAuth) {}

  afterInit(server: WebSocketServer): void {
    this.auth.protect(server);
  }

  @SubscribeMessage('say')
  say(@MessageBody() text: string, @CurrentUser() user: User) {
    return { event: 'said', data: { by: user.username, text } };
  }
}
/** End of example */

/** Example: client */
/** Keeps a socket open as long as its user is logged in. */
export function chat(origin: string, onMessage: (message: { event: string; data: any }) => void) {
  let token = '';
  const client = createJwtKnoxClient({
    baseUrl: `${origin}/auth`,
    mode: 'bearer',
    // The client sends its access token with every request.
    fetch: (input, init) => {
      token = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) ?? token;
      return fetch(input, init);
    },
  });
  // Asks the server who is logged in: an access token that has expired is refreshed for that.
  const freshToken = async () => ((await client.session()) ? token : null);

  async function connect(): Promise<void> {
    const current = await freshToken().catch(() => undefined);
    if (current === undefined) setTimeout(connect, 5_000); // no answer of the server
    if (!current) return;
    const socket = new WebSocket(origin.replace('http', 'ws'), ['bearer', current]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const renew = async () => {
      const message = { event: 'auth.renew', data: { token: await freshToken() } };
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    };
    const renewIn = (wait: number) => {
      // Without an answer of the server, it is tried again as long as the socket is open.
      timer = setTimeout(() => void renew().catch(() => renewIn(5_000)), wait);
    };
    // The answer says until when the socket stays open.
    socket.addEventListener('open', () => renewIn(0));
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data));
      if (message.event !== 'auth.renewed') return onMessage(message);
      // 5 seconds after the token has expired, 25 before the socket is closed.
      const wait = Date.parse(message.data.until) - Date.now() - 25_000;
      if (message.data.until) renewIn(Math.max(wait, 5_000));
    });
    socket.addEventListener('close', ({ code }) => {
      clearTimeout(timer);
      // 4403: the session has ended. All else may pass: connect again, not all clients at once.
      if (code !== 4403) setTimeout(connect, 1_000 + Math.random() * 4_000);
    });
  }

  return { client, connect };
}
/** End of example */
