import { Injectable, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { Column, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm';
import { type Credentials, type ExcludeFromDeadline, type Session, UserProvider } from '../../lib';
import { hashPassword, verifyPassword } from '../host/passwords';

@Entity('users')
export class User {
  @PrimaryGeneratedColumn({ type: 'int' })
  id!: number;

  @Column({ type: 'varchar', length: 64, unique: true })
  username!: string;

  @Column({ type: 'varchar', length: 200 })
  passwordHash!: string;

  @Column({ type: 'boolean', default: true })
  isActive!: boolean;

  @Column({ type: 'boolean', default: false })
  isAdmin!: boolean;

  /** Epoch milliseconds before which proofs of credentials do not count. */
  @Column({ type: 'bigint', nullable: true })
  validSince!: number | string | null;

  @Column({ type: 'int', default: 0 })
  logins!: number;
}

/** What a login for nobody is verified against. */
const DUMMY = hashPassword('nobody has this password');

@Injectable()
export class TestUsers extends UserProvider<User> {
  constructor(readonly rows: Repository<User>) {
    super();
  }

  async validateCredentials({ username, password }: Credentials, _request: unknown, exclude: ExcludeFromDeadline) {
    const user = await this.rows.findOneBy({ username });
    const matches = await exclude(() => this.verifyPassword(user, password));
    return matches ? user : null;
  }

  /** Takes as long without a user as with one. */
  async verifyPassword(user: User | null, password: string): Promise<boolean> {
    const matches = await verifyPassword(password, user?.passwordHash ?? (await DUMMY));
    return matches && user !== null;
  }

  findById(id: string) {
    return this.rows.findOneBy({ id: Number(id) });
  }

  override isAdmin(user: User) {
    return user.isAdmin;
  }

  override validSince(user: User): Date | number | null {
    return user.validSince === null ? null : new Date(Number(user.validSince));
  }

  override snapshot({ id, username, isActive, isAdmin }: User) {
    return { id, username, isActive, isAdmin };
  }

  override async onLogin(user: User, _session: Session) {
    await this.rows.increment({ id: user.id }, 'logins', 1);
  }

  async add(username: string, change: Partial<User> = {}): Promise<User> {
    const passwordHash = await hashPassword(`${username}-password`);
    return this.rows.save({ username, passwordHash, validSince: null, ...change } as User);
  }
}

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  providers: [
    {
      provide: TestUsers,
      useFactory: (rows: Repository<User>) => new TestUsers(rows),
      inject: [getRepositoryToken(User)],
    },
  ],
  exports: [TestUsers],
})
export class UsersModule {}
