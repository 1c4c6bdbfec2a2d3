import type { IssuedTokens } from './issued-tokens';

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
  /** Returns the access token as it was sent, or null when the request carries none. */
  abstract readAccess(request: any): string | null;
  /** Returns the refresh token as it was sent, or null when the request carries none. */
  abstract readRefresh(request: any): string | null;
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
