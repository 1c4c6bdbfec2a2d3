import { Body, Controller, Put, UnauthorizedException, UseGuards } from '@nestjs/common';
import { CurrentSession, CurrentUser, JwtKnoxGuard, type Session, tokenResponseBody } from 'nestjs-jwt-knox';
import { User } from './user.entity.js';
import { ChangePasswordDto } from './users.dto.js';
import { UsersService } from './users.service.js';

@Controller('me')
@UseGuards(JwtKnoxGuard)
export class MeController {
  constructor(private readonly users: UsersService) {}

  @Put('password')
  async changePassword(@CurrentUser() user: User, @CurrentSession() session: Session, @Body() body: ChangePasswordDto) {
    const tokens = await this.users.changePassword(user, session, body.current_password, body.new_password);
    // Null: the session was ended meanwhile, by another device.
    if (!tokens) throw new UnauthorizedException('Log in with the new password.');
    return tokenResponseBody(tokens);
  }
}
