import { Delete, Get, HttpCode, HttpStatus, Post, Req, Res } from '@nestjs/common';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import { scopeList } from '../contracts/scopes';
import type { Session } from '../contracts/session';
import { jsonBodyOf, queryOf } from '../guard/request-body';
import { RequireLogin } from '../guard/route-rights';
import { PasswordDto, ProgramTokenDto, SessionsQueryDto } from './dto';
import { JwtKnoxRoute } from './knox-routes';
import { lastUseOf, OwnPrograms } from './own-programs';
import { answerPage, isoTime, pageQuery } from './session-response';

/** `GET tokens` and `DELETE tokens/:id`, off by default: the tokens for programs of the user. */
@RequireLogin()
@JwtKnoxRoute()
export class ProgramTokensController {
  constructor(private readonly own: OwnPrograms) {}

  @Get('tokens')
  async tokens(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    const wanted = pageQuery(queryOf(request, SessionsQueryDto));
    return answerPage(await this.own.list(request, wanted), wanted.limit, response).map(programTokenBody);
  }

  @Delete('tokens/:id')
  @HttpCode(HttpStatus.NO_CONTENT)
  async end(@Req() request: any): Promise<void> {
    await this.own.end(request.params.id, request);
  }
}

/** `POST tokens`: takes a password, and is throttled as the login is. */
@RequireLogin()
@JwtKnoxRoute()
export class NewProgramTokenController {
  constructor(private readonly own: OwnPrograms) {}

  @Post('tokens')
  @HttpCode(HttpStatus.CREATED)
  async create(@Req() request: JwtKnoxRequest) {
    const password = () => jsonBodyOf(request, PasswordDto).password;
    const issued = await this.own.make(jsonBodyOf(request, ProgramTokenDto), password, request);
    return { ...programTokenBody(issued.session), token: issued.accessToken };
  }
}

/** A token for a program on the wire; the token itself is shown once, by the answer that makes it. */
function programTokenBody(session: Session) {
  const lastUse = lastUseOf(session);
  return {
    id: session.id,
    name: session.deviceName,
    scopes: scopeList(session.scopes),
    created_at: isoTime(session.createdAt),
    last_used_at: lastUse === null ? null : isoTime(lastUse),
    expires_at: isoTime(session.expiresAt),
  };
}
