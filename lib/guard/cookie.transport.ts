import { Logger } from '@nestjs/common';
import { CrossOriginRefusedError } from '../contracts/cross-origin-error';
import { InvalidRequestError, JwtKnoxConfigurationError } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { line } from '../contracts/log-line';
import {
  type BoundCookie,
  type CredentialUse,
  TokenTransport,
  type TransportDescription,
  type TransportSettings,
} from '../contracts/token-transport';
import { BearerTransport, hasTokenScheme, headerCount } from './bearer.transport';
import { CookieJar } from './cookie-jar';
import { type CookieTransportOptions, cookieProblems } from './cookie.options';
import { canChange, hostOf, isCrossOrigin, type TrustedOrigins } from './cross-origin';
import type { TokenResponseBody } from './token-response';
import { addHeader, addVary, setHeader } from './error-headers.interceptor';

/** Seconds that an access token outlives the cookie of a bound session. */
const BOUND_MARGIN = 30;

/** The body that answers a login or refresh in a browser: no token is in reach of a script. Lifetimes in seconds. */
export type CookieResponseBody = Omit<TokenResponseBody, 'access_token' | 'refresh_token'>;

/**
 * Tokens in cookies that no script can read (`HttpOnly`), for browsers; what is no browser goes on with the `Authorization`
 * header. Pages of other sites cannot use the cookies: what would change something is refused before any query.
 * @throws JwtKnoxConfigurationError for options that contradict each other
 * @example
 * JwtKnoxModule.forRoot({ secret, userProvider: KnoxUsers, transport: new CookieTransport() });
 */
export class CookieTransport extends TokenTransport {
  override readonly checksOrigin = true;
  readonly #logger = new Logger('JwtKnox');
  readonly #bearer = new BearerTransport();
  readonly #options: CookieTransportOptions;
  readonly #jar: CookieJar;
  readonly #bearerOrigins: ReadonlySet<string>;
  #origins: TrustedOrigins;
  #isTold = false;
  #realm: string | undefined;

