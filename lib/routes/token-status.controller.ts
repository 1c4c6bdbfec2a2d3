import { Delete, Get, HttpCode, HttpStatus, NotFoundException, Post, Req, Res } from '@nestjs/common';
import { TokenTransport } from '../contracts/token-transport';
import { AccessTokenVerifier } from '../sessions/access-token.verifier';
import { SessionList } from '../sessions/session-list';
import { SessionRevoker } from '../sessions/session-revoker';
import { JwtKnoxRoute } from './knox-routes';
import { actorOf, deadlineOf, sessionOf } from '../guard/authenticated-request';
import { queryOf } from '../guard/request-body';
import { SessionsQueryDto } from './dto';
import { answerPage, pageQuery, sessionBody } from './session-response';

/** Whether a token is good, and which sessions its user has. */
@JwtKnoxRoute()
export class TokenStatusController {
  constructor(
    private readonly list: SessionList,
    private readonly revoker: SessionRevoker,
    private readonly transport: TokenTransport,
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
    const session = sessionOf(request);
    return sessionBody(session, session.id);
  }

  @Get('sessions')
  async sessions(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    const session = sessionOf(request);
    const wanted = pageQuery(queryOf(request, SessionsQueryDto));
    const sessions = await this.list.of(session.userId, wanted, deadlineOf(request));
    const page = answerPage(sessions, wanted.limit, response);
    return page.map((one) => sessionBody(one, session.id));
  }

  @Delete('sessions/:id')
  @HttpCode(HttpStatus.NO_CONTENT)
  async end(@Req() request: any, @Res({ passthrough: true }) response: unknown): Promise<void> {
    const session = sessionOf(request);
    const id: string = request.params.id;
    const ending = { reason: 'logout', actor: actorOf(session), deadline: deadlineOf(request) } as const;
    // Somebody else's id answers like an unknown one.
    if (!(await this.revoker.one(id, session.userId, ending))) throw new NotFoundException('There is no such session.');
    if (id === session.id) await this.transport.clear(response, request);
  }
}

/** `GET debug-verify`, off by default: shows what a token says. */
@JwtKnoxRoute()
export class DebugController {
  constructor(
    private readonly tokens: AccessTokenVerifier,
    private readonly transport: TokenTransport,
  ) {}

  @Get('debug-verify')
  debug(@Req() request: unknown) {
    const session = sessionOf(request);
    return {
      claims: this.tokens.show(this.transport.readAccess(request)!),
      session: sessionBody(session, session.id),
      user_id: session.userId,
    };
  }
}
