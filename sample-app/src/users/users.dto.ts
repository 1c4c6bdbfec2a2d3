import { IsBoolean, IsString, Length, Matches } from 'class-validator';
import { type User, USERNAME } from './user.entity.js';

export class CreateUserDto {
  @Matches(USERNAME, { message: 'username must be 1 to 64 letters, digits, dots, hyphens or underscores' })
  username!: string;

  @IsString()
  @Length(8, 1_024)
  password!: string;
}

export class UpdateUserDto {
  @IsBoolean()
  is_active!: boolean;
}

export class ChangePasswordDto {
  @IsString()
  @Length(1, 1_024)
  current_password!: string;

  @IsString()
  @Length(8, 1_024)
  new_password!: string;
}

/** A user on the wire: written out, so that no hash ever slips through. */
export function userBody(user: User) {
  return {
    id: user.id,
    username: user.username,
    is_admin: user.isAdmin,
    is_active: user.isActive,
    created_at: isoTime(user.createdAt),
    last_login_at: user.lastLoginAt === null ? null : isoTime(user.lastLoginAt),
  };
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
