import type { IncomingMessage } from 'node:http';
import { InvalidTokenError, JwtKnoxConfigurationError } from '../contracts/errors';
import type { Connection, Connections } from '../guard/connections';
import type { ChannelEnd } from '../sessions/open-channel';
import { endOf, refusalOf } from '../guard/close-codes';
import { type DoorSettings, untilText } from './door';
import { ownMember, queryTokens } from './shown-tokens';

/**
 * What socket.io calls when a middleware has refused a socket. It is of its own: where there is no such method, what the
 * socket left open is left with its connection.
 */
const CLEAN_UP = '_cleanup';

/** A socket of socket.io, as far as it is used here. */
interface IoSocket {
  readonly handshake: { readonly auth: unknown };
  readonly request: IncomingMessage;
  readonly conn: {
    readonly readyState: string;
    once(event: 'close', listener: () => void): unknown;
    close(): void;
  };
  readonly nsp?: { readonly server?: IoServer };
  readonly client: { readonly sockets?: ReadonlyMap<string, unknown> };
  readonly connected: boolean;
  [CLEAN_UP]?: () => void;
  readonly data: any;
  user?: unknown;
  session?: unknown;
  knox?: unknown;
  on(event: string, listener: (...values: any[]) => void): unknown;
  emit(event: string, data: object): unknown;
  disconnect(close: boolean): unknown;
}

/** As `server.use` takes it. */
export type SocketIoMiddleware = (socket: any, next: (error?: Error) => void) => void;

interface IoServer {
  use(middleware: SocketIoMiddleware): unknown;
  /** Of a namespace: its server. */
  readonly server?: IoServer;
  readonly opts?: { readonly connectionStateRecovery?: { readonly skipMiddlewares?: boolean } };
  connectTimeout?(ms: number): unknown;
}

/** Who sends no token by then is disconnected, in milliseconds. */
const SILENCE_MS = 2_000;
/** Time for a refusal to arrive, in milliseconds. */
const REFUSED_MS = 1_000;

/** Authenticates sockets of socket.io in a middleware of their namespace. */
export class SocketIoDoor {
  private readonly guarded = new WeakSet<object>();
  /** By connection, what is to be left with it. */
  private readonly leavings = new WeakMap<object, Set<() => void>>();

  constructor(
    private readonly connections: Connections,
    private readonly settings: DoorSettings,
  ) {}

  readonly middleware: SocketIoMiddleware = (socket: IoSocket, next) => {
    void this.admit(socket).then(
      () => next(),
      (error: unknown) => this.refuse(socket, error, next),
    );
  };

  protect(namespace: IoServer): void {
    if (this.guarded.has(namespace)) return;
    this.guarded.add(namespace);
    const server = namespace.server ?? namespace;
    requireQuestions(server);
    server.connectTimeout?.(SILENCE_MS);
    namespace.use(this.middleware);
  }

  private async admit(socket: IoSocket): Promise<void> {
    // Of a middleware that the application uses by itself, this is the first that is known of its server.
    requireQuestions(socket.nsp?.server);
    const { request, conn } = socket;
    const tokens = [ownMember(socket.handshake?.auth, 'token'), ...queryTokens(request?.url, this.settings.query)];
    let isOver = false;
    const connection = await this.connections.open({ request, tokens }, this.settings.terms, (end) => {
      isOver = true;
      close(socket, end);
    });
    if (isOver) throw new InvalidTokenError('session_not_found');
    // Who left meanwhile leaves no socket, and nobody would be told.
    if (conn.readyState !== 'open') return connection.leave();
    this.leaveWith(socket, () => connection.leave());
    socket.on('auth.renew', (data: unknown, answer: unknown) => void renew(socket, connection, data, answer));
    connection.attach(socket);
    show(socket, connection);
  }

  /**
   * A socket that another middleware refuses is never disconnected, and while one makes up its mind, nothing says that its
   * client is gone. A client may ask for as many as it likes on one connection.
   */
  private leaveWith(socket: IoSocket, leave: () => void): void {
    const { conn } = socket;
    const leavings = this.leavings.get(conn) ?? leavingsOf(conn);
    this.leavings.set(conn, leavings);
    const leaveOnce = () => leavings.delete(leaveOnce) && leave();
    leavings.add(leaveOnce);
    socket.on('disconnect', leaveOnce);
    const cleanUp = socket[CLEAN_UP];
    if (typeof cleanUp !== 'function') return;
    socket[CLEAN_UP] = () => {
      leaveOnce();
      cleanUp.call(socket);
    };
  }

  private refuse({ client, conn }: IoSocket, error: unknown, next: (error?: Error) => void): void {
    const { closeCode, code, message } = refusalOf(error);
    next(Object.assign(new Error(message), { data: { code, message, close_code: closeCode } }));
    setTimeout(() => client.sockets?.size === 0 && conn.close(), REFUSED_MS).unref();
  }
}

/** One listener for all sockets of a connection. */
function leavingsOf(conn: IoSocket['conn']): Set<() => void> {
  const leavings = new Set<() => void>();
  conn.once('close', () => {
    for (const leave of leavings) leave();
  });
  return leavings;
}

/** @throws JwtKnoxConfigurationError where a socket comes back without being asked anything */
function requireQuestions(server: IoServer | undefined): void {
  const recovery = server?.opts?.connectionStateRecovery;
  if (!recovery || recovery.skipMiddlewares === false) return;
  const problem =
    'protect: with connectionStateRecovery, socket.io lets a socket in again without asking whether its session lives; ' +
    'set connectionStateRecovery.skipMiddlewares: false.';
  throw new JwtKnoxConfigurationError([problem], 'JwtKnoxSocketAuth');
}

function close(socket: IoSocket, end: ChannelEnd): void {
  if (!socket.connected) {
    // Other middlewares run, or it is about to connect: then it can be told.
    return void setImmediate(() => (socket.connected ? close(socket, end) : socket.conn.close()));
  }
  const { closeCode, code, message } = endOf(end);
  socket.emit('auth.ended', { code, message, close_code: closeCode });
  socket.disconnect(true);
}

async function renew(socket: IoSocket, connection: Connection, data: unknown, answer: unknown): Promise<void> {
  const tell = (event: string, body: object) => {
    socket.emit(event, body);
    if (typeof answer === 'function') answer({ event, ...body });
  };
  try {
    await connection.renew(ownMember(data, 'token'));
    show(socket, connection);
    tell('auth.renewed', { until: untilText(connection) });
  } catch (error) {
    const { code, message } = refusalOf(error);
    tell('auth.refused', { code, message });
  }
}

/** For handlers in `data`, for decorators on the socket itself. */
function show(socket: IoSocket, { user, session, knox }: Connection): void {
  Object.assign(socket.data, { user, session });
  Object.assign(socket, { user, session, knox });
}
