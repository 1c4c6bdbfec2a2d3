import { request as nodeRequest } from 'node:http';
import { Module, type Type } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { HashingQueue, LimitedUsers } from './recipes';
import { TestUsers, User } from './users';

export const AT_ONCE = 2;
export const WAITING = 4;

/** Users whose passwords are hashed only when the test lets them be, and who tell which ones were. */
export interface GatedUsers extends TestUsers {
  readonly hashed: string[];
  open(): void;
}

function gated<T extends new (...args: any[]) => TestUsers>(Base: T) {
  return class extends Base implements GatedUsers {
    readonly hashed: string[] = [];
    open!: () => void;
    private readonly gate = new Promise<void>((open) => (this.open = open));

    override async verifyPassword(user: User | null, password: string): Promise<boolean> {
      this.hashed.push(password);
      await this.gate;
      return super.verifyPassword(user, password);
    }
  };
}

/** By the recipe, with limits that a test can reach. */
class LimitedHashing extends gated(LimitedUsers) {
  protected override readonly hashing = new HashingQueue(AT_ONCE, WAITING);
}
/** The naive way. */
class UnlimitedHashing extends gated(TestUsers) {}

/** The extras of an application with these users. */
export function gatedUsers(limited: boolean): { imports: any[]; userProvider: Type<GatedUsers> } {
  const users: Type<GatedUsers> = limited ? LimitedHashing : UnlimitedHashing;
  const provider = {
    provide: users,
    useFactory: (rows: unknown) => new users(rows),
    inject: [getRepositoryToken(User)],
  };

  @Module({ imports: [TypeOrmModule.forFeature([User])], providers: [provider], exports: [users] })
  class GatedUsersModule {}

  return { imports: [GatedUsersModule], userProvider: users };
}

/** A login that can be given up before it is answered. */
export class PendingLogin {
  /** Undefined until it is answered. */
  status: number | undefined;
  retryAfter: string | undefined;
  private readonly request;

  constructor(
    port: number,
    readonly password: string,
  ) {
    const payload = JSON.stringify({ username: 'a stranger', password });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const to = { host: '127.0.0.1', port, method: 'POST', path: '/auth/login', headers, agent: false as const };
    this.request = nodeRequest(to, (response) => {
      response.resume();
      this.status = response.statusCode;
      this.retryAfter = response.headers['retry-after'];
    });
    this.request.on('error', () => undefined);
    this.request.end(payload);
  }

  giveUp(): void {
    this.request.destroy();
  }
}
