import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { line, messageOf } from '../contracts/log-line';
import type { Connection, Connections } from '../guard/connections';
import { endOf, refusalOf, type SocketEnd } from '../guard/close-codes';
import { closeSocket, type RawSocket, sendOn, showingIn } from '../guard/raw-socket';
import { type DoorSettings, untilText } from './door';
import { ownMember, queryTokens, takeSubprotocolTokens } from './shown-tokens';

interface WsClient extends RawSocket {
  user?: unknown;
  session?: unknown;
  knox?: unknown;
}

type Admit = (client: WsClient, request: IncomingMessage) => void;

interface WsServer {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, admit: Admit): void;
}

const RENEW = 'auth.renew';
const PROTECTED = Symbol('jwt-knox.protected');
const OTHER_DOOR =
  'protect: another JwtKnoxModule protects this server; give the gateways of each module a path of their own.';

/**
 * Authenticates between a request and its upgrade. Who is not let in gets a close code, which a browser shows to a page,
 * other than the status of a refused upgrade; your application never sees that client.
 */
export class WsDoor {
  private readonly logger = new Logger('JwtKnox');

  constructor(
    private readonly connections: Connections,
    private readonly settings: DoorSettings,
  ) {}

  /** @throws JwtKnoxConfigurationError where another module protects it: one would let in whom the other refuses */
  protect(server: WsServer & { [PROTECTED]?: WsDoor }): void {
    if (server[PROTECTED] === this) return;
    if (server[PROTECTED]) throw new JwtKnoxConfigurationError([OTHER_DOOR], 'JwtKnoxSocketAuth');
    server[PROTECTED] = this;
    const upgrade = server.handleUpgrade;
    server.handleUpgrade = (request, socket, head, admit) => {
      // Meanwhile nobody else listens for its errors.
      const ignore = () => undefined;
      socket.on('error', ignore);
      const proceed = (opened: Opened) => {
        socket.off('error', ignore);
        if (socket.destroyed) return opened.leave();
        socket.once('close', () => opened.leave());
        upgrade.call(server, request, socket, head, (client) => opened.enter(client, () => admit(client, request)));
      };
      // The server of `ws` throws where a socket was upgraded already; so may what the application does with a connection.
      this.open(request)
        .then(proceed)
        .catch((error: unknown) => {
          const what = `A socket was let in, and its connection failed: ${messageOf(error)}`;
          this.logger.error(line('connection-failed', what));
          socket.destroy();
        });
    };
  }

  private async open(request: IncomingMessage): Promise<Opened> {
    const opened = new Opened();
    try {
      const tokens = [...takeSubprotocolTokens(request.headers), ...queryTokens(request.url, this.settings.query)];
      const close = (end: Parameters<typeof endOf>[0]) => opened.close(endOf(end));
      opened.connection = await this.connections.open({ request, tokens }, this.settings.terms, close);
    } catch (error) {
      opened.close(refusalOf(error));
    }
    return opened;
  }
}

/** One client, from its request on: it may have to be closed before it is there. */
class Opened {
  connection: Connection | undefined;
  private client: WsClient | undefined;
  private end: SocketEnd | undefined;

  enter(client: WsClient, admit: () => void): void {
    this.client = client;
    if (this.end || !this.connection) return this.closeClient();
    this.show();
    this.connection.attach(client);
    client.on('message', (data: unknown) => void this.onMessage(data));
    admit();
  }

  close(end: SocketEnd): void {
    this.end = end;
    this.closeClient();
  }

  leave(): void {
    this.connection?.leave();
  }

  private show(): void {
    const { user, session, knox } = this.connection!;
    Object.assign(this.client!, { user, session, knox });
  }

  private closeClient(): void {
    const { client, end = refusalOf(undefined) } = this;
    if (client) closeSocket(client, end);
  }

  private async onMessage(data: unknown): Promise<void> {
    const token = renewalIn(data);
    if (token === undefined) return;
    try {
      await this.connection!.renew(token);
      this.show();
      this.answer('auth.renewed', { until: untilText(this.connection!) });
    } catch (error) {
      const { code, message } = refusalOf(error);
      this.answer('auth.refused', { code, message });
    }
  }

  private answer(event: string, data: object): void {
    sendOn(this.client!, { event, data });
  }
}

/** The token of a message `{ event: 'auth.renew', data: { token } }`; undefined for every other message. */
function renewalIn(data: unknown): unknown {
  const message = showingIn(data, RENEW);
  return ownMember(message, 'event') === RENEW ? (ownMember(ownMember(message, 'data'), 'token') ?? '') : undefined;
}
