import type { IssuedTokens } from '../contracts/issued-tokens';

/** The token response of RFC 6749 section 5.1; lifetimes in seconds. */
export interface TokenResponseBody {
  /** `DPoP`: the tokens are bound to the key of the proof that they were asked for with (RFC 9449 section 5). */
  token_type: 'Bearer' | 'DPoP';
  access_token: string;
  expires_in: number;
  refresh_token?: string;
  refresh_expires_in?: number;
  session_id: string;
}

/**
 * Returns the token response of RFC 6749 section 5.1, for controllers of your own.
 * @example
 * return tokenResponseBody(await this.tokens.issue(user));
 */
export function tokenResponseBody(tokens: IssuedTokens): TokenResponseBody {
  return {
    token_type: tokens.tokenType,
    access_token: tokens.accessToken,
    expires_in: tokens.expiresIn,
    ...(tokens.refreshToken !== undefined && {
      refresh_token: tokens.refreshToken,
      refresh_expires_in: tokens.refreshExpiresIn,
    }),
    session_id: tokens.session.id,
  };
}
