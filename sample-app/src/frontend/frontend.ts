import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import type { AppConfig } from '../config/app-config.js';
import { frontendOrigins } from './frontend-origins.js';

const STATIC = resolve(import.meta.dirname, '../../src/frontend/static');
const CLIENT = dirname(createRequire(import.meta.url).resolve('nestjs-jwt-knox/client'));
const TYPES: Record<string, string> = {
  html: 'text/html',
  css: 'text/css',
  js: 'text/javascript',
  mjs: 'text/javascript',
};

/** Paths and files: the page, and of the library nothing but the client. */
const FILES = new Map([
  ['/', join(STATIC, 'index.html')],
  ...['app.js', 'style.css'].map((name) => [`/${name}`, join(STATIC, name)] as const),
  ...readdirSync(CLIENT)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => [`/client/${name}`, join(CLIENT, name)] as const),
]);

/**
 * A single-page application on an origin of its own, as front ends have it: plain files, which know of the API what
 * `config.json` says.
 */
export class Frontend {
  /** Where the API listens: known once it does. */
  private apiPort = 0;

  private constructor(
    private readonly config: AppConfig,
    private readonly server: Server,
  ) {
    server.on('request', (request, response) => this.answer(request, response));
  }

  static async open(config: AppConfig): Promise<Frontend> {
    const { frontend, tls } = config;
    const server = tls ? createHttpsServer(tls) : createHttpServer();
    await new Promise<void>((done, failed) => {
      server.once('error', failed).listen(frontend!.port, '127.0.0.1', done);
    });
    return new Frontend(config, server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** By its name, `localhost`, it logs in by cookies; by its address it is a packaged app, and gets tokens. */
  get origins(): { cookie: string; bearer: string } {
    return frontendOrigins(this.port, this.config.tls !== undefined);
  }

  /** Lets its pages call the API, with cookies, and see the headers that the client reads. */
  allow(app: INestApplication): void {
    const { cookie, bearer } = this.origins;
    const exposedHeaders = ['WWW-Authenticate', 'Retry-After', 'Link'];
    app.enableCors({ origin: [cookie, bearer], credentials: true, exposedHeaders });
  }

  connect(apiUrl: string): void {
    this.apiPort = Number(new URL(apiUrl).port);
  }

  private answer({ method, url = '/', headers }: IncomingMessage, response: ServerResponse): void {
    const own = Object.values(this.origins).find((origin) => new URL(origin).host === headers.host);
    const path = url.split('?', 1)[0]!;
    const file = FILES.get(path);
    const isFound = own !== undefined && (file !== undefined || path === '/config.json');
    if (!isFound) return void response.writeHead(own ? 404 : 421).end();
    if (method !== 'GET' && method !== 'HEAD') return void response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    const type = file ? TYPES[file.split('.').at(-1)!]! : 'application/json';
    response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, ...this.headersOf(own) });
    response.end(file ? readFileSync(file) : JSON.stringify(this.settingsOf(own)));
  }

  /** No script and no style but its own files, and no requests but to itself and the API. */
  private headersOf(own: string): Record<string, string> {
    const policy =
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${this.apiOf(own)}; ` +
      "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
    return {
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-cache',
    };
  }

  /** The API under the name by which the page itself was asked for: the two are of one site, and cookies go along. */
  private apiOf(own: string): string {
    const url = new URL(own);
    url.port = String(this.apiPort);
    return url.origin;
  }

  private settingsOf(own: string) {
    const { cookie, bearer } = this.origins;
    const isBearer = own === bearer || !this.config.knox.transport;
    const other = isBearer ? { mode: 'cookie', url: `${cookie}/` } : { mode: 'bearer', url: `${bearer}/` };
    return {
      baseUrl: `${this.apiOf(own)}/auth`,
      mode: isBearer ? 'bearer' : 'cookie',
      // With TRANSPORT=bearer there is no other one.
      other: this.config.knox.transport ? other : null,
    };
  }
}
