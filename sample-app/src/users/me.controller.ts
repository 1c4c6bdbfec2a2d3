import { Body, Controller, Get, Put, Req, Res, UnauthorizedException, UseGuards } from '@nestjs/common';
import {
  Authoritative,
  CurrentSession,
  CurrentUser,
  JwtKnoxGuard,
  RequireLogin,
  type Session,
  TokenTransport,
} from 'nestjs-jwt-knox';
import type { Client } from './hashing-queue.js';
import { User } from './user.entity.js';
import { ChangePasswordDto } from './users.dto.js';
import { UsersService } from './users.service.js';

@Controller('me')
@UseGuards(JwtKnoxGuard)
export class MeController {
  constructor(
    private readonly users: UsersService,
    private readonly transport: TokenTransport,
  ) {}

  @Get()
  whoAmI(@CurrentUser('username') username: string) {
    return { username };
  }

  /** Needs the password hash, which is kept in no memory. */
  @Put('password')
  @Authoritative()
  @RequireLogin()
  async changePassword(
    @CurrentUser() user: User,
    @CurrentSession() session: Session,
    @Body() body: ChangePasswordDto,
    @Req() request: Client,
    @Res({ passthrough: true }) response: unknown,
  ) {
    const change = { current: body.current_password, next: body.new_password };
    const tokens = await this.users.changePassword(user, session, change, request);
    // Null: the session was ended meanwhile, by another device.
    if (!tokens) throw new UnauthorizedException('Log in with the new password.');
    // In a browser into cookies, else into the body, as at login.
    return this.transport.write(response, tokens, request);
  }
}
