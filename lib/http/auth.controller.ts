import {
  applyDecorators,
  type CanActivate,
  HttpCode,
  HttpStatus,
  Post,
  Req,
  Res,
  type Type,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { InvalidRequestError } from '../contracts/errors';
import type { Session } from '../contracts/session';
import { TokenTransport } from '../contracts/token-transport';
import { TokenService } from '../tokens/token.service';
import { CurrentSession, Public } from './decorators';
import { DeviceDto, JsonBody, LoginDto } from './dto';
import { JwtKnoxGuard } from './jwt-knox.guard';
import { deviceOf, presenterOf } from './request-of';
import { ErrorHeaders } from './response-headers';
import { TokenResponder } from './token-response';

/**
 * What all controllers of the library share; further guards run after the JwtKnoxGuard. Their path comes with the
 * subclass that the module makes of each.
 */
export const KnoxRoutes = (...guards: Type<CanActivate>[]) =>
  applyDecorators(UseGuards(JwtKnoxGuard, ...guards), UseInterceptors(ErrorHeaders));

/** `POST login` with username and password. */
@KnoxRoutes()
export class LoginController {
  constructor(
    private readonly tokens: TokenService,
    private readonly responder: TokenResponder,
  ) {}

  @Post('login')
  @Public()
  @HttpCode(HttpStatus.OK)
  async login(@JsonBody(LoginDto) body: LoginDto, @Req() request: any, @Res({ passthrough: true }) response: any) {
    const { username, password, device_name: deviceName } = body;
    const tokens = await this.tokens.login({ username, password }, deviceOf(request, deviceName), request);
    return this.responder.answerLogin(tokens, request, response);
  }
}

/** `POST login` behind the host's `loginGuards`, which leave the user in `request.user`. */
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
    const tokens = await this.tokens.issue(request.user, deviceOf(request, body.device_name));
    return this.responder.answerLogin(tokens, request, response);
  }
}

/** How a session is renewed, and the ways it ends. */
@KnoxRoutes()
export class AuthController {
  constructor(
    private readonly tokens: TokenService,
    private readonly transport: TokenTransport,
    private readonly responder: TokenResponder,
  ) {}

  @Post('refresh')
  @Public()
  @HttpCode(HttpStatus.OK)
  async refresh(@Req() request: any, @Res({ passthrough: true }) response: any) {
    const refreshToken = this.transport.readRefresh(request);
    if (refreshToken === null) throw new InvalidRequestError('refresh_token is missing.');
    const tokens = await this.tokens.refresh(refreshToken, presenterOf(request));
    return this.responder.answer(tokens, request, response);
  }

  /** Public to the guard: an expired access token may be replaced by the refresh token of the same session. */
  @Post('logout')
  @Public()
  @HttpCode(HttpStatus.NO_CONTENT)
  async logout(@Req() request: any, @Res({ passthrough: true }) response: any): Promise<void> {
    const accessToken = this.transport.readAccess(request);
    await this.tokens.logout(accessToken, this.transport.readRefresh(request), presenterOf(request));
    this.transport.clear(response);
  }

  @Post('logout-other')
  @HttpCode(HttpStatus.OK)
  async logoutOther(@CurrentSession() session: Session) {
    return { revoked: await this.tokens.revokeOther(session) };
  }

  @Post('logout-all')
  @HttpCode(HttpStatus.OK)
  async logoutAll(@CurrentSession() session: Session, @Res({ passthrough: true }) response: any) {
    const revoked = await this.tokens.revokeAll(session.userId);
    this.transport.clear(response);
    return { revoked };
  }
}
