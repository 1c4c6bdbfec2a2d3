import { Controller, Get, Inject, Optional, Post, Req, Res } from '@nestjs/common';
import { InvalidCredentialsError, InvalidRequestError } from '../contracts/errors';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import { currentSessionOf } from '../guard/authenticated-request';
import { checked, formOf } from '../guard/request-body';
import { presenterOf } from '../guard/request-context';
import { RequirePerson } from '../guard/route-rights';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { PasswordDto } from '../routes/dto';
import { OwnSessions } from '../routes/own-sessions';
import { TokenResponder } from '../routes/token-responder';
import { Reauthentication } from '../sessions/reauthentication';
import { DevicesView } from './devices-view';
import { countOf, rootOf } from './page-address';
import type { PageLanguage } from './page-language';
import { PageRenderer } from './page-renderer';
import { seeOther } from './page-response';
import { PageRoute } from './page-route';

/** What ends sessions on other devices, and may want a fresh proof of credentials. */
const ENDS = ['end', 'end-others', 'end-all'];

/** `GET devices`, and what its forms do. */
@Controller()
@RequirePerson()
@PageRoute()
export class DevicesPage {
  constructor(
    private readonly pages: PageRenderer,
    private readonly view: DevicesView,
    private readonly own: OwnSessions,
    private readonly responder: TokenResponder,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    @Optional() private readonly reauthentication?: Reauthentication,
  ) {}

  @Get('devices')
  async devices(@Req() request: any, @Res() response: unknown): Promise<void> {
    await this.view.show(request, response, { done: doneIn(request, this.pages.languageOf(request)) });
  }

  @Post('pages/devices')
  async change(@Req() request: any, @Res() response: unknown): Promise<void> {
    const form = formOf(request);
    try {
      const isProven = await this.proved(form, request, response);
      seeOther(response, await this.changed(form, { request, response, isProven }));
    } catch (error) {
      if (!(error instanceof InvalidCredentialsError)) throw error;
      await this.view.show(request, response, { problem: 'devices.wrongPassword', status: error.status });
    }
  }

  /**
   * Whether the form carries a proof of the credentials that what it asks for wants: then the session has new keys.
   * @throws InvalidCredentialsError for a wrong password, or none
   */
  private async proved(form: Record<string, string>, request: JwtKnoxRequest, response: unknown): Promise<boolean> {
    const session = currentSessionOf(request);
    const { action = '', id } = form;
    const isOwn = action === 'end' && id === session.id;
    if (!ENDS.includes(action) || isOwn || !this.own.needsProof(session)) return false;
    if (!this.reauthentication || this.options.routes.hasLoginGuards) return false;
    const password = passwordIn(form);
    const proof = { session, user: request.user, password, request, presenter: presenterOf(request) };
    await this.responder.answer(await this.reauthentication.byPassword(proof), request, response);
    return true;
  }

  /** Does what a form asks for; returns where to go on. */
  private async changed(
    form: Record<string, string>,
    { request, response, isProven }: { request: unknown; response: unknown; isProven: boolean },
  ): Promise<string> {
    const { action, id = '', device_name: name = '' } = form;
    const [login, devices] = [this.pages.loginUrl(request, null), `${rootOf(request)}devices`];
    switch (action) {
      case 'end':
        await this.own.end(id, request, response, isProven);
        return id === currentSessionOf(request).id ? login : `${devices}?ended=1`;
      case 'rename':
        await this.own.rename(id, name, request);
        return `${devices}?renamed`;
      case 'end-others':
        return `${devices}?ended=${await this.own.endOthers(request, isProven)}`;
      case 'end-all':
        await this.own.endAll(request, response, isProven);
        return login;
      default:
        throw new InvalidRequestError('action must be end, rename, end-others or end-all.');
    }
  }
}

/** @throws InvalidCredentialsError for what can be no password */
export function passwordIn(form: Record<string, string>): string {
  try {
    return checked(PasswordDto, form).password;
  } catch {
    throw new InvalidCredentialsError();
  }
}

/** What the form before this page has done. */
function doneIn(request: any, language: PageLanguage): string | null {
  const ended = countOf(request, 'ended');
  if (ended !== null) return language.counted('devices.ended', ended);
  const { query } = request;
  if (Object.hasOwn(Object(query), 'token-ended')) return language.text('programs.ended');
  return Object.hasOwn(Object(query), 'renamed') ? language.text('devices.renamed') : null;
}
