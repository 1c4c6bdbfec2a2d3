import { ConflictException, ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type IssuedTokens, type Session, TokenService } from 'nestjs-jwt-knox';
import type { Repository } from 'typeorm';
import type { Client } from './hashing-queue.js';
import { KnoxUsers } from './knox-users.service.js';
import { Passwords } from './passwords.service.js';
import { newUser, User } from './user.entity.js';

export interface PasswordChange {
  current: string;
  next: string;
}

/** What changes users, and ends their sessions with it. */
@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly rows: Repository<User>,
    private readonly users: KnoxUsers,
    private readonly passwords: Passwords,
    private readonly tokens: TokenService<User>,
  ) {}

  async create(username: string, password: string, client: Client): Promise<User> {
    const user = newUser(username, await this.passwords.hash(password, client));
    try {
      await this.rows.insert(user);
      return user;
    } catch (error) {
      // The unique index decides between two who ask at once; looking before could not.
      if (await this.users.findByUsername(username)) throw new ConflictException('This username is taken.');
      throw error;
    }
  }

  /** Whoever is disabled loses all sessions, and gets none of them back when enabled again. */
  async setActive(username: string, isActive: boolean): Promise<User> {
    const { id } = await this.get(username);
    await this.rows.update({ id }, { isActive });
    if (!isActive) await this.tokens.userDisabled(id);
    return this.get(username);
  }

  async delete(username: string): Promise<void> {
    const { id } = await this.get(username);
    await this.rows.delete({ id });
    await this.tokens.userDisabled(id);
  }

  /** Ends all sessions of the user but this one, which gets new tokens. */
  async changePassword(
    user: User,
    session: Session,
    change: PasswordChange,
    client: Client,
  ): Promise<IssuedTokens<User> | null> {
    if (!(await this.passwords.verify(user.passwordHash, change.current, client))) {
      throw new ForbiddenException('The current password is not correct.');
    }
    const passwordHash = await this.passwords.hash(change.next, client);
    return this.tokens.changeCredentials(session, async () => {
      const expected = { id: user.id, passwordHash: user.passwordHash };
      const { affected } = await this.rows.update(expected, { passwordHash, passwordChangedAt: Date.now() });
      if (affected !== 1) throw new ConflictException('The password was changed by somebody else just now.');
    });
  }

  private async get(username: string): Promise<User> {
    const user = await this.users.findByUsername(username);
    if (!user) throw new NotFoundException('There is no such user.');
    return user;
  }
}
