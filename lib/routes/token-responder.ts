import { Injectable } from '@nestjs/common';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { TokenTransport } from '../contracts/token-transport';
import { setHeader } from '../guard/error-headers.interceptor';
import { TokenService } from '../sessions/token.service';

/** Answers a login or refresh as the transport writes it. */
@Injectable()
export class TokenResponder {
  constructor(
    private readonly transport: TokenTransport,
    private readonly service: TokenService,
  ) {}

  /** Answers a login; a session whose tokens could not be handed over is ended again. */
  async answerLogin(tokens: IssuedTokens, request: unknown, response: unknown): Promise<object> {
    try {
      return await this.answer(tokens, request, response);
    } catch (error) {
      await this.service.revoke(tokens.session.id).catch(() => undefined);
      throw error;
    }
  }

  async answer(tokens: IssuedTokens, request: unknown, response: unknown): Promise<object> {
    setHeader(response, 'Pragma', 'no-cache');
    const body: unknown = await this.transport.write(response, tokens, request);
    if (typeof body === 'object' && body !== null) return body;
    throw new TypeError('TokenTransport.write must return the body of the response, an object; return {} for none.');
  }
}
