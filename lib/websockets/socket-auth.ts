import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { Session } from '../contracts/session';
import type { Connections } from '../guard/connections';
import type { DoorSettings } from './door';
import { SocketIoDoor } from './socket-io.door';
import { WsDoor } from './ws.door';

/** What a client has once it is let in: of `ws` the client itself, of socket.io its `data`. */
export interface AuthenticatedSocket<User = any> {
  user: User;
  session: Session;
}

/**
 * Authenticates WebSockets when they connect, and closes them when their session ends. Inject it into a gateway.
 * @example
 * `@WebSocketGateway() class Chat { constructor(private readonly auth: JwtKnoxSocketAuth) {} afterInit(server: Server) { this.auth.protect(server); } }`
 */
export abstract class JwtKnoxSocketAuth {
  /** The middleware of socket.io, for namespaces that are no gateway's: `io.of('/reports').use(auth.middleware)`. */
  abstract readonly middleware: (socket: any, next: (error?: Error) => void) => void;

  /**
   * Lets nobody connect to a server without a valid access token: the `Server` or `Namespace` of socket.io, or the
   * `WebSocketServer` of `ws`. Call it in `afterInit`; several gateways may share a server.
   * @throws JwtKnoxConfigurationError for what is neither, and for socket.io's recovery without middlewares
   */
  abstract protect(server: any): void;
}

/** By one door for each kind of sockets. */
export class SocketDoors extends JwtKnoxSocketAuth {
  readonly #socketIo: SocketIoDoor;
  readonly #ws: WsDoor;

  constructor(connections: Connections, settings: DoorSettings) {
    super();
    this.#socketIo = new SocketIoDoor(connections, settings);
    this.#ws = new WsDoor(connections, settings);
  }

  get middleware(): JwtKnoxSocketAuth['middleware'] {
    return this.#socketIo.middleware;
  }

  protect(server: any): void {
    if (typeof server?.handleUpgrade === 'function') this.#ws.protect(server);
    else if (typeof server?.use === 'function') this.#socketIo.protect(server);
    else {
      const problem =
        'protect: this is no server of socket.io or ws; call it in afterInit(server) of a gateway, with that server.';
      throw new JwtKnoxConfigurationError([problem], 'JwtKnoxSocketAuth');
    }
  }
}
