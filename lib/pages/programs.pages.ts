import { Controller, HttpStatus, Post, Req, Res } from '@nestjs/common';
import { InvalidCredentialsError, InvalidRequestError, SessionLimitReachedError } from '../contracts/errors';
import { InsufficientScopeError, InsufficientUserAuthenticationError } from '../contracts/rights-errors';
import { checked, formOf } from '../guard/request-body';
import { RequireLogin } from '../guard/route-rights';
import { ProgramTokenDto } from '../routes/dto';
import { GuardedAs } from '../routes/knox-routes';
import { OwnPrograms } from '../routes/own-programs';
import { DevicesView, type Outcome } from './devices-view';
import { passwordIn } from './devices.pages';
import { PageRoute } from './page-route';

/** What makes a token for a program, on the page of devices; throttled as the login is. */
@Controller()
@RequireLogin()
@PageRoute()
@GuardedAs('reauthenticate')
export class ProgramForms {
  constructor(
    private readonly view: DevicesView,
    private readonly own: OwnPrograms,
  ) {}

  /** Answered by the page itself: a token that is shown once must not be in a URL. */
  @Post('pages/tokens')
  async make(@Req() request: any, @Res() response: unknown): Promise<void> {
    const form = formOf(request);
    await this.view.show(request, response, await this.made(form, request));
  }

  private async made(form: Record<string, string>, request: any): Promise<Outcome> {
    try {
      const order = orderIn(form);
      return { token: (await this.own.make(order, () => passwordIn(form), request)).accessToken };
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      return { problem, status: (error as { status?: number }).status ?? HttpStatus.BAD_REQUEST };
    }
  }
}

/** Scopes are boxes that are ticked, `scope:orders:read`, or a line of text. */
function orderIn(form: Record<string, string>): ProgramTokenDto {
  const ticked = Object.keys(form).filter((name) => name.startsWith('scope:'));
  const written = (form.scopes ?? '').split(/\s+/).filter(Boolean);
  const scopes = [...ticked.map((name) => name.slice('scope:'.length)), ...written];
  const seconds = form.expires_in ? { expires_in: Number(form.expires_in) } : {};
  return checked(ProgramTokenDto, { name: form.name, scopes, ...seconds });
}

function problemOf(error: unknown) {
  if (error instanceof InvalidCredentialsError) return 'devices.wrongPassword';
  if (error instanceof SessionLimitReachedError) return 'programs.limit';
  if (error instanceof InsufficientUserAuthenticationError) return 'programs.notFresh';
  return error instanceof InvalidRequestError || error instanceof InsufficientScopeError ? 'programs.refused' : null;
}
