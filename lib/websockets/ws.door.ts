import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { Connection, Connections } from '../guard/connections';
import { endOf, refusalOf, type SocketEnd } from '../guard/close-codes';
import { type DoorSettings, untilText } from './door';
import { ownMember, queryTokens, takeSubprotocolTokens } from './shown-tokens';

/** A client of `ws`, as far as it is used here. */
interface WsClient {
  readonly readyState: number;
  user?: unknown;
  session?: unknown;
  knox?: unknown;
  on(event: string, listener: (...values: any[]) => void): unknown;
  removeAllListeners(event: string): unknown;
  send(text: string): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

type Admit = (client: WsClient, request: IncomingMessage) => void;

interface WsServer {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, admit: Admit): void;
}

const OPEN = 1;
/** How long the other side has to close, in milliseconds. */
const CLOSING_MS = 1_000;
/** A message that renews has a token in it, and little else. */
const LONGEST_RENEWAL = 16_384;
const RENEW = 'auth.renew';
const PROTECTED = Symbol('jwt-knox.protected');
const OTHER_DOOR =
  'protect: another JwtKnoxModule protects this server; give the gateways of each module a path of their own.';

/**
 * Authenticates between a request and its upgrade. Who is not let in gets a close code, which a browser shows to a page,
 * other than the status of a refused upgrade; your application never sees that client.
 */
export class WsDoor {
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
      // The server of `ws` throws where a socket was upgraded already.
      this.open(request)
        .then(proceed)
        .catch(() => socket.destroy());
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
    if (!client) return;
    // What it sends until it has closed is nobody's business any more.
    client.removeAllListeners('message');
    client.on('error', () => undefined);
    client.close(end.closeCode, end.code);
    setTimeout(() => client.terminate(), CLOSING_MS).unref();
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
    if (this.client!.readyState === OPEN) this.client!.send(JSON.stringify({ event, data }));
  }
}

/** The token of a message `{ event: 'auth.renew', data: { token } }`; undefined for every other message. */
function renewalIn(data: unknown): unknown {
  const bytes = Array.isArray(data) ? Buffer.concat(data as Buffer[]) : data;
  const text = Buffer.isBuffer(bytes) && bytes.length <= LONGEST_RENEWAL ? bytes.toString() : '';
  if (!text.includes(RENEW)) return undefined;
  try {
    const message: unknown = JSON.parse(text);
    return ownMember(message, 'event') === RENEW ? (ownMember(ownMember(message, 'data'), 'token') ?? '') : undefined;
  } catch {
    return undefined;
  }
}
