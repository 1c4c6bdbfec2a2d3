import {
  type CanActivate,
  type ExecutionContext,
  HttpCode,
  HttpStatus,
  Inject,
  Injectable,
  Post,
  Req,
  Res,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import type { Session } from '../contracts/session';
import { currentSessionOf } from '../guard/authenticated-request';
import { ErrorHeaders, HostChallenge, NoStoreGuard } from '../guard/error-headers.interceptor';
import { Authoritative } from '../guard/decorators';
import { JwtKnoxGuard } from '../guard/jwt-knox.guard';
import { jsonBodyOf } from '../guard/request-body';
import { presenterOf, requestContextOf } from '../guard/request-context';
import { RequireLogin } from '../guard/route-rights';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { Reauthentication } from '../sessions/reauthentication';
import { PasswordDto } from './dto';
import { JwtKnoxRoute } from './knox-routes';
import { TokenResponder } from './token-responder';

/** `POST reauthenticate` with the password. */
@RequireLogin()
@JwtKnoxRoute()
export class ReauthenticateController {
  constructor(
    private readonly reauthentication: Reauthentication,
    private readonly responder: TokenResponder,
  ) {}

  @Post('reauthenticate')
  @HttpCode(HttpStatus.OK)
  async reauthenticate(@Req() request: JwtKnoxRequest, @Res({ passthrough: true }) response: unknown) {
    const session = currentSessionOf(request);
    const { password } = jsonBodyOf(request, PasswordDto);
    const presenter = presenterOf(request);
    const tokens = await this.reauthentication.byPassword({
      session,
      user: request.user,
      password,
      request,
      presenter,
    });
    return this.responder.answer(tokens, request, response);
  }
}

const BEFORE_GUARDS = Symbol('jwt-knox.before-guards');

/** Keeps what the library's guard found, before your login guards put theirs in its place. */
@Injectable()
export class SessionBeforeGuards implements CanActivate {
  constructor(@Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions) {}

  canActivate(context: ExecutionContext): boolean {
    const { request } = requestContextOf(context);
    request[BEFORE_GUARDS] = { session: currentSessionOf(request), at: this.options.clock.now() };
    request.user = undefined;
    return true;
  }
}

/** `POST reauthenticate` behind your `loginGuards`, which leave the user in `request.user`. */
@RequireLogin()
@Authoritative()
@UseGuards(NoStoreGuard, JwtKnoxGuard, SessionBeforeGuards, HostChallenge)
@UseInterceptors(ErrorHeaders)
export class GuardedReauthenticateController {
  constructor(
    private readonly reauthentication: Reauthentication,
    private readonly responder: TokenResponder,
  ) {}

  @Post('reauthenticate')
  @HttpCode(HttpStatus.OK)
  async reauthenticate(@Req() request: any, @Res({ passthrough: true }) response: unknown) {
    const { session, at } = request[BEFORE_GUARDS] as { session: Session; at: number };
    return this.responder.answer(await this.reauthentication.byGuards(session, request.user, at), request, response);
  }
}
