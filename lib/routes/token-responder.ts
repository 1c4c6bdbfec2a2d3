import { Injectable } from '@nestjs/common';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Session } from '../contracts/session';
import { UnauthorizedError } from '../contracts/errors';
import { tokenOrNull, TokenTransport } from '../contracts/token-transport';
import { offerNonce, setHeader } from '../guard/error-headers.interceptor';
import { presenterOf } from '../guard/request-context';
import { DeviceCheck } from '../sessions/device-check';
import { Logouts } from '../sessions/logouts';
import { TokenService } from '../sessions/token.service';

/** Answers a login or refresh as the transport writes it. */
@Injectable()
export class TokenResponder {
  constructor(
    private readonly transport: TokenTransport,
    private readonly service: TokenService,
    private readonly logouts: Logouts,
    private readonly devices: DeviceCheck,
  ) {}

  /** Answers a login; a session whose tokens could not be handed over is ended again. */
  async answerLogin(tokens: IssuedTokens, request: unknown, response: unknown): Promise<object> {
    try {
      const replaced = tokenOrNull(this.transport.readReplaced(request));
      // First: once the new cookies are set, nobody holds the tokens of the session before.
      if (replaced !== null) await this.endReplaced(replaced, tokens.session, request);
      this.devices.loginAnswered(tokens.session, request, response);
      return await this.answer(tokens, request, response);
    } catch (error) {
      await this.service.revoke(tokens.session.id).catch(() => undefined);
      throw error;
    }
  }

  /** In one browser a login takes the place of the one before; if that has ended already, all the better. */
  private async endReplaced(refreshToken: string, by: Session, request: unknown): Promise<void> {
    await this.logouts.replace(refreshToken, by, presenterOf(request)).catch((error: unknown) => {
      if (!(error instanceof UnauthorizedError)) throw error;
    });
  }

  async answer(tokens: IssuedTokens, request: unknown, response: unknown): Promise<object> {
    setHeader(response, 'Pragma', 'no-cache');
    offerNonce(response, request);
    const body: unknown = await this.transport.write(response, tokens, request);
    if (typeof body === 'object' && body !== null) return body;
    throw new TypeError('TokenTransport.write must return the body of the response, an object; return {} for none.');
  }
}
