import { Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import { InvalidRequestError } from '../contracts/errors';
import { deadlineOf, currentSessionOf } from '../guard/authenticated-request';
import { formOf } from '../guard/request-body';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { OwnSessions } from '../routes/own-sessions';
import { SessionList } from '../sessions/session-list';
import { countOf, rootOf } from './page-address';
import type { PageLanguage } from './page-language';
import { PageRenderer } from './page-renderer';
import { seeOther } from './page-response';
import { PageRoute } from './page-route';
import { viewOf } from './session-view';

/** So many are shown. */
const MOST = 100;

/** `GET devices`, and what its forms do. */
@Controller()
@PageRoute()
export class DevicesPage {
  constructor(
    private readonly pages: PageRenderer,
    private readonly list: SessionList,
    private readonly own: OwnSessions,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  @Get('devices')
  async devices(@Req() request: any, @Res() response: unknown): Promise<void> {
    const current = currentSessionOf(request);
    const found = await this.list.of(current.userId, { limit: MOST + 1 }, deadlineOf(request));
    const others = found.filter(({ id }) => id !== current.id);
    const { pages } = this;
    const language = pages.languageOf(request);
    const now = this.options.clock.now();
    const viewing = { currentId: current.id, now, language, descriptions: pages.descriptions };
    // Of the present session, the list knows the last use better.
    const mine = found.find(({ id }) => id === current.id) ?? current;
    const count = language.number(MOST);
    const data = {
      current: [viewOf(mine, viewing)],
      others: others.slice(0, MOST).map((one) => viewOf(one, viewing)),
      newest: others.length > MOST ? language.text('devices.newest', { count }) : null,
      notices: (await pages.options.notices?.(request.user)) ?? [],
      done: doneIn(request, language),
    };
    await pages.show(request, response, { name: 'devices', title: language.text('devices.title'), data });
  }

  @Post('pages/devices')
  async change(@Req() request: any, @Res() response: unknown): Promise<void> {
    const form = formOf(request);
    seeOther(response, await this.changed(form, request, response));
  }

  /** Does what a form asks for; returns where to go on. */
  private async changed(form: Record<string, string>, request: unknown, response: unknown): Promise<string> {
    const { action, id = '', device_name: name = '' } = form;
    const [login, devices] = [this.pages.loginUrl(request, null), `${rootOf(request)}devices`];
    switch (action) {
      case 'end':
        await this.own.end(id, request, response);
        return id === currentSessionOf(request).id ? login : `${devices}?ended=1`;
      case 'rename':
        await this.own.rename(id, name, request);
        return `${devices}?renamed`;
      case 'end-others':
        return `${devices}?ended=${await this.own.endOthers(request)}`;
      case 'end-all':
        await this.own.endAll(request, response);
        return login;
      default:
        throw new InvalidRequestError('action must be end, rename, end-others or end-all.');
    }
  }
}

/** What the form before this page has done. */
function doneIn(request: any, language: PageLanguage): string | null {
  const ended = countOf(request, 'ended');
  if (ended !== null) return language.counted('devices.ended', ended);
  return Object.hasOwn(Object(request.query), 'renamed') ? language.text('devices.renamed') : null;
}
