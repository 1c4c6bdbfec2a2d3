import { type DpopKeyPair, type DpopKeyStore, indexedKeys, memoryKeys } from './key-store.mjs';

export type { DpopKeyPair, DpopKeyStore } from './key-store.mjs';

/** What {@link dpopFetch} needs to know. */
export interface DpopFetchOptions {
  /** That of the client: URL of the library's routes. Outside of a page it must be absolute. */
  baseUrl: string;
  /** Where the key pair is kept. @default IndexedDB, which all tabs and workers share; memory where there is none */
  keys?: DpopKeyStore | undefined;
  /** Sends the requests. @default the global `fetch` */
  fetch?: typeof globalThis.fetch | undefined;
}

/** A key pair, and its public half as proofs show it. */
interface Device {
  readonly pair: DpopKeyPair;
  readonly jwk: object;
  readonly thumbprint: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
/** Milliseconds between this clock and the server's that are nobody's concern. */
const SLACK = 20_000;

const bytes = (text: string) => new TextEncoder().encode(text);
const base64url = (data: ArrayBuffer | Uint8Array) =>
  btoa(String.fromCharCode(...new Uint8Array(data))).replace(/[+/=]/g, (one) => ({ '+': '-', '/': '_' })[one] ?? '');
const digest = async (text: string) => base64url(await crypto.subtle.digest('SHA-256', bytes(text)));
const encoded = (value: object) => base64url(bytes(JSON.stringify(value)));

/** Thumbprint of the key that a token is bound to; undefined for none. */
function boundTo(token: string): unknown {
  try {
    return JSON.parse(atob(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'))).cnf?.jkt;
  } catch {
    return undefined;
  }
}

async function deviceIn(keys: DpopKeyStore, name: string): Promise<Device> {
  const pair =
    (await keys.read(name)) ??
    (await keys.keep(name, await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])));
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { pair, jwk: { crv, kty, x, y }, thumbprint: await digest(JSON.stringify({ crv, kty, x, y })) };
}

const pageOrigin = () => (globalThis as { location?: { origin: string } }).location?.origin;
const isStream = (body: any): boolean => !!body && !!(body.getReader || body[Symbol.asyncIterator]);

/** Signs proofs, and learns from answers what the next one needs. */
class Prover {
  readonly #nonces = new Map<string, string>();
  #device: Promise<Device> | undefined;
  /** How far the server's clock is ahead of this one, in milliseconds. */
  #ahead = 0;

  constructor(
    private readonly keys: DpopKeyStore,
    /** Asked for late, as the key is. */
    private readonly name: () => string,
  ) {}

  /** Asked for late: pages are rendered on servers too. */
  device(): Promise<Device> {
    this.#device ??= deviceIn(this.keys, this.name()).catch((error: unknown) => {
      this.#device = undefined;
      throw error;
    });
    return this.#device;
  }

  async proof(method: string, { origin, pathname }: URL, token?: string): Promise<string> {
    const { pair, jwk } = await this.device();
    const header = encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk });
    const claims = encoded({
      jti: base64url(crypto.getRandomValues(new Uint8Array(16))),
      htm: method,
      htu: origin + pathname,
      iat: Math.floor((Date.now() + this.#ahead) / 1_000),
      ...(token && { ath: await digest(token) }),
      ...(this.#nonces.has(origin) && { nonce: this.#nonces.get(origin) }),
    });
    const data = bytes(`${header}.${claims}`);
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, data);
    return `${header}.${claims}.${base64url(signature)}`;
  }

  /** Whether another proof would be better: with the nonce of this answer, or by the clock of the server. */
  async learn(response: Response, { origin }: URL): Promise<boolean> {
    const { status, headers } = response;
    const nonce = headers.get('dpop-nonce');
    if (nonce) this.#nonces.set(origin, nonce);
    if (status !== 401) return false;
    const why = `${headers.get('www-authenticate') ?? ''} ${await response.clone().text()}`;
    if (nonce && why.includes('use_dpop_nonce')) return true;
    const difference = Date.parse(headers.get('date') ?? '') - Date.now();
    if (!why.includes('invalid_dpop_proof') || !(Math.abs(difference - this.#ahead) > SLACK)) return false;
    this.#ahead = difference;
    return true;
  }
}

/**
 * A `fetch` for the client that proves with each request to be on the device of the session (DPoP, RFC 9449): by a key that no
 * script can read. Sessions are bound where the server has `deviceBinding()`; elsewhere nothing changes.
 * @example
 * const baseUrl = 'https://api.example.com/auth';
 * const client = createJwtKnoxClient({ baseUrl, mode: 'bearer', fetch: dpopFetch({ baseUrl }) });
 */
export function dpopFetch({ baseUrl, keys, fetch: given }: DpopFetchOptions): typeof globalThis.fetch {
  const base = () => new URL(`${baseUrl.replace(/\/+$/, '')}/`, pageOrigin()).href;
  // The same key however a tab and a worker spell the address.
  const prover = new Prover(keys ?? indexedKeys() ?? memoryKeys(), () => `dpop:${base()}`);
  const send: typeof globalThis.fetch = (input, init) => (given ?? globalThis.fetch)(input, init);

  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(request?.url ?? String(input), pageOrigin());
    const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
    const headers = new Headers(init.headers ?? request?.headers);
    const [, token] = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '') ?? [];
    // What asks for tokens, and what carries those that are bound to this key; nothing else learns of it.
    const asks = !headers.has('authorization') && method === 'POST' && url.href.startsWith(base());
    const jkt = token && boundTo(token);
    if (!asks && (!jkt || jkt !== (await prover.device()).thumbprint)) return send(input, init);

    const prove = async () => {
      if (token) headers.set('authorization', `DPoP ${token}`);
      headers.set('dpop', await prover.proof(method, url, token));
    };
    await prove();
    // A copy, or there would be no body left to repeat.
    const response = await send(request?.clone() ?? input, { ...init, headers });
    if (!(await prover.learn(response, url)) || isStream(init.body)) return response;
    await prove();
    const again = await send(input, { ...init, headers });
    await prover.learn(again, url);
    return again;
  };
}
