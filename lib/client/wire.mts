import { scope } from './shared-state.mjs';
import type { JwtKnoxClientOptions } from './types.mjs';

/** Milliseconds until an answer counts as lost. */
const TIMEOUT = 10_000;

export interface Posted {
  json?: unknown;
  headers?: Record<string, string>;
}

/** Requests to the library's routes, and where they are. */
export interface Wire {
  readonly isBearer: boolean;
  /** Sends as it is told. */
  send(input: URL | Request, init: RequestInit): Promise<Response>;
  /** Sends with the cookies, in mode `cookie`. */
  sendAsUser(input: URL | Request, init: RequestInit): Promise<Response>;
  post(path: string, content?: Posted): Promise<Response>;
  /** Below `baseUrl`, or relative to it. */
  url(path: string): URL;
}

export function wireOf({ baseUrl, mode, fetch }: JwtKnoxClientOptions): Wire {
  const isBearer = mode === 'bearer';
  // Looked up late: pages are rendered on servers too, where a relative `baseUrl` leads nowhere.
  const url = (path: string) => new URL(path, new URL(`${baseUrl.replace(/\/+$/, '')}/`, scope.location?.origin));
  const send = (input: URL | Request, init: RequestInit) => (fetch ?? globalThis.fetch)(input, init);
  const sendAsUser: Wire['send'] = (input, init) => send(input, isBearer ? init : { ...init, credentials: 'include' });
  return {
    isBearer,
    send,
    sendAsUser,
    url,
    post: (path, { json, headers } = {}) =>
      sendAsUser(url(path), {
        method: 'POST',
        // Without a body no content type: servers refuse JSON that is empty.
        ...(json === undefined
          ? { headers: { ...headers } }
          : { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(json) }),
        signal: AbortSignal.timeout?.(TIMEOUT),
      }),
  };
}
