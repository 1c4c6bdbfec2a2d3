import { MissingTokenError } from '../contracts/errors';
import { endOf, refusalOf } from '../guard/close-codes';
import type { Connection, Connections, OpeningRequest } from '../guard/connections';
import { closeSocket, OPEN, type RawSocket, sendOn, showingIn } from '../guard/raw-socket';
import type { ChannelTerms } from '../sessions/open-channel';

/** The WebSocket under subscriptions. */
export interface ListeningSocket extends RawSocket {
  once(event: string, listener: (...values: any[]) => void): unknown;
  off(event: string, listener: (...values: any[]) => void): unknown;
  listeners(event: string): unknown[];
}

/** Who is at the other side of a socket with subscriptions. */
export class SubscriptionSocket {
  /** Stands for the request in the context of every operation. */
  readonly request: object;

  private constructor(
    private readonly socket: ListeningSocket,
    private readonly connection: Connection,
    headers: object,
  ) {
    this.request = { headers };
    connection.attach(this.request);
  }

  /** @throws JwtKnoxError when nobody may be let in; the socket stays as it is */
  static async open(
    connections: Connections,
    terms: ChannelTerms,
    { socket, request, params }: { socket: ListeningSocket; request: OpeningRequest | undefined; params: unknown },
  ): Promise<SubscriptionSocket> {
    const opening = { request, tokens: tokensIn(params) };
    const connection = await connections.open(opening, terms, (end) => closeSocket(socket, endOf(end)));
    // It may have closed meanwhile, or its session ended.
    if (socket.readyState !== OPEN) {
      connection.leave();
      throw new MissingTokenError();
    }
    socket.once('close', () => connection.leave());
    return new SubscriptionSocket(socket, connection, { 'user-agent': request!.headers['user-agent'] });
  }

  /** Takes a fresh token of the same session. @throws JwtKnoxError */
  async renew(params: unknown): Promise<void> {
    const tokens = tokensIn(params);
    await this.connection.renew(tokens.length === 1 ? tokens[0] : tokens[0] && tokens);
  }

  /** Renews with every further `connection_init`, which the server of `graphql-ws` would close the socket for. */
  takeFurtherInits(): void {
    const { socket } = this;
    const listeners = socket.listeners('message') as ((...values: unknown[]) => void)[];
    for (const listener of listeners) socket.off('message', listener);
    socket.on('message', (...values: unknown[]) => {
      const init = initIn(values[0]);
      if (init) void this.answerInit(init.payload);
      else for (const listener of listeners) listener.apply(socket, values);
    });
  }

  private async answerInit(params: unknown): Promise<void> {
    const { socket, connection } = this;
    try {
      await this.renew(params);
      const until = connection.until === Infinity ? null : new Date(connection.until).toISOString();
      sendOn(socket, { type: 'connection_ack', payload: { until } });
    } catch (error) {
      const { code, message } = refusalOf(error);
      // The protocol has no other message that a server may send at any time.
      sendOn(socket, { type: 'pong', payload: { event: 'auth.refused', code, message } });
    }
  }
}

/** As in a request, another scheme than Bearer is none of ours. */
function tokensIn(params: unknown): unknown[] {
  if (typeof params !== 'object' || params === null) return [];
  return Object.entries(params).flatMap(([name, value]) => {
    if (name.toLowerCase() !== 'authorization' || value === undefined || value === null) return [];
    if (typeof value !== 'string') return [value];
    const [scheme] = /^bearer(?: +|$)/i.exec(value) ?? [];
    return scheme === undefined ? [] : [value.slice(scheme.length)];
  });
}

/** The `connection_init` in a message; undefined for every other. */
function initIn(data: unknown): { payload?: unknown } | undefined {
  const message = showingIn(data, 'connection_init') as { type?: unknown; payload?: unknown } | null | undefined;
  return message?.type === 'connection_init' ? { payload: message.payload } : undefined;
}
