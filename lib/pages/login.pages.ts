import { Controller, Get, Header, HttpStatus, Post, Req, Res } from '@nestjs/common';
import {
  InvalidCredentialsError,
  InvalidRequestError,
  JwtKnoxError,
  SessionLimitReachedError,
  UnauthorizedError,
  UnavailableError,
} from '../contracts/errors';
import { tokenOrNull, TokenTransport } from '../contracts/token-transport';
import { CookieTransport } from '../guard/cookie.transport';
import { Public } from '../guard/decorators';
import { ErrorHeaders } from '../guard/error-headers.interceptor';
import { OriginGuard } from '../guard/origin.guard';
import { checked, formOf } from '../guard/request-body';
import { RequestAuthenticator } from '../guard/request-authenticator';
import { deviceOf, RequestContext } from '../guard/request-context';
import { LoginDto } from '../routes/dto';
import { GuardedAs } from '../routes/knox-routes';
import { TokenResponder } from '../routes/token-responder';
import { Logins } from '../sessions/logins';
import { nextPathOf, rootOf } from './page-address';
import { PageRenderer } from './page-renderer';
import { seeOther } from './page-response';
import { comesFromElsewhere, expireRefused, isReloaded, PageRoute, showReload } from './page-route';
import { STYLE_SHEET, STYLE_SHEET_NAME } from './templates/style-sheet';

const LONGEST_USERNAME = 1_024;

/** What stays in the form when a login is refused. */
interface Kept {
  username: string;
  next: string | null;
  /** Whether a page was left because its session has ended. */
  isEnded?: boolean;
}

/** `GET login`. */
@Controller()
@PageRoute()
export class LoginPage {
  constructor(
    private readonly pages: PageRenderer,
    private readonly transport: TokenTransport,
    private readonly authenticator: RequestAuthenticator,
  ) {}

  @Get('login')
  @Public()
  async login(@Req() request: any, @Res() response: unknown): Promise<void> {
    const next = nextPathOf(request.query?.next);
    const hasCookie = () => tokenOrNull(this.transport.readReplaced(request)) !== null;
    if (comesFromElsewhere(request) && !hasCookie())
      return showReload(this.pages, request, response, { status: HttpStatus.OK });
    // Once only: where a page sends those back who are logged in, they see the form.
    if (isReloaded(request) && hasCookie() && (await this.isLoggedIn(request, response)))
      return seeOther(response, next ?? `${rootOf(request)}devices`);
    const isEnded = Object.hasOwn(Object(request.query), 'ended');
    return showLogin(this.pages, { request, response }, { username: '', next, isEnded });
  }

  private async isLoggedIn(request: unknown, response: unknown): Promise<boolean> {
    try {
      await this.authenticator.authenticate(new RequestContext(request, response));
      return true;
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await expireRefused(this.transport, { request, response }, error);
      return false;
    }
  }
}

/** `POST pages/login`, behind your own guards of the route `login`. */
@Controller()
@PageRoute(OriginGuard)
@GuardedAs('login')
export class LoginForm {
  constructor(
    private readonly pages: PageRenderer,
    private readonly logins: Logins,
    private readonly responder: TokenResponder,
    private readonly transport: TokenTransport,
    private readonly errorHeaders: ErrorHeaders,
  ) {}

  @Post('pages/login')
  @Public()
  async login(@Req() request: any, @Res() response: unknown): Promise<void> {
    const { username = '', password, remember, next: wanted } = formOf(request);
    const next = nextPathOf(wanted);
    if (!(this.transport as CookieTransport).takesCookies(request))
      throw new InvalidRequestError('This form is for browsers; a program logs in with POST login.');
    try {
      const credentials = checked(LoginDto, { username, password });
      const overrides = { remember: remember !== undefined };
      const tokens = await this.logins.login(credentials, deviceOf(request), request, overrides);
      await this.responder.answerLogin(tokens, request, response);
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      this.errorHeaders.set(response, error);
      const kept = { username: username.length > LONGEST_USERNAME ? '' : username, next };
      return showLogin(this.pages, { request, response }, kept, { problem, status: (error as JwtKnoxError).status });
    }
    seeOther(response, next ?? `${rootOf(request)}devices`);
  }
}

/** The style sheet. Its name changes with its content. */
@Controller()
export class StyleSheet {
  @Get(`pages/${STYLE_SHEET_NAME}`)
  @Public()
  @Header('Cache-Control', 'public, max-age=31536000, immutable')
  @Header('X-Content-Type-Options', 'nosniff')
  get(@Res() response: any): void {
    response.header('Content-Type', 'text/css; charset=utf-8');
    response.status(200).send(STYLE_SHEET);
  }
}

function showLogin(
  pages: PageRenderer,
  { request, response }: { request: unknown; response: unknown },
  kept: Kept,
  refusal?: { problem: Problem; status: number },
): Promise<void> {
  const language = pages.languageOf(request);
  const problem = refusal ? language.text(refusal.problem) : null;
  const data = { isEnded: false, ...kept, problem };
  return pages.show(request, response, {
    name: 'login',
    title: language.text('login.title'),
    status: refusal?.status,
    data,
  });
}

type Problem = 'login.refused' | 'login.limit' | 'error.503';

/** One sentence for what a person can do something about; what is wrong with the credentials, it does not say. */
function problemOf(error: unknown): Problem | null {
  if (error instanceof InvalidCredentialsError || error instanceof InvalidRequestError) return 'login.refused';
  if (error instanceof SessionLimitReachedError) return 'login.limit';
  return error instanceof UnavailableError ? 'error.503' : null;
}
