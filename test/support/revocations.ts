import { createServer, type IncomingMessage, request as ask, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import type { JwtKnoxExtras, JwtKnoxOptions } from '../../lib';
import { leaseCache, localFeed } from '../../lib/cache';
import type { IntrospectionOptions, RevocationsOptions } from '../../lib/verifier';
import type { RevocationView } from '../../lib/verifier/revocation-view';
import type { RevocationFrame } from '../../lib/tokens/revocation-frame';
import { createApp, type TestApp } from './create-app';
import { createVerifier, type VerifierApp } from './create-verifier';
import type { DatabaseKind } from './databases';
import { configuredKeys, decode } from './forge';
import { formEncoded } from './oauth';
import type { Platform } from './platforms';
import { AUDIENCE, CLIENT, ISSUER } from './verified-services';

const STREAMED = '/auth/revocations';

/** The extras of an issuer that tells of ends. */
export const streaming: JwtKnoxExtras = {
  features: [leaseCache({ feed: localFeed() })],
  routes: { oauth: true, jwks: true, revocations: true, admin: true, tokens: true },
};

export async function createStreamingIssuer(
  platform: Platform,
  kind: DatabaseKind,
  options: JwtKnoxOptions = {},
  extras: JwtKnoxExtras = {},
): Promise<TestApp> {
  const clients = [{ ...CLIENT, may: ['introspect', 'revocations'] as ('introspect' | 'revocations')[] }];
  const audience = [AUDIENCE, 'notes'];
  const issuer = await createApp(platform, kind, {
    // Its clocks may differ by as much as a request may take.
    options: { keys: configuredKeys, issuer: ISSUER, audience, clients, storageTimeout: '5s', ...options },
    extras: { ...streaming, ...extras },
  });
  // What was issued before the start is unknown, and clocks may differ by a few seconds.
  issuer.clock.advance('20s');
  return issuer;
}

export const portOf = ({ app }: Pick<TestApp, 'app'>): number => (app.getHttpServer().address() as AddressInfo).port;

/** Sends on one event, another one, several or none. */
export type Change = (event: string, count: number) => string | readonly string[];

/** Stands between a verifier and its issuer, and changes the stream as told. All else it passes on. */
export class Relay {
  change: Change | undefined;
  /** How long streams are asked for before the issuer hears of it, each in its turn, the last one from then on. Milliseconds. */
  delays: number[] = [];
  /** What answers in the place of the streams. */
  impostor: ((response: ServerResponse) => void) | undefined;
  /** The frames that the issuer sent, as they came. */
  readonly frames: string[] = [];
  /** Questions about tokens. */
  introspections = 0;
  connections = 0;
  private readonly server = createServer((request, response) => this.serve(request, response));

  private constructor(private target: number) {}

  static async before(target: number): Promise<Relay> {
    const relay = new Relay(target);
    await new Promise<void>((listening) => relay.server.listen(0, '127.0.0.1', listening));
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Passes on to another issuer from the next request on. */
  turnTo(target: number): void {
    this.target = target;
    this.cut();
  }

  cut(): void {
    this.server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((closed) => this.server.close(closed));
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    const isStream = url.startsWith(STREAMED);
    if (!isStream) return this.pass(request, response, false);
    this.connections++;
    if (this.impostor) return this.impostor(response);
    const [held] = this.delays;
    if (this.delays.length > 1) this.delays.shift();
    if (held === undefined) return this.pass(request, response, true);
    setTimeout(() => this.pass(request, response, true), held);
  }

  private pass(request: IncomingMessage, response: ServerResponse, isStream: boolean): void {
    const { method, url = '', headers } = request;
    if (url === '/auth/introspect') this.introspections++;
    const onward = ask({ host: '127.0.0.1', port: this.target, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      if (isStream && answer.statusCode === 200) this.relay(answer, response);
      else answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  private relay(answer: IncomingMessage, response: ServerResponse): void {
    let text = '';
    let count = 0;
    response.flushHeaders();
    answer.setEncoding('utf8');
    answer.on('error', () => response.destroy());
    answer.on('end', () => response.end());
    answer.on('data', (chunk: string) => {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data === undefined) continue;
        this.frames.push(data);
        const sent = [this.change ? this.change(data, count++) : data].flat();
        for (const one of sent) response.write(`data: ${one}\n\n`);
      }
    });
  }
}

/** A service that verifies tokens by the issuer's keys, and hears of ends by way of the relay. */
export async function createHearingService(
  platform: Platform,
  { issuer, relay }: { issuer: TestApp; relay: Relay },
  change: { revocations?: RevocationsOptions; introspection?: Partial<IntrospectionOptions> | false } = {},
): Promise<VerifierApp & { view: RevocationView; heard(): Promise<void> }> {
  const { revocations = {}, introspection = {} } = change;
  const asked = { uri: `${relay.url}/auth/introspect`, client: CLIENT, ...introspection };
  const service = await createVerifier(platform, {
    knox: {
      issuer: ISSUER,
      audience: AUDIENCE,
      clock: issuer.clock,
      jwks: {
        uri: `${relay.url}/.well-known/jwks.json`,
        revocations: introspection ? revocations : { uri: relay.url + STREAMED, client: CLIENT, ...revocations },
      },
      ...(introspection && { introspection: asked }),
    },
  });
  const { view } = (service.verifier as any).parts.revocations.stream as { view: RevocationView };
  const heard = () => vi.waitUntil(() => view.isFresh, { timeout: 10_000, interval: 10 }).then(() => undefined);
  return { ...service, view, heard };
}

export const clientAuthorization = (id = CLIENT.id, secret = CLIENT.secret) =>
  `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`;

export interface Listener {
  status: number;
  headers: Headers;
  /** The next frame; undefined when the stream has ended. */
  next(): Promise<{ raw: string; header: Record<string, unknown>; frame: RevocationFrame } | undefined>;
  close(): void;
}

/** A client that hears a stream, as any language could. */
export async function listenTo(
  issuer: TestApp,
  { nonce = randomUUID(), authorization = clientAuthorization() }: { nonce?: string; authorization?: string } = {},
): Promise<Listener> {
  const stop = new AbortController();
  const url = `http://127.0.0.1:${portOf(issuer)}${STREAMED}?nonce=${nonce}`;
  const response = await fetch(url, { headers: { authorization }, signal: stop.signal });
  const chunks = response.body![Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let text = '';
  const next: Listener['next'] = async () => {
    for (;;) {
      const [, event, rest] = /^([\s\S]*?)\n\n([\s\S]*)$/.exec(text) ?? [];
      if (event !== undefined) {
        text = rest!;
        const raw = /^data: (.*)$/m.exec(event)?.[1];
        if (raw === undefined) continue;
        const { header, payload } = decode(raw);
        return { raw, header, frame: payload as unknown as RevocationFrame };
      }
      const { value, done } = await chunks.next();
      if (done) return undefined;
      text += decoder.decode(value as Uint8Array, { stream: true });
    }
  };
  return { status: response.status, headers: response.headers, next, close: () => stop.abort() };
}
