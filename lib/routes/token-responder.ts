import { Injectable, Optional } from '@nestjs/common';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { UnauthorizedError } from '../contracts/errors';
import { LoginOffer } from '../contracts/login-offer';
import { tokenOrNull, TokenTransport } from '../contracts/token-transport';
import { setHeader } from '../guard/error-headers.interceptor';
import { presenterOf } from '../guard/request-context';
import { TokenService } from '../sessions/token.service';

/** Answers a login or refresh as the transport writes it. */
@Injectable()
export class TokenResponder {
  constructor(
    private readonly transport: TokenTransport,
    private readonly service: TokenService,
    @Optional() private readonly loginOffer?: LoginOffer,
  ) {}

  /** Answers a login; a session whose tokens could not be handed over is ended again. */
  async answerLogin(tokens: IssuedTokens, request: unknown, response: unknown): Promise<object> {
    try {
      const replaced = tokenOrNull(this.transport.readReplaced(request));
      // First: once the new cookies are set, nobody holds the tokens of the session before.
      if (replaced !== null) await this.endReplaced(replaced, request);
      const body = await this.answer(tokens, request, response);
      this.loginOffer?.offer(request, response, tokens);
      return body;
    } catch (error) {
      await this.service.revoke(tokens.session.id).catch(() => undefined);
      throw error;
    }
  }

  /** In one browser a login takes the place of the one before; if that has ended already, all the better. */
  private async endReplaced(refreshToken: string, request: unknown): Promise<void> {
    await this.service.logout(null, refreshToken, presenterOf(request)).catch((error: unknown) => {
      if (!(error instanceof UnauthorizedError)) throw error;
    });
  }

  async answer(tokens: IssuedTokens, request: unknown, response: unknown): Promise<object> {
    setHeader(response, 'Pragma', 'no-cache');
    const body: unknown = await this.transport.write(response, tokens, request);
    if (typeof body === 'object' && body !== null) return body;
    throw new TypeError('TokenTransport.write must return the body of the response, an object; return {} for none.');
  }
}
