import { connect, createServer, type Socket } from 'node:net';

/** What PostgreSQL says when it has just been killed (protocol 3.0: ErrorResponse). */
const FATAL = errorResponse('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0');
/** ReadyForQuery: the connection has come up. */
const READY = Buffer.from('Z\0\0\0\x05I');

function errorResponse(fields: string): Buffer {
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, Buffer.from(fields)]);
}

/** A way to a PostgreSQL server that, while `isDying`, ends every connection in the moment when it comes up. */
export class DyingServer {
  isDying = false;
  /** How many connections were ended. */
  ended = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.serve(client));

  constructor(private readonly target: URL) {}

  /** The URL of the database by way of this. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.server.address() as { port: number }).port}`;
    return url.href;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private serve(client: Socket): void {
    const upstream = connect(Number(this.target.port || 5432), this.target.hostname);
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (!this.isDying || !chunk.includes(READY)) return void client.write(chunk);
      this.ended++;
      client.end(Buffer.concat([chunk, FATAL]));
    });
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => other.destroy());
    }
  } // prettier-ignore
}
