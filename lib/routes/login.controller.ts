import { HttpCode, HttpStatus, Inject, Injectable, Post, Req, Res, UseGuards, UseInterceptors } from '@nestjs/common';
import type { Device } from '../contracts/device';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { Logins } from '../sessions/logins';
import { Public } from '../guard/decorators';
import { ErrorHeaders, HostChallenge, NoStoreGuard } from '../guard/error-headers.interceptor';
import { jsonBodyOf } from '../guard/request-body';
import { loginBodyOf } from './login-body';
import { deviceOf } from '../guard/request-context';
import { DeviceDto } from './dto';
import { JwtKnoxRoute } from './knox-routes';
import { OriginGuard } from '../guard/origin.guard';
import { arrivalOf } from './login-arrival.guard';
import { TokenResponder } from './token-responder';

/** What both ways to log in share. */
@Injectable()
abstract class LoginRoute {
  constructor(
    protected readonly logins: Logins,
    private readonly responder: TokenResponder,
  ) {}

  protected async answer(
    request: unknown,
    response: unknown,
    deviceName: string | undefined,
    start: (device: Device) => Promise<IssuedTokens>,
  ): Promise<object> {
    return this.responder.answerLogin(await start(deviceOf(request, deviceName)), request, response);
  }
}

/** `POST login` with username and password. */
@JwtKnoxRoute(OriginGuard)
export class LoginController extends LoginRoute {
  constructor(
    logins: Logins,
    responder: TokenResponder,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    super(logins, responder);
  }

  @Post('login')
  @Public()
  @HttpCode(HttpStatus.OK)
  async login(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    const body = loginBodyOf(request, this.options.routes.usernameField);
    const { username, password, device_name: deviceName, remember } = body;
    return this.answer(request, response, deviceName, (device) =>
      this.logins.login({ username, password }, device, request, { remember }),
    );
  }
}

/** `POST login` behind the host's `loginGuards`, which leave the user in `request.user`. */
@UseGuards(NoStoreGuard, OriginGuard, HostChallenge)
@UseInterceptors(ErrorHeaders)
export class GuardedLoginController extends LoginRoute {
  @Post('login')
  @Public()
  @HttpCode(HttpStatus.OK)
  async login(@Req() request: Pick<JwtKnoxRequest, 'user'>, @Res({ passthrough: true }) response: unknown) {
    const { device_name: deviceName, remember } = jsonBodyOf(request, DeviceDto);
    const overrides = { arrival: arrivalOf(request), remember };
    return this.answer(request, response, deviceName, (device) =>
      this.logins.loginAfterGuards(request.user, device, request, overrides),
    );
  }
}
