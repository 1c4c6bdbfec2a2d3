import { Delete, Get, HttpCode, HttpStatus, NotFoundException, Param, Post, Req, Res } from '@nestjs/common';
import type { Session } from '../contracts/session';
import { TokenTransport } from '../contracts/token-transport';
import { AccessTokenVerifier } from '../sessions/access-token.verifier';
import { SessionList } from '../sessions/session-list';
import { SessionRevoker } from '../sessions/session-revoker';
import { JwtKnoxRoute } from './knox-routes';
import { actorOf, deadlineOf } from '../guard/authenticated-request';
import { CurrentSession } from '../guard/decorators';
import { QueryParameters } from '../guard/request-body';
import { SessionsQueryDto } from './dto';
import { answerPage, pageQuery, sessionBody } from './session-response';

/** Whether a token is good, and which sessions its user has. */
@JwtKnoxRoute()
export class TokenStatusController {
  constructor(
    private readonly list: SessionList,
    private readonly revoker: SessionRevoker,
  ) {}

  @Get('verify')
  @HttpCode(HttpStatus.NO_CONTENT)
  verify(): void {}

  @Post('verify')
  @HttpCode(HttpStatus.NO_CONTENT)
  verifyByPost(): void {}

  @Get('sessions')
  async sessions(
    @CurrentSession() session: Session,
    @QueryParameters(SessionsQueryDto) query: SessionsQueryDto,
    @Req() request: any,
    @Res({ passthrough: true }) response: any,
  ) {
    const wanted = pageQuery(query);
    const sessions = await this.list.of(session.userId, wanted, deadlineOf(request));
    const page = answerPage(sessions, wanted.limit, request, response);
    return page.map((one) => sessionBody(one, session.id));
  }

  @Delete('sessions/:id')
  @HttpCode(HttpStatus.NO_CONTENT)
  async end(@CurrentSession() session: Session, @Param('id') id: string, @Req() request: any): Promise<void> {
    const ending = { reason: 'logout', actor: actorOf(session), deadline: deadlineOf(request) } as const;
    // Somebody else's id answers like an unknown one.
    if (!(await this.revoker.one(id, session.userId, ending))) throw new NotFoundException('There is no such session.');
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
  debug(@CurrentSession() session: Session, @Req() request: any) {
    return {
      claims: this.tokens.show(this.transport.readAccess(request)!),
      session: sessionBody(session, session.id),
      user_id: session.userId,
    };
  }
}
