import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { io, type ManagerOptions, type SocketOptions } from 'socket.io-client';
import { type ClientOptions, WebSocket } from 'ws';

/** What became of an attempt to connect. */
export interface Attempt {
  /** Null when the client was let in, otherwise what it was told. */
  refusal: { code: string; closeCode: number } | null;
  client: SocketClient;
}

/** A client of either kind. */
export interface SocketClient {
  /** Sends a message and gives the next one that comes back. */
  ask(event: string, data?: unknown): Promise<{ event: string; data: any }>;
  send(event: string, data?: unknown): void;
  /** Why it was closed by the server; open until then. */
  readonly end: Promise<{ code: string; closeCode: number }>;
  readonly isOpen: boolean;
  close(): void;
}

/** How a client shows who it is. */
export interface Showing {
  headers?: Record<string, string | string[]>;
  /** socket.io: `auth.token`; ws: the subprotocols `bearer` and the token. */
  token?: any;
  query?: string;
}

export type SocketKind = 'ws' | 'socket.io';

/** Each of the two has one shape of clients and of messages. */
export const socketKinds: Record<
  SocketKind,
  { adapter(app: INestApplication): any; connect(origin: string, showing?: Showing): Promise<Attempt> }
> = {
  ws: { adapter: (app) => new WsAdapter(app), connect: connectWs },
  'socket.io': { adapter: (app) => new IoAdapter(app), connect: connectIo },
};

async function connectWs(origin: string, { headers = {}, token, query = '' }: Showing = {}): Promise<Attempt> {
  const protocols = token === undefined ? [] : ['bearer', token];
  const options: ClientOptions = { headers: headers as never };
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/${query}`, protocols, options);
  const waiting: ((message: { event: string; data: any }) => void)[] = [];
  socket.on('message', (text) => waiting.shift()?.(JSON.parse(String(text))));
  const end = new Promise<{ code: string; closeCode: number }>((resolve) => {
    socket.once('close', (closeCode, reason) => resolve({ code: String(reason), closeCode }));
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const client: SocketClient = {
    send: (event, data = {}) => socket.send(JSON.stringify({ event, data })),
    ask: (event, data = {}) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.send(JSON.stringify({ event, data }));
      }),
    end,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    close: () => socket.terminate(),
  };
  // Who is refused is closed right after the upgrade; who is let in is answered.
  const answered = new Promise<null>((resolve) => socket.once('pong', () => resolve(null)));
  socket.ping();
  const refusal = await Promise.race([end, answered.then(() => new Promise<null>((r) => setTimeout(r, 20, null)))]);
  return { refusal, client };
}

async function connectIo(origin: string, { headers, token, query = '' }: Showing = {}): Promise<Attempt> {
  const options: Partial<ManagerOptions & SocketOptions> = {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    query: Object.fromEntries(new URLSearchParams(query.slice(1))),
    ...(headers && { extraHeaders: headers as Record<string, string> }),
    ...(token !== undefined && { auth: { token } }),
  };
  const socket = io(origin, options);
  const waiting: ((message: { event: string; data: any }) => void)[] = [];
  let told = { code: '', closeCode: 0 };
  const end = new Promise<{ code: string; closeCode: number }>((resolve) => {
    socket.once('auth.ended', ({ code, close_code: closeCode }) => (told = { code, closeCode }));
    socket.io.once('close', () => resolve(told));
  });
  socket.onAny((event: string, data: unknown) => waiting.shift()?.({ event, data }));
  const client: SocketClient = {
    send: (event, data = {}) => void socket.emit(event, data),
    ask: (event, data = {}) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.emit(event, data);
      }),
    end,
    get isOpen() {
      return socket.connected;
    },
    close: () => void socket.disconnect(),
  };
  const refusal = await new Promise<Attempt['refusal']>((resolve, reject) => {
    socket.once('connect', () => resolve(null));
    socket.once('connect_error', (error: Error & { data?: any }) =>
      error.data ? resolve({ code: error.data.code, closeCode: error.data.close_code }) : reject(error),
    );
  });
  return { refusal, client };
}
