import { Delete, Get, HttpCode, HttpStatus, NotFoundException, Param, Post, Req, Res } from '@nestjs/common';
import type { Session } from '../contracts/session';
import { TokenTransport } from '../contracts/token-transport';
import { TokenService } from '../tokens/token.service';
import { KnoxRoutes } from './auth.controller';
import { CurrentSession } from './decorators';
import { Query, SessionsQueryDto } from './dto';
import { answerPage, pageQuery, sessionBody } from './session-response';

/** Whether a token is good, and which sessions its user has. */
@KnoxRoutes()
export class TokenStatusController {
  constructor(private readonly tokens: TokenService) {}

  @Get('verify')
  @HttpCode(HttpStatus.NO_CONTENT)
  verify(): void {}

  @Post('verify')
  @HttpCode(HttpStatus.NO_CONTENT)
  verifyByPost(): void {}

  @Get('sessions')
  async sessions(
    @CurrentSession() session: Session,
    @Query(SessionsQueryDto) query: SessionsQueryDto,
    @Req() request: any,
    @Res({ passthrough: true }) response: any,
  ) {
    const wanted = pageQuery(query);
    const page = answerPage(await this.tokens.list(session.userId, wanted), wanted.limit, request, response);
    return page.map((one) => sessionBody(one, session.id));
  }

  @Delete('sessions/:id')
  @HttpCode(HttpStatus.NO_CONTENT)
  async end(@CurrentSession() session: Session, @Param('id') id: string): Promise<void> {
    // Somebody else's id answers like an unknown one.
    if (!(await this.tokens.revoke(id, session.userId, 'logout')))
      throw new NotFoundException('There is no such session.');
  }
}

/** `GET debug-verify`, off by default: shows what a token says. */
@KnoxRoutes()
export class DebugController {
  constructor(
    private readonly tokens: TokenService,
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
