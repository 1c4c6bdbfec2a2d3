import { Controller, Get, Req, UseGuards } from '@nestjs/common';
import { JwtKnoxGuard, Public } from 'nestjs-jwt-knox';

/** A guarded route that tells whom it takes the caller for, and a public one. */
@Controller('whoami')
@UseGuards(JwtKnoxGuard)
export class WhoAmIController {
  @Get()
  whoAmI(@Req() { user, knox }: any) {
    return { userId: user.id, username: user.username, sessionId: knox.session.id };
  }

  @Public()
  @Get('about')
  about() {
    return { about: 'everybody' };
  }
}
