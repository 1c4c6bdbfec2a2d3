/**
 * Where the client keeps what it has to remember: `localStorage`, `sessionStorage`, React Native's `AsyncStorage`, or
 * your own. Methods may return promises.
 */
export interface ClientStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

/** What {@link createJwtKnoxClient} needs to know. */
export interface JwtKnoxClientOptions {
  /**
   * URL of the library's routes: `/auth`, `/api/auth` or `https://api.example.com/auth`. Outside of a page it must be
   * absolute. All tabs use the same one.
   */
  baseUrl: string;
  /**
   * `cookie`: the server has a `CookieTransport`; no token is within reach of a script. `bearer`: the client keeps the
   * tokens and sends them in the `Authorization` header.
   */
  mode: 'cookie' | 'bearer';
  /**
   * What all tabs share. In mode `cookie` it holds no token, only the `Idempotency-Key` of a refresh under way.
   * @default `localStorage` in mode `cookie`; memory in mode `bearer`
   */
  storage?: ClientStorage | undefined;
  /** Sends the requests. @default the global `fetch` */
  fetch?: typeof globalThis.fetch | undefined;
}

/** Body of a login. Login guards of your application may read further members. */
export interface LoginCredentials {
  username?: string | undefined;
  password?: string | undefined;
  /** A name for the device, in the list of sessions. */
  device_name?: string | undefined;
  /** `false`: the session ends after `session.shortIdleTimeout` without a refresh. */
  remember?: boolean | undefined;
  [member: string]: unknown;
}

/** A session of the user. Times are ISO 8601 in UTC. */
export interface ClientSession {
  id: string;
  device_name: string | null;
  user_agent: string | null;
  ip_address: string | null;
  last_user_agent: string | null;
  last_ip_address: string | null;
  created_at: string;
  authenticated_at: string;
  last_used_at: string;
  expires_at: string;
  /** Whether it is the session of this client. */
  current: boolean;
}

/** Which sessions to list: the newest `limit` (1 to 100) of those created before a time. */
export interface SessionsQuery {
  limit?: number | undefined;
  before?: string | undefined;
  before_id?: string | undefined;
}

/**
 * A client of the library's routes, and a `fetch` for your own. Methods reject with {@link JwtKnoxClientError} when the
 * server refuses, and with what `fetch` rejects with when there is no answer.
 */
export interface JwtKnoxClient {
  /** Logs in, and resolves to the id of the session. */
  login(credentials: LoginCredentials): Promise<string>;
  /** Ends the session, in all tabs. Resolves too when it had ended already. */
  logout(): Promise<void>;
  /**
   * Proves the password again, for what wants a fresh login (`insufficient_user_authentication`). The session has new tokens
   * then, in all tabs.
   */
  reauthenticate(password: string): Promise<void>;
  /** Ends all other sessions of the user, and resolves to their number. */
  logoutOther(): Promise<number>;
  /** Ends all sessions of the user, this one too, and resolves to their number. */
  logoutAll(): Promise<number>;
  /** The present session; null when nobody is logged in. */
  session(): Promise<ClientSession | null>;
  /** The sessions of the user, newest first. */
  sessions(query?: SessionsQuery): Promise<ClientSession[]>;
  /** Ends one session of the user. */
  revoke(sessionId: string): Promise<void>;
  /**
   * `fetch` as the user who is logged in. Relative URLs are resolved against `baseUrl`; requests to other origins, or with
   * an `Authorization` header of their own, are sent as they are. When the access token has expired, it is refreshed once
   * for all requests of all tabs, and the request is repeated, unless its body is a stream. A refresh that the server
   * cannot answer now (503 with `Retry-After`) is the answer.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /**
   * Calls back with the id of the session, or null when nobody is logged in: as soon as that is known, and whenever
   * somebody logs in or out, in this tab or another one. Call `session()` to ask the server.
   * @returns what ends that
   */
  onChange(listener: (sessionId: string | null) => void): () => void;
}
