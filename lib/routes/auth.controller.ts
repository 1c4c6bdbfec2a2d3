import { HttpCode, HttpStatus, Post, Req, Res, UseGuards, UseInterceptors } from '@nestjs/common';
import {
  InvalidRefreshTokenError,
  InvalidRequestError,
  RefreshTokenExpiredError,
  RefreshTokenReusedError,
} from '../contracts/errors';
import type { Session } from '../contracts/session';
import { TokenTransport } from '../contracts/token-transport';
import { SessionRevoker } from '../sessions/session-revoker';
import { TokenService } from '../sessions/token.service';
import { actorOf, deadlineOf } from '../guard/authenticated-request';
import { CurrentSession, Public } from '../guard/decorators';
import { JsonBody, resourceOf } from '../guard/request-body';
import { DeviceDto, LoginDto } from './dto';
import { JwtKnoxRoute } from './knox-routes';
import { idempotencyKeyOf } from './idempotency-header';
import { arrivalOf } from './login-arrival.guard';
import { deviceOf, presenterOf } from '../guard/request-context';
import { ErrorHeaders, LoginChallenge, NoStoreGuard } from '../guard/error-headers.interceptor';
import { TokenResponder } from './token-responder';

/** After which a refresh token is good for nothing. */
const REFUSALS = [InvalidRefreshTokenError, RefreshTokenExpiredError, RefreshTokenReusedError];

/** `POST login` with username and password. */
@JwtKnoxRoute()
export class LoginController {
  constructor(
    private readonly tokens: TokenService,
    private readonly responder: TokenResponder,
  ) {}

  @Post('login')
  @Public()
  @HttpCode(HttpStatus.OK)
  async login(@JsonBody(LoginDto) body: LoginDto, @Req() request: any, @Res({ passthrough: true }) response: any) {
    const { username, password, device_name: deviceName, remember } = body;
    const device = deviceOf(request, deviceName);
    const tokens = await this.tokens.login({ username, password }, device, request, { remember });
    return this.responder.answerLogin(tokens, request, response);
  }
}

/** `POST login` behind the host's `loginGuards`, which leave the user in `request.user`. */
@UseGuards(NoStoreGuard, LoginChallenge)
@UseInterceptors(ErrorHeaders)
export class GuardedLoginController {
  constructor(
    private readonly tokens: TokenService,
    private readonly responder: TokenResponder,
  ) {}

  @Post('login')
  @Public()
  @HttpCode(HttpStatus.OK)
  async login(@JsonBody(DeviceDto) body: DeviceDto, @Req() request: any, @Res({ passthrough: true }) response: any) {
    const { device_name: deviceName, remember } = body;
    const overrides = { arrival: arrivalOf(request), remember };
    const tokens = await this.tokens.issue(request.user, deviceOf(request, deviceName), overrides);
    return this.responder.answerLogin(tokens, request, response);
  }
}

/** How a session is renewed, and the ways it ends. */
@JwtKnoxRoute()
export class AuthController {
  constructor(
    private readonly tokens: TokenService,
    private readonly transport: TokenTransport,
    private readonly responder: TokenResponder,
    private readonly revoker: SessionRevoker,
    private readonly errorHeaders: ErrorHeaders,
  ) {}

  @Post('refresh')
  @Public()
  @HttpCode(HttpStatus.OK)
  async refresh(@Req() request: any, @Res({ passthrough: true }) response: any) {
    const refreshToken = this.transport.readRefresh(request);
    if (refreshToken === null) throw new InvalidRequestError('refresh_token is missing.');
    const options = { idempotencyKey: idempotencyKeyOf(request), resource: resourceOf(request) };
    const tokens = await this.clearIfRefused(request, response, () =>
      this.tokens.refresh(refreshToken, presenterOf(request), options),
    );
    return this.responder.answer(tokens, request, response);
  }

  /** Public to the guard: an expired access token may be replaced by the refresh token of the same session. */
  @Post('logout')
  @Public()
  @HttpCode(HttpStatus.NO_CONTENT)
  async logout(@Req() request: any, @Res({ passthrough: true }) response: any): Promise<void> {
    const accessToken = this.readAccess(request, response);
    const refreshToken = this.transport.readRefresh(request);
    await this.clearIfRefused(request, response, () =>
      this.tokens.logout(accessToken, refreshToken, presenterOf(request)),
    );
    this.transport.clear(response, request);
  }

  @Post('logout-other')
  @HttpCode(HttpStatus.OK)
  async logoutOther(@CurrentSession() session: Session, @Req() request: any) {
    const ending = { reason: 'logout_other', actor: actorOf(session), deadline: deadlineOf(request) } as const;
    return { revoked: await this.revoker.other(session, ending) };
  }

  @Post('logout-all')
  @HttpCode(HttpStatus.OK)
  async logoutAll(@CurrentSession() session: Session, @Req() request: any, @Res({ passthrough: true }) response: any) {
    const ending = { reason: 'logout_all', actor: actorOf(session), deadline: deadlineOf(request) } as const;
    const revoked = await this.revoker.all(session.userId, ending);
    this.transport.clear(response, request);
    return { revoked };
  }

  /** A client that keeps sending a refresh token which was refused for good gets rid of it, where the transport can. */
  private async clearIfRefused<T>(request: unknown, response: unknown, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (REFUSALS.some((refusal) => error instanceof refusal)) this.transport.clear(response, request);
      throw error;
    }
  }

  private readAccess(request: unknown, response: unknown): string | null {
    try {
      return this.transport.readAccess(request);
    } catch (error) {
      this.errorHeaders.setForToken(response, error);
      throw error;
    }
  }
}
