import { IsBoolean, Matches } from 'class-validator';
import { type User, USERNAME } from './user.entity.js';

/** What the login takes, so that nobody sets a password with which no login is possible. */
const PASSWORD = /^[^\0\p{Cs}]{1,1024}$/u;
const NEW_PASSWORD = /^[^\0\p{Cs}]{8,1024}$/u;
const newPasswordRule = { message: '$property must be 8 to 1024 well-formed characters, none of them NUL' };

export class CreateUserDto {
  @Matches(USERNAME, { message: 'username must be 1 to 64 letters, digits, dots, hyphens or underscores' })
  username!: string;

  @Matches(NEW_PASSWORD, newPasswordRule)
  password!: string;
}

export class UpdateUserDto {
  @IsBoolean()
  is_active!: boolean;
}

export class ChangePasswordDto {
  @Matches(PASSWORD, { message: '$property must be 1 to 1024 well-formed characters, none of them NUL' })
  current_password!: string;

  @Matches(NEW_PASSWORD, newPasswordRule)
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
