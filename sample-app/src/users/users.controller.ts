import { Body, Controller, Delete, HttpCode, HttpStatus, Param, Patch, Post, Req, UseGuards } from '@nestjs/common';
import { JwtKnoxGuard, RequireLogin } from 'nestjs-jwt-knox';
import { AdminGuard } from './admin.guard.js';
import type { Client } from './hashing-queue.js';
import { CreateUserDto, UpdateUserDto, userBody } from './users.dto.js';
import { UsersService } from './users.service.js';

/** For the administrator. */
@Controller('users')
@RequireLogin()
@UseGuards(JwtKnoxGuard, AdminGuard)
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Post()
  async create(@Body() { username, password }: CreateUserDto, @Req() request: Client) {
    return userBody(await this.users.create(username, password, request));
  }

  @Patch(':username')
  async update(@Param('username') username: string, @Body() body: UpdateUserDto) {
    return userBody(await this.users.setActive(username, body.is_active));
  }

  @Delete(':username')
  @HttpCode(HttpStatus.NO_CONTENT)
  async delete(@Param('username') username: string): Promise<void> {
    await this.users.delete(username);
  }
}
