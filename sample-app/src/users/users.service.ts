import { ConflictException, ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type Session, TokenService } from 'nestjs-jwt-knox';
import type { Repository } from 'typeorm';
import { KnoxUsers } from './knox-users.service.js';
import { Passwords } from './passwords.service.js';
import { newUser, User } from './user.entity.js';

/** What changes users, and ends their sessions with it. */
@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly rows: Repository<User>,
    private readonly users: KnoxUsers,
    private readonly passwords: Passwords,
    private readonly tokens: TokenService<User>,
  ) {}

  async create(username: string, password: string): Promise<User> {
    const user = newUser(username, await this.passwords.hash(password));
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
    if (!isActive) await this.tokens.revokeAll(id, 'user_inactive');
    return this.get(username);
  }

  async delete(username: string): Promise<void> {
    const { id } = await this.get(username);
    await this.rows.delete({ id });
    await this.tokens.revokeAll(id, 'admin');
  }

  /** Ends all sessions of the user but this one. */
  async changePassword(user: User, session: Session, current: string, next: string): Promise<void> {
    if (!(await this.passwords.verify(user.passwordHash, current))) {
      throw new ForbiddenException('The current password is not correct.');
    }
    const passwordHash = await this.passwords.hash(next);
    if (!(await this.keepOnly(session, user.passwordHash, { passwordHash }))) {
      throw new ConflictException('The password was changed by somebody else just now.');
    }
    // Once more, now that the new hash is stored: a login that arrived in between may have proven the old password.
    await this.keepOnly(session, passwordHash);
    await this.tokens.revokeOther(session);
  }

  /**
   * Lets only this session count from now on: one moment for when it was proven, and since when proofs count. False
   * when the user's hash is not the expected one.
   */
  private async keepOnly(session: Session, expectedHash: string, change: Partial<User> = {}): Promise<boolean> {
    // The next millisecond: logins of the present one may have read the old hash.
    const now = Date.now() + 1;
    // First, so that the user's other requests of this session do not fail in between.
    await this.tokens.reauthenticate(session, new Date(now));
    const expected = { id: session.userId, passwordHash: expectedHash };
    return (await this.rows.update(expected, { ...change, passwordChangedAt: now })).affected === 1;
  }

  private async get(username: string): Promise<User> {
    const user = await this.users.findByUsername(username);
    if (!user) throw new NotFoundException('There is no such user.');
    return user;
  }
}
