import {
  type CanActivate,
  Delete,
  type ExecutionContext,
  Get,
  HttpCode,
  HttpStatus,
  Inject,
  Injectable,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { ForbiddenError } from '../contracts/rights-errors';
import { TokenTransport } from '../contracts/token-transport';
import { UserProvider } from '../contracts/user-provider';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { SessionAdminService, type SessionStatistics } from '../sessions/session-admin.service';
import { RightsCheck } from '../guard/rights-check';
import { JwtKnoxRoute } from './knox-routes';
import { actorOf, currentSessionOf } from '../guard/authenticated-request';
import { pathParametersOf, queryOf } from '../guard/request-body';
import { RequireLogin } from '../guard/route-rights';
import { SessionsQueryDto, UserIdDto, UserQueryDto } from './dto';
import { requestContextOf } from '../guard/request-context';
import { answerPage, isoTime, pageQuery, sessionBody } from './session-response';

/** Lets in whom the host's user provider calls an admin. Runs after the JwtKnoxGuard. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly users: UserProvider,
    private readonly rights: RightsCheck,
  ) {}

  /** @throws ForbiddenError */
  canActivate(context: ExecutionContext): boolean {
    const found = requestContextOf(context);
    const session = currentSessionOf(found.request);
    if (this.users.isAdmin(found.request.user) === true) return true;
    this.rights.report(found, session, 'no_admin');
    throw new ForbiddenError();
  }
}

const SESSIONS = ['admin/users/:user_id/sessions', 'admin/sessions'];

/** `admin/*`, off by default. */
@RequireLogin()
@JwtKnoxRoute(AdminGuard)
export class AdminController {
  constructor(
    private readonly admin: SessionAdminService,
    private readonly transport: TokenTransport,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  @Get('admin/statistics')
  async statistics(@Req() request: unknown) {
    return statisticsBody(await this.admin.statistics(queryOf(request, UserQueryDto).user_id));
  }

  @Post('admin/purge-expired')
  @HttpCode(HttpStatus.OK)
  async purge() {
    return { deleted: await this.admin.purgeExpired() };
  }

  @Get(SESSIONS)
  async sessions(@Req() request: any, @Res({ passthrough: true }) response: unknown) {
    const now = this.options.clock.now();
    const userId = userIdOf(request);
    const wanted = pageQuery(queryOf(request, SessionsQueryDto));
    const others = request.params.user_id === undefined ? { user_id: userId } : {};
    const page = answerPage(await this.admin.list(userId, wanted), wanted.limit, response, others);
    return page.map((session) => ({
      ...sessionBody(session, currentSessionOf(request).id),
      user_id: session.userId,
      expired: session.expiresAt <= now,
    }));
  }

  @Delete(SESSIONS)
  @HttpCode(HttpStatus.OK)
  async revoke(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    const current = currentSessionOf(request);
    const userId = userIdOf(request);
    const revoked = await this.admin.revokeAll(userId, actorOf(current));
    if (userId === current.userId) await this.transport.clear(response, request);
    return { revoked };
  }
}

/** By path; or by query, which frameworks let be longer than a part of a path (100 characters in Fastify). */
export function userIdOf(request: any): string {
  const { user_id: userId } =
    request.params.user_id === undefined ? queryOf(request, UserIdDto) : pathParametersOf(request, UserIdDto);
  return userId;
}

function statisticsBody(statistics: SessionStatistics) {
  return {
    users: statistics.users.all,
    sessions: statistics.sessions,
    average_per_user: statistics.averagePerUser,
    max_active_per_user: statistics.maxActivePerUser,
    by_user_agent: statistics.byUserAgent.map(({ userAgent, active }) => ({ user_agent: userAgent, active })),
    generated_at: isoTime(statistics.generatedAt),
  };
}
