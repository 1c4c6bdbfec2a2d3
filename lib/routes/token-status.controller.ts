import { Delete, Get, HttpCode, HttpStatus, Patch, Post, Req, Res } from '@nestjs/common';
import { tokenOrNull, TokenTransport } from '../contracts/token-transport';
import { AccessTokenVerifier } from '../sessions/access-token.verifier';
import { SessionList } from '../sessions/session-list';
import { TokenStatusRoute } from './knox-routes';
import { deadlineOf, currentSessionOf } from '../guard/authenticated-request';
import { RequireLogin, RequirePerson } from '../guard/route-rights';
import { HELD_BY_PEOPLE } from '../sessions/session-revoker';
import { jsonBodyOf, queryOf } from '../guard/request-body';
import { DeviceNameDto, SessionsQueryDto } from './dto';
import { OwnSessions } from './own-sessions';
import { answerPage, pageQuery, sessionBody } from './session-response';

/** Whether a token is good, and which sessions its user has. */
@TokenStatusRoute()
export class TokenStatusController {
  constructor(
    private readonly list: SessionList,
    private readonly own: OwnSessions,
  ) {}

  @Get('verify')
  @HttpCode(HttpStatus.NO_CONTENT)
  verify(): void {}

  @Post('verify')
  @HttpCode(HttpStatus.NO_CONTENT)
  verifyByPost(): void {}

  /** How an application in a browser, which sees no token, learns who is logged in and for how long. */
  @Get('session')
  session(@Req() request: unknown) {
    const session = currentSessionOf(request);
    return sessionBody(session, session.id);
  }

  @Get('sessions')
  @RequirePerson()
  async sessions(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    const session = currentSessionOf(request);
    const wanted = { ...pageQuery(queryOf(request, SessionsQueryDto)), kinds: HELD_BY_PEOPLE };
    const sessions = await this.list.of(session.userId, wanted, deadlineOf(request));
    const page = answerPage(sessions, wanted.limit, response);
    return page.map((one) => sessionBody(one, session.id));
  }

  @Patch('sessions/:id')
  @RequireLogin()
  @HttpCode(HttpStatus.NO_CONTENT)
  async rename(@Req() request: any): Promise<void> {
    await this.own.rename(request.params.id, jsonBodyOf(request, DeviceNameDto).device_name, request);
  }

  @Delete('sessions/:id')
  @RequirePerson()
  @HttpCode(HttpStatus.NO_CONTENT)
  async end(@Req() request: any, @Res({ passthrough: true }) response: unknown): Promise<void> {
    await this.own.end(request.params.id, request, response);
  }
}

/** `GET debug-verify`, off by default: shows what a token says. */
@TokenStatusRoute()
export class DebugController {
  constructor(
    private readonly tokens: AccessTokenVerifier,
    private readonly transport: TokenTransport,
  ) {}

  @Get('debug-verify')
  debug(@Req() request: unknown) {
    const session = currentSessionOf(request);
    const token = tokenOrNull(this.transport.readAccess(request));
    return {
      // Null where a page was let in by its refresh token.
      claims: token === null ? null : this.tokens.show(token),
      session: sessionBody(session, session.id),
      user_id: session.userId,
    };
  }
}
