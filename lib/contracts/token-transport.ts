import type { IssuedTokens } from './issued-tokens';

/** What a route is about to do with the credentials of a request. */
export interface CredentialUse {
  /** Whether it hands tokens out or takes them back, whatever the request carries: login, refresh, logout. */
  readonly wantsTokens: boolean;
  /** Whether it says `@AllowCrossOrigin()`; of a guarded route, looked up for what can change something only. */
  readonly allowsCrossOrigin: boolean;
}

/** What a transport learns of the module that it serves. */
export interface TransportSettings {
  /** The realm of the module; '' for none. */
  readonly realm: string;
  /** Scheme, host and port of the application as clients see them, where the option `publicOrigin` says so. */
  readonly publicOrigins: readonly string[];
}

/** A cookie as `Set-Cookie` has it, without value and lifetime. */
export interface BoundCookie {
  readonly name: string;
  /** Such as `Path=/; HttpOnly; Secure; SameSite=Lax`. */
  readonly attributes: string;
}

/** What documents such as OpenAPI say of a transport. */
export interface TransportDescription {
  /** Whether `Authorization: Bearer` is read. */
  readonly bearer: boolean;
  /** Names of the cookies that are read, as over https; null for none. */
  readonly cookies: { readonly access: string; readonly refresh: string } | null;
  /**
   * The body that answers a login or refresh: the token response, the same without tokens, either of them, or another one
   * that nobody describes.
   */
  readonly body: 'tokens' | 'no-tokens' | 'either' | 'other';
}

/**
 * How credentials travel between client and server: the only code that reads tokens from requests and writes them to
 * responses, headers and body alike. Throw an `InvalidRequestError` for a request with two credentials of one kind.
 * @example
 * class HeaderTransport extends BearerTransport {
 *   override write(response: Response, tokens: IssuedTokens) {
 *     response.header('X-Access-Token', tokens.accessToken);
 *     return { session_id: tokens.session.id };
 *   }
 * }
 */
export abstract class TokenTransport {
  /** Whether {@link admit} wants to know of `@AllowCrossOrigin()`; looked up only then. */
  readonly checksOrigin: boolean = false;

  /** Called once, when the module starts. */
  configure(_settings: TransportSettings): void {}

  /** Override it, so that documents tell of your transport. By default: a bearer token, and a body that is not described. */
  describe(): TransportDescription {
    return { bearer: true, cookies: null, body: 'other' };
  }

  /**
   * Called before a credential of a request is read, or tokens are handed out: may set headers of the answer, and throw to
   * refuse the request. `response` is undefined where there is none, as with a socket.
   */
  admit(_request: any, _response: any, _use: CredentialUse): void {}

  /** Returns the access token as it was sent, or null when the request carries none. */
  abstract readAccess(request: any): string | null;
  /** Returns the refresh token as it was sent, or null when the request carries none. */
  abstract readRefresh(request: any): string | null;
  /** The refresh token by which a request whose access token is missing or expired may go on; null for none. */
  readRenewal(_request: any): string | null {
    return null;
  }
  /** The refresh token of the session that a login takes the place of, once it has succeeded; null for none. */
  readReplaced(_request: any): string | null {
    return null;
  }
  /**
   * The cookie that carries the access token of this request's answers, where browsers keep it over https only; null for
   * none. A session that is bound to its device by DBSC rests on it.
   */
  boundCookie(_request: any): BoundCookie | null {
    return null;
  }
  /**
   * Called when a request is refused that may be accepted the next time: may have the browser ask once more.
   * @param _why `no_token`: it carries none, where a reload could; `not_bound`: its session must be bound to its device, and
   *   may be in a moment
   */
  askAgain(_response: any, _request: any, _why: 'no_token' | 'not_bound'): void {}
  /**
   * Called before the response to a login or refresh: sets headers and cookies, and returns the whole JSON body. No token
   * reaches the body in another way.
   */
  abstract write(response: any, tokens: IssuedTokens, request: any): object | Promise<object>;
  /**
   * Called before the response to what ends the request's own session (`logout`, `logout-all`, `DELETE sessions/:id` and,
   * of an administrator, `DELETE admin/sessions`), and when `refresh` or `logout` refuses the tokens it was
   * sent as good for nothing: expires cookies.
   */
  abstract clear(response: any, request: any): void | Promise<void>;
}

/** What a transport read: a cookie that is not there is undefined in many hosts. */
export function tokenOrNull(read: string | null | undefined): string | null {
  return read ?? null;
}
