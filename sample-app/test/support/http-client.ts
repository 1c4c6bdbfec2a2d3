import { request as nodeRequest } from 'node:http';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: any;
  text: string;
}

export interface Message {
  token?: string;
  json?: unknown;
  headers?: Record<string, string>;
  /** The address to send from: on the loopback network, any of 127.0.0.0/8. */
  from?: string;
  /** Closes the connection when it aborts. */
  signal?: AbortSignal;
}

/** Speaks HTTP with one application. */
export class HttpClient {
  constructor(private readonly port: number) {}

  send(method: string, path: string, { token, json, headers = {}, from, signal }: Message = {}): Promise<Answer> {
    const payload = json === undefined ? undefined : JSON.stringify(json);
    const all: Record<string, string | number> = { ...headers };
    if (token !== undefined) all.authorization = `Bearer ${token}`;
    if (payload !== undefined) {
      all['content-type'] = 'application/json';
      all['content-length'] = Buffer.byteLength(payload);
    }
    return new Promise((resolve, reject) => {
      const to = { host: '127.0.0.1', port: this.port, localAddress: from, agent: false as const, signal };
      const request = nodeRequest({ ...to, method, path, headers: all }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode!, headers: response.headers, text, body: parse(text) });
        });
      });
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
