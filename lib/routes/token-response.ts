import { Inject, Injectable } from '@nestjs/common';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { TokenTransport } from '../contracts/token-transport';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { TokenService } from '../sessions/token.service';
import { setHeader } from '../guard/error-headers.interceptor';

/** The token response of RFC 6749 section 5.1; lifetimes in seconds. */
export interface TokenResponseBody {
  token_type: 'Bearer';
  access_token: string;
  expires_in: number;
  refresh_token?: string;
  refresh_expires_in?: number;
  session_id: string;
}

export function tokenResponseBody(tokens: IssuedTokens): TokenResponseBody {
  return {
    token_type: 'Bearer',
    access_token: tokens.accessToken,
    expires_in: tokens.expiresIn,
    ...(tokens.refreshToken !== undefined && {
      refresh_token: tokens.refreshToken,
      refresh_expires_in: tokens.refreshExpiresIn,
    }),
    session_id: tokens.session.id,
  };
}

/** Answers a login or refresh: through the transport, never cached, in the host's shape where it has one. */
@Injectable()
export class TokenResponder {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly transport: TokenTransport,
    private readonly service: TokenService,
  ) {}

  /** Answers a login; a session whose tokens could not be handed over is ended again. */
  async answerLogin(tokens: IssuedTokens, request: unknown, response: unknown): Promise<unknown> {
    try {
      return await this.answer(tokens, request, response);
    } catch (error) {
      await this.service.revoke(tokens.session.id).catch(() => undefined);
      throw error;
    }
  }

  async answer(tokens: IssuedTokens, request: unknown, response: unknown): Promise<unknown> {
    setHeader(response, 'Pragma', 'no-cache');
    this.transport.write(response, tokens);
    return this.options.tokenResponse
      ? this.options.tokenResponse(tokens, tokens.user, request)
      : tokenResponseBody(tokens);
  }
}
