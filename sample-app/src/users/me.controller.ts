import { Body, Controller, HttpCode, HttpStatus, Put, UseGuards } from '@nestjs/common';
import { CurrentSession, CurrentUser, JwtKnoxGuard, type Session } from 'nestjs-jwt-knox';
import { User } from './user.entity.js';
import { ChangePasswordDto } from './users.dto.js';
import { UsersService } from './users.service.js';

@Controller('me')
@UseGuards(JwtKnoxGuard)
export class MeController {
  constructor(private readonly users: UsersService) {}

  @Put('password')
  @HttpCode(HttpStatus.NO_CONTENT)
  async changePassword(
    @CurrentUser() user: User,
    @CurrentSession() session: Session,
    @Body() body: ChangePasswordDto,
  ): Promise<void> {
    await this.users.changePassword(user, session, body.current_password, body.new_password);
  }
}
