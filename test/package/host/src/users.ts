import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Injectable, Module } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { type Credentials, type ExcludeFromDeadline, UserProvider } from 'nestjs-jwt-knox';
import { Column, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner, Repository, Table } from 'typeorm';

const derive = promisify<string, string, number, Buffer>(scrypt);

@Entity('users')
export class User {
  @PrimaryColumn({ type: 'int' })
  id!: number;

  @Column({ type: 'varchar', length: 64 })
  username!: string;

  @Column({ type: 'varchar', length: 200 })
  passwordHash!: string;
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16).toString('hex');
  return `${salt}:${(await derive(password, salt, 32)).toString('hex')}`;
}

async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const [salt, key] = hash.split(':');
  return timingSafeEqual(await derive(password, salt, 32), Buffer.from(key, 'hex'));
}

const DUMMY = hashPassword('nobody has this password');

@Injectable()
export class KnoxUsers extends UserProvider<User> {
  constructor(@InjectRepository(User) private readonly rows: Repository<User>) {
    super();
  }

  async validateCredentials(
    { username, password }: Credentials,
    _request: unknown,
    exclude: ExcludeFromDeadline,
  ): Promise<User | null> {
    const user = await this.rows.findOneBy({ username });
    const hash = user?.passwordHash ?? (await DUMMY);
    const matches = await exclude(() => verifyPassword(password, hash));
    return user && matches ? user : null;
  }

  findById(id: string): Promise<User | null> {
    return this.rows.findOneBy({ id: Number(id) });
  }
}

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  providers: [KnoxUsers],
  exports: [KnoxUsers],
})
export class UsersModule {}

/** The host's own table, with one user in it: alice, whose password is `correct horse`. */
export class CreateUsers1764000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'users',
        columns: [
          { name: 'id', type: 'integer', isPrimary: true },
          { name: 'username', type: 'varchar', length: '64' },
          { name: 'passwordHash', type: 'varchar', length: '200' },
        ],
      }),
    );
    const passwordHash = await hashPassword('correct horse');
    await runner.manager.insert(User, { id: 7, username: 'alice', passwordHash });
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('users');
  }
}
