import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { type ClientStorage, createJwtKnoxClient, type JwtKnoxClient } from '../../lib/client/index.mjs';
import { CookieTransport, type JwtKnoxOptions } from '../../lib';
import { BrowserLike } from './browser-like';
import type { TestApp } from './create-app';

export type Mode = 'cookie' | 'bearer';

/** How the client is used: both modes, where the browser has Web Locks and where it has none. */
export const USES = (['cookie', 'bearer'] as const).flatMap((mode) =>
  [true, false].map((hasLocks) => ({ mode, hasLocks, title: `${mode}, ${hasLocks ? 'Web Locks' : 'no Web Locks'}` })),
);

export const transportFor = (mode: Mode): JwtKnoxOptions =>
  mode === 'cookie' ? { transport: new CookieTransport() } : {};

/** What `localStorage` is to the tabs of a browser. */
export class SharedStorage implements ClientStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);

  /** What the client keeps here. */
  get state(): Record<string, unknown> {
    const [text = '{}'] = Array.from(this.items).flatMap(([key, value]) => (key.endsWith(':lock') ? [] : [value]));
    return JSON.parse(text);
  }
}

/** As `navigator.locks` of a browser: one holder of a name at a time, the others wait their turn. */
export function webLocks() {
  const last = new Map<string, Promise<unknown>>();
  const held = new Set<string>();
  return {
    request<T>(name: string, work: () => Promise<T>): Promise<T> {
      const hold = () => {
        held.add(name);
        return work().finally(() => held.delete(name));
      };
      const turn = (last.get(name) ?? Promise.resolve()).then(hold);
      last.set(name, turn.catch(() => undefined)); // prettier-ignore
      return turn;
    },
    query: async () => ({ held: Array.from(held, (name) => ({ name })) }),
  };
}

/** A browser's `fetch`: its headers, and its one jar of cookies. */
export function fetchOf(browser: BrowserLike): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    const body = await request.text();
    const headers = Object.fromEntries(request.headers);
    const answer = await browser.send(request.method, pathname + search, { headers, ...(body && { body }) });
    const { status } = answer;
    const sent = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string]);
    return new Response(status === 204 ? null : answer.text, { status, headers: sent });
  };
}

/** What lies between the tabs and the server, and misbehaves as it is told. */
export class Network {
  /** Requests for `POST refresh` that came. */
  refreshes = 0;
  /** Whether the answer to the n-th of them gets lost: the server has done its work. */
  loses: (refresh: number) => boolean = () => false;
  /** Whether of a lost answer the head arrives, and half of the body. */
  cuts: (refresh: number) => boolean = () => false;
  /** The `Idempotency-Key` of each of those requests; undefined where there was none. */
  readonly keys: (string | undefined)[] = [];
  /** What a gateway answers in place of the server to a refresh. */
  refuses: { status: number; headers?: Record<string, string>; body?: unknown } | undefined;

  /** Whether it has done so. */
  hasRefused = false;

  /** To be given to `createApp` as `prepare`. */
  readonly prepare = (app: INestApplication) =>
    void app.use((request: any, response: any, next: () => void) => {
      if (request.method !== 'POST' || request.originalUrl !== '/auth/refresh') return next();
      this.refreshes++;
      this.keys.push(request.headers['idempotency-key']);
      if (this.refuses) {
        this.hasRefused = true;
        response.writeHead(this.refuses.status, { 'content-type': 'application/json', ...this.refuses.headers });
        return response.end(JSON.stringify(this.refuses.body ?? {}));
      }
      if (this.loses(this.refreshes)) {
        const isCut = this.cuts(this.refreshes);
        response.end = (body: string | Buffer) => {
          if (!isCut) return request.socket.destroy();
          response.write(body.slice(0, body.length / 2), () => request.socket.destroy());
        };
      }
      next();
    });
}

export interface Browser {
  storage: SharedStorage;
  /** Its `fetch`; with `mode: 'cookie'` it has the cookies. */
  fetch: typeof fetch;
  baseUrl: string;
  /** Opens a tab. */
  open(): JwtKnoxClient;
}

/** A browser whose tabs share storage, cookies and locks. */
export function openBrowser({ app, http }: TestApp, { mode, hasLocks }: { mode: Mode; hasLocks: boolean }): Browser {
  const storage = new SharedStorage();
  const navigator = hasLocks ? { locks: webLocks() } : {};
  const origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  const baseUrl = `${mode === 'cookie' ? 'https://app.example.com' : origin}/auth`;
  const browser = { storage, baseUrl, fetch: mode === 'cookie' ? fetchOf(new BrowserLike(http)) : fetch };
  return {
    ...browser,
    open: () => withNavigator(navigator, () => createJwtKnoxClient({ ...browser, mode })),
  };
}

/** Does something as a script of a browser that has this navigator. */
export function withNavigator<T>(navigator: object, work: () => T): T {
  // Node.js has a navigator too, from version 21 on.
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  try {
    return work();
  } finally {
    if (own) Object.defineProperty(globalThis, 'navigator', own);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}
