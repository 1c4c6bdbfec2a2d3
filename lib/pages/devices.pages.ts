import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { InvalidCredentialsError, InvalidRequestError } from '../contracts/errors';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import { TokenTransport } from '../contracts/token-transport';
import { currentSessionOf } from '../guard/authenticated-request';
import type { CookieTransport } from '../guard/cookie.transport';
import { checked, formOf } from '../guard/request-body';
import { presenterOf } from '../guard/request-context';
import { RequireLogin, RequirePerson } from '../guard/route-rights';
import { PasswordDto } from '../routes/dto';
import { GuardedAs } from '../routes/knox-routes';
import { TokenResponder } from '../routes/token-responder';
import { Reauthentication } from '../sessions/reauthentication';
import { DeviceActions } from './device-actions';
import { DevicesView } from './devices-view';
import { countOf } from './page-address';
import type { PageLanguage } from './page-language';
import { PageRenderer } from './page-renderer';
import { seeOther } from './page-response';
import { PageRoute } from './page-route';

/** `GET devices`, and what its forms do. */
@Controller()
@RequirePerson()
@PageRoute()
export class DevicesPage {
  constructor(
    private readonly pages: PageRenderer,
    private readonly view: DevicesView,
    private readonly forms: DeviceActions,
  ) {}

  @Get('devices')
  async devices(@Req() request: any, @Res() response: unknown): Promise<void> {
    await this.view.show(request, response, { done: doneIn(request, this.pages.languageOf(request)) });
  }

  @Post('pages/devices')
  async change(@Req() request: any, @Res() response: unknown): Promise<void> {
    seeOther(response, await this.forms.run(formOf(request), { request, response, isProven: false }));
  }
}

/** The same forms with a password, which a fresh login would make unnecessary; throttled as the login is. */
@Controller()
@RequireLogin()
@PageRoute()
@GuardedAs('reauthenticate')
export class ConfirmedForms {
  constructor(
    private readonly view: DevicesView,
    private readonly forms: DeviceActions,
    private readonly transport: TokenTransport,
    private readonly responder: TokenResponder,
    private readonly reauthentication: Reauthentication,
  ) {}

  @Post('pages/devices/confirmed')
  async change(@Req() request: JwtKnoxRequest, @Res() response: unknown): Promise<void> {
    const form = formOf(request);
    // Its new keys would be in cookies that nobody takes.
    if (!(this.transport as CookieTransport).takesCookies(request)) {
      throw new InvalidRequestError('This form is for browsers; a program sends POST reauthenticate.');
    }
    try {
      await this.prove(form, request, response);
    } catch (error) {
      if (!(error instanceof InvalidCredentialsError)) throw error;
      return this.view.show(request, response, { problem: 'devices.wrongPassword', status: error.status });
    }
    seeOther(response, await this.forms.run(form, { request, response, isProven: true }));
  }

  /** @throws InvalidCredentialsError for a wrong password, or none */
  private async prove(form: Record<string, string>, request: JwtKnoxRequest, response: unknown): Promise<void> {
    const password = passwordIn(form);
    const presenter = presenterOf(request);
    const proof = { session: currentSessionOf(request), user: request.user, password, request, presenter };
    await this.responder.answer(await this.reauthentication.byPassword(proof), request, response);
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
