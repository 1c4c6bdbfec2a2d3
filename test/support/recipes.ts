// The code of docs/07-recipes.md. A test runs it, and holds the page to it.
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { availableParallelism } from 'node:os';
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpException,
  Injectable,
  Post,
  Put,
  Query,
  Redirect,
  Req,
  Res,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { seconds, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import fastq, { type queueAsPromised } from 'fastq';
import {
  type Credentials,
  CurrentSession,
  CurrentUser,
  type ExcludeFromDeadline,
  type JwtKnoxExtras,
  type JwtKnoxKey,
  JwtKnoxGuard,
  type JwtKnoxOptions,
  type LoginArrival,
  Public,
  type Session,
  tokenResponseBody,
  TokenService,
  TooBusyError,
} from '../../lib';
import { hashPassword } from '../host/passwords';
import { TestUsers as Users, type User } from './users';

/** The host's way to write to its users. */
export abstract class Mailer {
  abstract sendLink(user: User, token: string): Promise<void>;
}

/** What the host's OAuth library does. */
export abstract class OAuthClient {
  abstract authorizationUrl(state: string): string;
  abstract exchange(code: string): Promise<{ subject: string }>;
}

/** The host's table or cache of logins that were begun. */
export abstract class PendingLogins {
  abstract keep(state: string, arrival: LoginArrival): Promise<void>;
  /** Gives each once; null for one that is unknown, or older than ten minutes. */
  abstract take(state: string): Promise<LoginArrival | null>;
}

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

/** Recipe: a forgotten password */
const fingerprintOf = ({ passwordHash }: User) => createHash('sha256').update(passwordHash).digest('base64url');

@Controller('password')
export class ForgottenPasswordController {
  constructor(
    private readonly links: JwtService,
    private readonly mailer: Mailer,
    private readonly users: Users,
    private readonly tokens: TokenService<User>,
  ) {}

  /** Answers alike, and as fast, whether there is such a user or not: nobody waits for the mail. */
  @Public()
  @Post('forgotten')
  @HttpCode(202)
  forgotten(@Body('username') username: string): void {
    void this.send(String(username)).catch(() => undefined); // log it
  }

  @Public()
  @Post('reset')
  @HttpCode(204)
  async reset(@Body('token') token: string, @Body('password') password: string): Promise<void> {
    const user = await this.userOf(token);
    const passwordHash = await hashPassword(password);
    await this.tokens.changeCredentials({ userId: String(user.id) }, async () => {
      // Only in place of the password that was forgotten: a link changes one password, however often it is sent.
      const forgotten = { id: user.id, passwordHash: user.passwordHash };
      const { affected } = await this.users.rows.update(forgotten, { passwordHash });
      if (affected !== 1) throw new UnauthorizedException();
    });
  }

  private async send(username: string): Promise<void> {
    const user = await this.users.rows.findOneBy({ username });
    if (!user) return;
    const claims = { sub: String(user.id), replaces: fingerprintOf(user) };
    await this.mailer.sendLink(user, await this.links.signAsync(claims, { expiresIn: '15m' }));
  }

  private async userOf(token: string): Promise<User> {
    const { sub, replaces } = await this.links.verifyAsync(token, { algorithms: ['HS256'] }).catch(() => {
      throw new UnauthorizedException();
    });
    const user = await this.users.findById(String(sub));
    if (user && fingerprintOf(user) === replaces) return user;
    throw new UnauthorizedException();
  }
}
/** End of recipe */

/** Recipe: a limit for introspect and revoke */
export const limitedClients: JwtKnoxExtras = {
  imports: [ThrottlerModule.forRoot({ throttlers: [{ ttl: seconds(60), limit: 300 }] })],
  routes: { oauth: true, guards: { introspect: [ThrottlerGuard], revoke: [ThrottlerGuard] } },
};
/** End of recipe */

/** Recipe: login by OAuth */
@Controller('oauth')
export class OAuthLoginController {
  constructor(
    private readonly oauth: OAuthClient,
    private readonly logins: PendingLogins,
    private readonly users: Users,
    private readonly tokens: TokenService<User>,
  ) {}

  @Public()
  @Get('login')
  @Redirect()
  async login(@Res({ passthrough: true }) response: any) {
    const state = randomUUID();
    // Now, not in the callback: when the user's sessions are ended in between, this login must end too.
    await this.logins.keep(state, await this.tokens.arrival());
    response.header('Set-Cookie', `oauth_state=${state}; Path=/oauth; Max-Age=600; HttpOnly; Secure; SameSite=Lax`);
    return { url: this.oauth.authorizationUrl(state) };
  }

  @Public()
  @Get('callback')
  @Header('Cache-Control', 'no-store')
  async callback(@Query('code') code: string, @Query('state') state: string, @Req() request: any) {
    // The browser that began the login, or somebody could log a victim in to an account of theirs.
    const [, begun] = /(?:^|; )oauth_state=([^;]+)/.exec(request.headers.cookie ?? '') ?? [];
    const arrival = begun === state ? await this.logins.take(state) : null;
    if (!arrival) throw new UnauthorizedException();
    const { subject } = await this.oauth.exchange(code);
    const user = await this.users.rows.findOneBy({ username: subject });
    if (!user) throw new UnauthorizedException();
    const device = { userAgent: request.headers['user-agent'], ip: request.ip };
    return tokenResponseBody(await this.tokens.issue(user, device, { arrival }));
  }
}
/** End of recipe */

/** Recipe: clients that hang up, on Fastify */
@Catch()
export class QuietHangUps extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    // The client is gone in the middle of its body: nobody is there to be answered.
    if (host.getType() === 'http' && (error as { code?: unknown } | undefined)?.code === 'ECONNRESET') {
      const { raw } = host.switchToHttp().getRequest<{ raw: IncomingMessage }>();
      if (raw.destroyed && !raw.complete) return;
    }
    super.catch(error, host);
  }
}
/** End of recipe */
