import { HttpCode, HttpStatus, Post, Req, Res } from '@nestjs/common';
import {
  InvalidRefreshTokenError,
  InvalidRequestError,
  InvalidTokenError,
  RefreshTokenExpiredError,
  RefreshTokenReusedError,
} from '../contracts/errors';
import { tokenOrNull, TokenTransport } from '../contracts/token-transport';
import { TokenService } from '../sessions/token.service';
import { Public } from '../guard/decorators';
import { ErrorHeaders } from '../guard/error-headers.interceptor';
import { OriginGuard } from '../guard/origin.guard';
import { resourceOf } from '../guard/request-body';
import { presenterOf } from '../guard/request-context';
import { RequirePerson } from '../guard/route-rights';
import { idempotencyKeyOf } from './idempotency-header';
import { JwtKnoxRoute } from './knox-routes';
import { OwnSessions } from './own-sessions';
import { TokenResponder } from './token-responder';

/** After which a refresh token is good for nothing. */
export const REFUSALS = [InvalidRefreshTokenError, RefreshTokenExpiredError, RefreshTokenReusedError];

/**
 * A client that keeps sending a token which was refused for good gets rid of it, where the transport can.
 * @param refusals the errors that say so
 */
async function clearIfRefused<T>(
  transport: TokenTransport,
  { request, response }: { request: unknown; response: unknown },
  work: () => Promise<T>,
  refusals: readonly (abstract new (...args: never[]) => Error)[] = REFUSALS,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) await transport.clear(response, request);
    throw error;
  }
}

/** `POST refresh`. */
@JwtKnoxRoute(OriginGuard)
export class RefreshController {
  constructor(
    private readonly tokens: TokenService,
    private readonly transport: TokenTransport,
    private readonly responder: TokenResponder,
  ) {}

  @Post('refresh')
  @Public()
  @HttpCode(HttpStatus.OK)
  async refresh(@Req() request: unknown, @Res({ passthrough: true }) response: unknown): Promise<object> {
    const refreshToken = tokenOrNull(this.transport.readRefresh(request));
    if (refreshToken === null) throw new InvalidRequestError('refresh_token is missing.');
    const options = { idempotencyKey: idempotencyKeyOf(request), resource: resourceOf(request) };
    const tokens = await clearIfRefused(this.transport, { request, response }, () =>
      this.tokens.refresh(refreshToken, presenterOf(request), options),
    );
    return this.responder.answer(tokens, request, response);
  }
}

/** `POST logout`. */
@JwtKnoxRoute(OriginGuard)
export class LogoutController {
  constructor(
    private readonly tokens: TokenService,
    private readonly transport: TokenTransport,
    private readonly errorHeaders: ErrorHeaders,
  ) {}

  /** Public to the guard: an expired access token may be replaced by the refresh token of the same session. */
  @Post('logout')
  @Public()
  @HttpCode(HttpStatus.NO_CONTENT)
  async logout(@Req() request: unknown, @Res({ passthrough: true }) response: unknown): Promise<void> {
    const accessToken = this.readAccess(request, response);
    const refreshToken = tokenOrNull(this.transport.readRefresh(request));
    const logout = () => this.tokens.logout(accessToken, refreshToken, presenterOf(request));
    // Whoever wants to be logged out has no use for the tokens of a session that has ended already.
    await clearIfRefused(this.transport, { request, response }, logout, [InvalidTokenError, ...REFUSALS]);
    await this.transport.clear(response, request);
  }

  private readAccess(request: unknown, response: unknown): string | null {
    try {
      return tokenOrNull(this.transport.readAccess(request));
    } catch (error) {
      this.errorHeaders.setForToken(response, error, request);
      throw error;
    }
  }
}

/** The ways in which a session ends others of its user. */
@RequirePerson()
@JwtKnoxRoute()
export class LogoutOthersController {
  constructor(private readonly own: OwnSessions) {}

  @Post('logout-other')
  @HttpCode(HttpStatus.OK)
  async logoutOther(@Req() request: unknown) {
    const revoked = await this.own.endOthers(request);
    const remaining = await this.own.countPrograms(request);
    return { revoked, ...(remaining !== null && { tokens_remaining: remaining }) };
  }

  @Post('logout-all')
  @HttpCode(HttpStatus.OK)
  async logoutAll(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    return { revoked: await this.own.endAll(request, response) };
  }
}
