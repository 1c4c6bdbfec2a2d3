import {
  applyDecorators,
  type ArgumentsHost,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  HttpStatus,
  Injectable,
  Logger,
  type Type,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { BindingRequiredError } from '../contracts/binding-errors';
import { CrossOriginRefusedError } from '../contracts/cross-origin-error';
import { UnauthorizedError } from '../contracts/errors';
import { line } from '../contracts/log-line';
import { TokenTransport } from '../contracts/token-transport';
import { requestContextOf } from '../guard/request-context';
import { REFUSALS } from '../routes/auth.controller';
import { JwtKnoxRoute } from '../routes/knox-routes';
import { returnPathOf, rootOf } from './page-address';
import { PageRenderer } from './page-renderer';
import { seeOther, sendPage } from './page-response';

/** Marks the one reload that a link of another site gets. */
const RELOADED = 'reloaded';

const EXPLAINED = [400, 403, 404, 413, 415, 429, 503] as const;

/** What goes wrong on a page is told by a page; who is not logged in is sent to the login. */
@Catch(HttpException)
export class PageErrors implements ExceptionFilter<HttpException> {
  private readonly logger = new Logger('JwtKnox');

  constructor(
    private readonly pages: PageRenderer,
    private readonly transport: TokenTransport,
  ) {}

  /** Nest does not wait for it, so that nothing may be thrown. */
  async catch(error: HttpException, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const [request, response] = [http.getRequest<any>(), http.getResponse<any>()];
    // Answered already, by a time-out of the application's for example.
    if ((response.raw ?? response).headersSent) return;
    try {
      await this.answer(error, request, response);
    } catch (failure) {
      this.logger.error(
        line('error-page-failed', 'The page about an error failed'),
        (failure as Error)?.stack ?? failure,
      );
      sendPage(response, HttpStatus.INTERNAL_SERVER_ERROR, '');
    }
  }

  private async answer(error: HttpException, request: any, response: any): Promise<void> {
    if (!(error instanceof UnauthorizedError)) return this.explain(error, request, response);
    this.pages.setHeaders(response);
    const delay = isEarly(error) && response.getHeader('Refresh') !== undefined ? 1 : 0;
    if (delay > 0 || comesFromElsewhere(request))
      return showReload(this.pages, request, response, { status: HttpStatus.UNAUTHORIZED, delay });
    await expireRefused(this.transport, { request, response }, error);
    seeOther(response, this.pages.loginUrl(request, returnPathOf(request)));
  }

  private explain(error: HttpException, request: any, response: unknown): Promise<void> {
    const language = this.pages.languageOf(request);
    const status = error.getStatus();
    const known = EXPLAINED.find((one) => one === status) ?? 'other';
    const problem = language.text(error instanceof CrossOriginRefusedError ? 'error.crossOrigin' : `error.${known}`);
    // Whoever may not see the administration has no way back to it.
    const isAdmin = status !== 403 && /\/admin(?:\/|$)/.test(returnPathOf(request).split('?', 1)[0]!);
    const data = { problem, back: rootOf(request) + (isAdmin ? 'admin' : 'devices') };
    return this.pages.show(request, response, { name: 'error', title: language.text('error.title'), status, data });
  }
}

/** Whether the login is good, and its browser may be about to bind it. */
function isEarly(error: unknown): boolean {
  return error instanceof BindingRequiredError && error.refusal === 'not_bound';
}

/** Whether this is a link of another site, or leads on from one, and has not been reloaded yet. */
export function comesFromElsewhere(request: any): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers;
  const isLink = request.method === 'GET' && mode === 'navigate' && (site === 'cross-site' || site === 'same-site');
  return isLink && !isReloaded(request);
}

export const isReloaded = (request: any): boolean => Object.hasOwn(Object(request.query), RELOADED);

/**
 * A link of another site brings no cookie that is `Strict`, and no bound session is renewed for it. A reload comes from
 * this site, and brings all.
 */
export function showReload(
  pages: PageRenderer,
  request: any,
  response: any,
  { status, delay = 0 }: { status: number; delay?: number },
): Promise<void> {
  // The page reloads itself, to an address that says so.
  response.removeHeader('Refresh');
  const path = returnPathOf(request);
  const reload = `${path}${path.includes('?') ? '&' : '?'}${RELOADED}`;
  const title = pages.languageOf(request).text('reload.title');
  return pages.show(request, response, { name: 'reload', title, status, data: { reload, delay } });
}

/** The cookies of a session that ended go when its refresh token was refused for good, in place of an access token. */
export async function expireRefused(
  transport: TokenTransport,
  { request, response }: { request: unknown; response: unknown },
  { cause }: UnauthorizedError,
): Promise<void> {
  const refusal = REFUSALS.some((one) => cause instanceof one) && (cause as UnauthorizedError);
  // A key that does not match may be one whose successor got lost: a client of this browser will ask for it once more.
  if (refusal && refusal.reason !== 'key_mismatch') await transport.clear(response, request);
}

/** First on a page, so that refusals carry its headers too. */
@Injectable()
export class PageHeaders implements CanActivate {
  constructor(private readonly pages: PageRenderer) {}

  canActivate(context: ExecutionContext): boolean {
    this.pages.setHeaders(requestContextOf(context).response);
    return true;
  }
}

/** What all pages share; further guards run after the JwtKnoxGuard. */
export const PageRoute = (...guards: Type<CanActivate>[]) =>
  applyDecorators(UseGuards(PageHeaders), JwtKnoxRoute(...guards), UseFilters(PageErrors));
