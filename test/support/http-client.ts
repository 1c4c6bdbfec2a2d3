import { request as nodeRequest } from 'node:http';
import { gunzipSync } from 'node:zlib';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: any;
  text: string;
}

export interface Options {
  token?: string;
  json?: unknown;
  /** Sent as it is, with the content type given in `headers`. */
  body?: string | Buffer;
  headers?: Record<string, string | string[]>;
  /** Why the answer need not be as the document of the application says: what of the host's own changes it. */
  unchecked?: string;
}

/** Sees every answer. @throws for one that must not be */
export type Check = (method: string, path: string, answer: Answer) => void;

/** Speaks HTTP with one application, byte for byte as told: repeated and odd headers too. */
export class HttpClient {
  constructor(
    private readonly port: number,
    private readonly check: Check = () => undefined,
  ) {}

  get = (path: string, options: Options = {}) => this.send('GET', path, options);
  post = (path: string, options: Options = {}) => this.send('POST', path, options);
  put = (path: string, options: Options = {}) => this.send('PUT', path, options);
  patch = (path: string, options: Options = {}) => this.send('PATCH', path, options);
  delete = (path: string, options: Options = {}) => this.send('DELETE', path, options);

  async send(method: string, path: string, options: Options = {}): Promise<Answer> {
    const answer = await this.ask(method, path, options);
    if (options.unchecked === undefined) this.check(method, path, answer);
    return answer;
  }

  private ask(method: string, path: string, { token, json, body, headers = {} }: Options): Promise<Answer> {
    const payload = json === undefined ? body : JSON.stringify(json);
    const all: Record<string, string | string[] | number> = { ...headers };
    if (token !== undefined) all.authorization = `Bearer ${token}`;
    if (json !== undefined) all['content-type'] ??= 'application/json';
    if (payload !== undefined) all['content-length'] = Buffer.byteLength(payload);
    return new Promise((resolve, reject) => {
      const request = nodeRequest(
        { host: '127.0.0.1', port: this.port, method, path, headers: all, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const sent = Buffer.concat(chunks);
            const text = (response.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();
            resolve({ status: response.statusCode!, headers: response.headers, text, body: parse(text) });
          });
        },
      );
      request.on('error', reject);
      request.end(payload);
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
