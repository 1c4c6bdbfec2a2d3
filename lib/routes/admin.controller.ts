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
import { ForbiddenError } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import { cleanPresenter } from '../contracts/device';
import type { Session } from '../contracts/session';
import { UserProvider } from '../contracts/user-provider';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { SessionAdminService, type SessionStatistics } from '../sessions/session-admin.service';
import { JwtKnoxRoute } from './knox-routes';
import { actorOf } from '../guard/authenticated-request';
import { CurrentSession } from '../guard/decorators';
import { PathParameters, QueryParameters } from '../guard/request-body';
import { SessionsQueryDto, UserIdDto, UserQueryDto } from './dto';
import { pathOf, requestContextOf } from '../guard/request-context';
import { answerPage, isoTime, pageQuery, sessionBody } from './session-response';

/** Lets in whom the host's user provider calls an admin. Runs after the JwtKnoxGuard. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly users: UserProvider,
    private readonly events: JwtKnoxEvents,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws ForbiddenError */
  canActivate(context: ExecutionContext): boolean {
    const { request, presenter } = requestContextOf(context);
    if (this.users.isAdmin(request.user) === true) return true;
    const { id: sessionId, userId } = request.knox.session as Session;
    // OWASP ASVS 5.0, 16.3.2.
    this.events.emit('access.forbidden', {
      userId,
      sessionId,
      presenter: cleanPresenter(presenter, this.options.session.ipAddress),
      method: request.method,
      path: pathOf(request),
    });
    throw new ForbiddenError();
  }
}

/** `admin/*`, off by default. */
@JwtKnoxRoute(AdminGuard)
export class AdminController {
  constructor(
    private readonly admin: SessionAdminService,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  @Get('admin/statistics')
  async statistics(@QueryParameters(UserQueryDto) query: UserQueryDto) {
    return statisticsBody(await this.admin.statistics(query.user_id));
  }

  @Post('admin/purge-expired')
  @HttpCode(HttpStatus.OK)
  async purge() {
    return { deleted: await this.admin.purgeExpired() };
  }

  @Get('admin/users/:user_id/sessions')
  async sessions(
    @PathParameters(UserIdDto) { user_id: userId }: UserIdDto,
    @QueryParameters(SessionsQueryDto) query: SessionsQueryDto,
    @CurrentSession() current: Session,
    @Req() request: any,
    @Res({ passthrough: true }) response: any,
  ) {
    const now = this.options.clock.now();
    const wanted = pageQuery(query);
    const page = answerPage(await this.admin.list(userId, wanted), wanted.limit, request, response);
    return page.map((session) => ({
      ...sessionBody(session, current.id),
      user_id: session.userId,
      expired: session.expiresAt <= now,
    }));
  }

  @Delete('admin/users/:user_id/sessions')
  @HttpCode(HttpStatus.OK)
  async revoke(@PathParameters(UserIdDto) { user_id: userId }: UserIdDto, @CurrentSession() current: Session) {
    return { revoked: await this.admin.revokeAll(userId, actorOf(current)) };
  }
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
