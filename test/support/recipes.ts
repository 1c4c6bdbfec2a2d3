// The code of docs/recipes.md. A test runs it, and holds the page to it.
import type { IncomingMessage } from 'node:http';
import { availableParallelism } from 'node:os';
import {
  Body,
  Controller,
  type ExecutionContext,
  HttpCode,
  HttpException,
  Injectable,
  Module,
  Post,
  Put,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants';
import { APP_GUARD } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { seconds, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import fastq, { type queueAsPromised } from 'fastq';
import {
  type Credentials,
  CurrentSession,
  CurrentUser,
  type ExcludeFromDeadline,
  type JwtKnoxKey,
  JwtKnoxGuard,
  type JwtKnoxOptions,
  Public,
  type Session,
  TokenService,
  TooBusyError,
} from '../../lib';
import { hashPassword, TestUsers as Users, type User } from './users';

/** Recipe: from stateless tokens of @nestjs/jwt */
@Controller('auth')
export class ExchangeController {
  constructor(
    private readonly stateless: JwtService,
    private readonly users: Users,
    private readonly tokens: TokenService<User>,
  ) {}

  /** Takes a token of before and starts a session. Remove it when the longest of those tokens has expired. */
  @Public()
  @Post('exchange')
  @HttpCode(200)
  async exchange(@Body('token') token: string) {
    const { sub } = await this.stateless.verifyAsync(token, { algorithms: ['HS256'] }).catch(() => {
      throw new UnauthorizedException();
    });
    const user = await this.users.findById(String(sub));
    if (!user) throw new UnauthorizedException();
    const { accessToken, refreshToken, expiresIn } = await this.tokens.issue(user);
    return { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn };
  }
}
/** End of recipe */

/** Recipe: one token, as in drf-jwt-knox */
export const singleToken: JwtKnoxOptions<User> = {
  refreshToken: false,
  session: { maxLifetime: '10h' },
  claims: (user) => ({ username: user.username }),
  tokenResponse: (tokens) => ({ token: `Bearer ${tokens.accessToken}` }),
};
/** End of recipe */

/** Recipe: tokens with their expirations, as in jw_nx */
export const withExpirations: JwtKnoxOptions<User> = {
  refreshToken: { rotate: false },
  session: { idleTimeout: '1d' },
  tokenResponse: (tokens) => ({
    access_token: tokens.accessToken,
    access_token_expiration: new Date(Date.now() + tokens.expiresIn * 1_000).toISOString(),
    refresh_token: tokens.refreshToken,
    refresh_token_expiration: new Date(tokens.session.expiresAt).toISOString(),
  }),
};
/** End of recipe */

/** Recipe: RS256 keys, and their rotation by kid */
export const rotation = (current: string, next: string): Record<string, JwtKnoxKey[]> => {
  const sign = (kid: string, privateKey: string): JwtKnoxKey => ({ kid, algorithm: 'RS256', privateKey });
  return {
    // 1. The next key comes second, on every process: it verifies, and does not sign yet.
    announced: [sign('2026-11', current), sign('2026-12', next)],
    // 2. It comes first: it signs. Tokens of the other key still count.
    promoted: [sign('2026-12', next), sign('2026-11', current)],
    // 3. After the lifetime of the longest-lived token (`session.idleTimeout`), the old key goes.
    finished: [sign('2026-12', next)],
  };
};
/** End of recipe */

/** Recipe: several audiences */
export const severalAudiences: JwtKnoxOptions<User> = {
  issuer: 'https://id.example.com',
  audience: ['https://api.example.com', 'https://billing.example.com'],
  ownAudience: 'https://api.example.com',
};
/** End of recipe */

/** Recipe: a password change ends the other sessions */
@Injectable()
@Controller('me/password')
@UseGuards(JwtKnoxGuard)
export class PasswordController {
  constructor(
    private readonly users: Users,
    private readonly tokens: TokenService<User>,
  ) {}

  @Put()
  async change(@Body('password') password: string, @CurrentUser() user: User, @CurrentSession() session: Session) {
    const passwordHash = await hashPassword(password);
    const store = async () => void (await this.users.rows.update(user.id, { passwordHash }));
    const tokens = await this.tokens.changeCredentials(session, store);
    return { access_token: tokens?.accessToken, refresh_token: tokens?.refreshToken };
  }
}
/** End of recipe */

/** Recipe: password hashing within limits */
interface Hashing {
  request: Pick<IncomingMessage, 'socket'>;
  hash: () => Promise<unknown>;
}

export class HashingQueue {
  private readonly queue: queueAsPromised<Hashing>;

  /** @param waiting how many more may wait for their turn */
  constructor(
    private readonly atOnce: number,
    private readonly waiting: number,
  ) {
    this.queue = fastq.promise(HashingQueue.work, atOnce);
  }

  /** @throws TooBusyError when as many wait as may: 503 with `Retry-After` */
  async run<T>(request: Hashing['request'], hash: () => Promise<T>): Promise<T> {
    if (this.queue.running() + this.queue.length() >= this.atOnce + this.waiting) throw new TooBusyError();
    return this.queue.push({ request, hash });
  }

  private static async work({ request, hash }: Hashing): Promise<unknown> {
    // The client went away while it waited: nobody would read the answer.
    if (request.socket.destroyed) throw new HttpException('The client closed the request.', 499);
    return hash();
  }
}

@Injectable()
export class LimitedUsers extends Users {
  /** Leaves a core to everything else. With 20 ms for a hash, the last of 32 waits for 640 ms. */
  protected readonly hashing = new HashingQueue(Math.max(1, availableParallelism() - 1), 32);

  override async validateCredentials(
    { username, password }: Credentials,
    request: IncomingMessage,
    exclude: ExcludeFromDeadline,
  ) {
    const user = await this.rows.findOneBy({ username });
    const matches = await exclude(() => this.hashing.run(request, () => this.verifyPassword(user, password)));
    return matches ? user : null;
  }
}
/** End of recipe */

/** Recipe: a limit for introspect and revoke */
/** Limits `introspect` and `revoke`, and no other route. */
@Injectable()
export class ClientThrottlerGuard extends ThrottlerGuard {
  /** Asks the route, not the URL: Express also takes `/Auth/Introspect/` for it. */
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    const controller: unknown = this.reflector.get(PATH_METADATA, context.getClass());
    const handler: unknown = this.reflector.get(PATH_METADATA, context.getHandler());
    return controller !== 'auth' || !['introspect', 'revoke'].includes(String(handler));
  }
}

@Module({
  imports: [ThrottlerModule.forRoot({ throttlers: [{ ttl: seconds(60), limit: 300 }] })],
  providers: [{ provide: APP_GUARD, useClass: ClientThrottlerGuard }],
})
export class ClientThrottlingModule {}
/** End of recipe */
