import {
  createServer,
  type IncomingMessage,
  request as nodeRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a gate does with a request in place of passing it on. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void | 'pass';

export const faults = {
  hangs: (() => undefined) as Fault,
  cutsOff: ((request) => void request.socket.destroy()) as Fault,
  answers:
    (status: number, body: unknown = {}, headers: Record<string, string> = {}): Fault =>
    (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    },
  /** Who follows gets the right answer. */
  redirects: ((request, response) => {
    if (request.url!.endsWith('?again')) return 'pass';
    response.writeHead(307, { location: `${request.url}?again` }).end();
  }) as Fault,
  neverEnds: ((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const chunk = ' '.repeat(16_384);
    const more = () => void (response.destroyed || response.write(chunk, () => setImmediate(more)));
    more();
  }) as Fault,
  dripsSlowly: ((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  }) as Fault,
};

/** Stands between a verifier and its issuer: hears every question, and fails as told. */
export class IssuerGate {
  /** `POST /auth/introspect`, in the order of arrival. */
  readonly requests: { what: string; body: string; authorization: string | undefined }[] = [];
  fault: Fault | undefined;
  private server: Server | undefined;
  private port = 0;

  private constructor(private readonly target: number) {}

  static async before(target: number): Promise<IssuerGate> {
    const gate = new IssuerGate(target);
    await gate.up();
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const server = (this.server = createServer((request, response) => void this.serve(request, response)));
    await new Promise<void>((listening) => server.listen(this.port, '127.0.0.1', listening));
    this.port = (server.address() as AddressInfo).port;
  }

  /** Nothing listens any more: connections are refused. */
  async down(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method, url = '', headers } = request;
    this.requests.push({ what: `${method} ${url}`, body: body.toString(), authorization: headers.authorization });
    if (this.fault && this.fault(request, response) !== 'pass') return;
    const onward = nodeRequest({ host: '127.0.0.1', port: this.target, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  }
}
