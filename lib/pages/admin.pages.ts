import { Controller, Get, Inject, NotFoundException, Post, Req, Res } from '@nestjs/common';
import { TokenTransport } from '../contracts/token-transport';
import { actorOf, currentSessionOf } from '../guard/authenticated-request';
import { RequireLogin } from '../guard/route-rights';
import { checked, formOf } from '../guard/request-body';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { AdminGuard, userIdOf } from '../routes/admin.controller';
import { UserIdDto } from '../routes/dto';
import { SessionAdminService, type SessionStatistics } from '../sessions/session-admin.service';
import { type Ending, SessionRevoker } from '../sessions/session-revoker';
import { countOf, rootOf } from './page-address';
import { PageRenderer } from './page-renderer';
import { seeOther } from './page-response';
import { PageRoute } from './page-route';
import { MOST, newestOf, viewOf } from './session-view';
import { barsOf, tilesOf } from './statistics-view';

/** Why an administrator ends sessions; the first unless they say so. */
const REASONS = ['admin', 'revoked', 'credentials_changed', 'user_disabled'] as const;

/** `GET admin` and `GET admin/users/:id`. */
@Controller()
@RequireLogin()
@PageRoute(AdminGuard)
export class AdminPages {
  constructor(
    private readonly pages: PageRenderer,
    private readonly admin: SessionAdminService,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  @Get('admin')
  async statistics(@Req() request: any, @Res() response: unknown): Promise<void> {
    const statistics: SessionStatistics = await this.admin.statistics();
    const language = this.pages.languageOf(request);
    const bars = barsOf(statistics, language, this.pages.descriptions);
    const purged = countOf(request, 'purged');
    const data = {
      tiles: tilesOf(statistics, language),
      bars,
      summary: bars.map(({ name, count }) => `${name}: ${count}`).join(', '),
      done: purged === null ? null : language.counted('admin.purged', purged),
    };
    await this.pages.show(request, response, { name: 'admin', title: language.text('admin.title'), data });
  }

  /** By query, for ids that are too long for a part of a path. */
  @Get('admin/users')
  found(@Req() request: any, @Res() response: unknown): Promise<void> {
    return this.showUser(userIdOf({ params: {}, query: request.query }), request, response);
  }

  @Get('admin/users/:user_id')
  user(@Req() request: any, @Res() response: unknown): Promise<void> {
    return this.showUser(userIdOf(request), request, response);
  }

  private async showUser(userId: string, request: any, response: unknown): Promise<void> {
    const sessions = await this.admin.list(userId, { limit: MOST + 1 });
    const { pages } = this;
    const language = pages.languageOf(request);
    const now = this.options.clock.now();
    const viewing = { currentId: currentSessionOf(request).id, now, language, descriptions: pages.descriptions };
    const ended = countOf(request, 'ended');
    const data = {
      userId,
      sessions: sessions.slice(0, MOST).map((one) => viewOf(one, viewing)),
      newest: newestOf(sessions, language),
      reasons: REASONS.map((value) => ({ value, text: language.text(`reason.${value}`) })),
      done: ended === null ? null : language.counted('admin.ended', ended),
    };
    await pages.show(request, response, { name: 'user', title: language.text('user.title', { user: userId }), data });
  }
}

/** What the forms of these pages do. */
@Controller()
@RequireLogin()
@PageRoute(AdminGuard)
export class AdminForms {
  constructor(
    private readonly pages: PageRenderer,
    private readonly admin: SessionAdminService,
    private readonly revoker: SessionRevoker,
    private readonly transport: TokenTransport,
  ) {}

  @Post('pages/admin/purge')
  async purge(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    seeOther(response, `${rootOf(request)}admin?purged=${await this.admin.purgeExpired()}`);
  }

  @Post('pages/admin/end')
  async end(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const { id = '', ...form } = formOf(request);
    const { user_id: userId } = checked(UserIdDto, form);
    if (!(await this.revoker.one(id, userId, endingOf(form, request)))) throw new NotFoundException();
    await this.goOn({ userId, count: 1, endedOwn: id === currentSessionOf(request).id }, request, response);
  }

  @Post('pages/admin/end-all')
  async endAll(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const form = formOf(request);
    const { user_id: userId } = checked(UserIdDto, form);
    const count = await this.revoker.all(userId, endingOf(form, request));
    await this.goOn({ userId, count, endedOwn: userId === currentSessionOf(request).userId }, request, response);
  }

  private async goOn(
    { userId, count, endedOwn }: { userId: string; count: number; endedOwn: boolean },
    request: unknown,
    response: unknown,
  ): Promise<void> {
    if (endedOwn) {
      await this.transport.clear(response, request);
      return seeOther(response, this.pages.loginUrl(request, null));
    }
    const query = new URLSearchParams({ user_id: userId, ended: String(count) });
    seeOther(response, `${rootOf(request)}admin/users?${query.toString()}`);
  }
}

function endingOf({ reason }: Record<string, string>, request: unknown): Ending {
  return { reason: REASONS.find((one) => one === reason) ?? REASONS[0], actor: actorOf(currentSessionOf(request)) };
}
