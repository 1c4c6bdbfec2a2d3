import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type Credentials, type ExcludeFromDeadline, type Session, UserProvider } from 'nestjs-jwt-knox';
import type { Repository } from 'typeorm';
import type { Client } from './hashing-queue.js';
import { Passwords } from './passwords.service.js';
import { User, USERNAME } from './user.entity.js';

/**
 * How the library meets the users. It must not inject `TokenService`, which needs it: what uses tokens is in
 * `UsersService`.
 */
@Injectable()
export class KnoxUsers extends UserProvider<User> {
  constructor(
    @InjectRepository(User) private readonly rows: Repository<User>,
    private readonly passwords: Passwords,
  ) {
    super();
  }

  /** Unknown and known users take the same time; whether the user is active, the library asks afterwards. */
  async validateCredentials({ username, password }: Credentials, request: Client, exclude: ExcludeFromDeadline) {
    const user = await this.findByUsername(username);
    const matches = await exclude(() => this.passwords.verify(user?.passwordHash, password, request));
    return matches ? user : null;
  }

  findById(id: string): Promise<User | null> {
    return this.rows.findOneBy({ id });
  }

  async findByUsername(username: string): Promise<User | null> {
    return USERNAME.test(username) ? this.rows.findOneBy({ username }) : null;
  }

  override isAdmin(user: User): boolean {
    return user.isAdmin;
  }

  /** What requests see of a user who is kept in memory: no password hash. */
  override snapshot({ id, username, isAdmin, isActive }: User): object {
    return { id, username, isAdmin, isActive };
  }

  /** No session passes to a later user, whatever id that one gets. */
  override validSince({ createdAt }: User): Date {
    return new Date(createdAt);
  }

  override async onLogin(user: User, session: Session): Promise<void> {
    await this.rows.update({ id: user.id }, { lastLoginAt: session.createdAt });
  }
}