  constructor(options: CookieTransportOptions = {}) {
    super();
    const problems = cookieProblems(options);
    if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'CookieTransport');
    const { names = {}, secure = 'auto', sameSite = 'lax', partitioned = false, domain, path } = options;
    this.#options = options;
    const refreshPath = path === undefined ? '/' : `/${path.replaceAll(/^\/+|\/+$/g, '')}`;
    this.#jar = new CookieJar({ names, secure, sameSite, partitioned, domain, path: refreshPath });
    this.#bearerOrigins = new Set(options.bearerOrigins);
    this.#origins = {
      trusted: new Set(options.trustedOrigins),
      hosts: new Set(),
      refusesUnknown: sameSite === 'none',
    };
  }

  override configure({ realm, publicOrigins }: TransportSettings): void {
    if (this.#realm !== undefined && this.#realm !== realm) {
      const problem = 'transport: one CookieTransport serves one realm; make one for each module.';
      throw new JwtKnoxConfigurationError([problem], 'CookieTransport');
    }
    this.#realm = realm;
    this.#jar.serve(realm);
    this.#origins = { ...this.#origins, hosts: new Set(publicOrigins.map((origin) => hostOf(origin)!)) };
  }

  override describe(): TransportDescription {
    const isOwn = this.write === CookieTransport.prototype.write;
    const hasPrograms = this.#options.bearer !== false || this.#bearerOrigins.size > 0;
    return { bearer: true, cookies: this.#jar.names, body: !isOwn ? 'other' : hasPrograms ? 'either' : 'no-tokens' };
  }

  /** @throws CrossOriginRefusedError */
  override admit(request: any, response: any, { wantsTokens, allowsCrossOrigin }: CredentialUse): void {
    if (response !== undefined) addVary(response, 'Cookie');
    if (allowsCrossOrigin || !request?.headers || !canChange(request)) return;
    // First, since it says no to nearly every request: by one header, before any cookie is looked for.
    if (!isCrossOrigin(request, this.#origins)) return;
    // What carries its own token is concerned too where cookies are set or expired in the answer.
    const isConcerned = wantsTokens || (!sendsBearer(request) && this.#jar.isIn(request));
    if (isConcerned && !this.#isProgram(request)) throw new CrossOriginRefusedError();
  }

  readAccess(request: any): string | null {
    return this.#readsHeader(request) ? this.#bearer.readAccess(request) : this.#jar.read(request, 'access');
  }

  readRefresh(request: any): string | null {
    if (this.#isProgram(request)) return this.#bearer.readRefresh(request);
    return sendsBearer(request) ? null : this.#jar.read(request, 'refresh');
  }

  override readRenewal(request: any): string | null {
    const { renew = 'navigation' } = this.#options;
    if (renew === false || this.#readsHeader(request) || !isNavigation(request)) return null;
    return this.#jar.read(request, 'refresh');
  }

  override readReplaced(request: any): string | null {
    return this.#isProgram(request) ? null : this.#jar.read(request, 'refresh');
  }

  override boundCookie(request: any): BoundCookie | null {
    const isKept = !this.#isProgram(request) && !this.#jar.isPlain(request);
    return isKept ? this.#jar.attributesOf(request, 'access') : null;
  }

  /**
   * A link of another site brings no cookie that is `Strict`, and no browser renews a bound session for it. A reload comes
   * from this site, and brings both. The first page after a login may come before the browser has bound its session.
   */
  override askAgain(response: any, request: any, why: 'no_token' | 'not_bound'): void {
    if (request.method !== 'GET' || !isNavigation(request) || sendsBearer(request)) return;
    const { 'sec-fetch-site': site } = request.headers;
    const isLink = (site === 'cross-site' || site === 'same-site') && !this.#jar.isIn(request);
    if ((isLink || why === 'not_bound') && this.#jar.mark(response, request))
      setHeader(response, 'Refresh', why === 'not_bound' ? '1' : '0');
  }

  /** Whether a request comes from a browser, whose tokens go into cookies; what is none gets them in the body. */
  takesCookies(request: any): boolean {
    return !this.#isProgram(request);
  }

  write(response: any, tokens: IssuedTokens, request: any): object | Promise<object> {
    if (this.#isProgram(request)) return this.#bearer.write(response, tokens, request);
    // Nothing adds a proof to what a browser sends by itself: the session could not be used.
    if (tokens.tokenType === 'DPoP') throw new InvalidRequestError(DPOP_IN_COOKIES);
    this.#tellOfPlainCookies(request);
    const { expiresIn, refreshToken, refreshExpiresIn, session } = tokens;
    const maxAge = session.boundKind === 'dbsc' ? boundLifetime(expiresIn) : expiresIn;
    this.#jar.set(response, request, 'access', { value: tokens.accessToken, maxAge });
    const body: CookieResponseBody = { token_type: tokens.tokenType, expires_in: expiresIn, session_id: session.id };
    if (refreshToken === undefined) return body;
    this.#jar.set(response, request, 'refresh', { value: refreshToken, maxAge: refreshExpiresIn! });
    return { ...body, refresh_expires_in: refreshExpiresIn };
  }

  clear(response: any, request: any): void {
    // The cookies beside a token of its own belong to another session, which lives on.
    if (this.#isProgram(request) || sendsBearer(request)) return;
    this.#jar.expire(response, request);
    if (this.#options.clearSiteData) addHeader(response, 'Clear-Site-Data', '"storage"');
  }

  /**
   * Whether a request comes from no browser: it gets its tokens in the body. A page's script can leave none of these
   * headers out.
   */
  #isProgram(request: any): boolean {
    if (this.#isBearerOrigin(request)) return true;
    if (this.#options.bearer === false) return false;
    const { 'sec-fetch-site': site, origin, referer, 'user-agent': userAgent = '' } = request.headers ?? {};
    const isBrowser = site !== undefined || origin !== undefined || referer !== undefined;
    return !isBrowser && !userAgent.startsWith('Mozilla/') && !this.#jar.isIn(request);
  }

  #readsHeader(request: any): boolean {
    return sendsBearer(request) || this.#isBearerOrigin(request);
  }

  #isBearerOrigin(request: any): boolean {
    return this.#bearerOrigins.has(request.headers?.origin);
  }

  #tellOfPlainCookies(request: any): void {
    if (this.#isTold || !this.#jar.isPlain(request)) return;
    this.#isTold = true;
    this.#logger.log(
      line('cookies-insecure', 'Cookies go without Secure: this is http. Use https outside of your own machine.'),
    );
  }
}

/**
 * Seconds that a browser keeps the cookie of a bound session: it asks for another one when that is gone, and until then what
 * it sends has to be good, by any clock.
 */
function boundLifetime(seconds: number): number {
  return Math.max(seconds - BOUND_MARGIN, Math.ceil(seconds / 2));
}

const DPOP_IN_COOKIES =
  'DPoP binds tokens that are sent in the Authorization header, and this login is answered with cookies.';

/** Judged by the header alone: a cookie beside it is not read, and not renewed. */
function sendsBearer(request: any): boolean {
  const header: unknown = request.headers?.authorization;
  if (typeof header !== 'string') return false;
  return hasTokenScheme(header) || headerCount(request, 'authorization') > 1;
}

/**
 * Whether a browser asks for a page, or posts a form. Only such a request cannot refresh by itself when the access token
 * has expired.
 */
function isNavigation(request: any): boolean {
  const {
    'sec-fetch-mode': mode,
    'sec-fetch-dest': destination,
    accept = '',
    'content-type': type = '',
  } = request.headers ?? {};
  if (mode !== undefined) {
    if (mode !== 'navigate' || destination !== 'document') return false;
  } else if (!accept.startsWith('text/html')) return false;
  if (request.method === 'GET') return true;
  return request.method === 'POST' && /^(?:application\/x-www-form-urlencoded|multipart\/form-data)/.test(type);
}
