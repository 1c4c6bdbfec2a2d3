import type { IssuedTokens } from './issued-tokens';

/**
 * How credentials travel between client and server. The only code that reads tokens from requests or writes them to
 * responses. A request with two credentials of one kind is refused with an `InvalidRequestError`.
 */
export abstract class TokenTransport {
  /** The access token as it was sent, or null when the request carries none. */
  abstract readAccess(request: any): string | null;
  /** The refresh token as it was sent, or null when the request carries none. */
  abstract readRefresh(request: any): string | null;
  /** Called before the answer to a login or refresh. */
  abstract write(response: any, tokens: IssuedTokens): void;
  /** Called before the answer to a logout. */
  abstract clear(response: any): void;
}
