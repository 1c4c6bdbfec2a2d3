import { OptionReader } from '../options/option-reader';

/** What {@link CookieTransport} does in a browser. */
export interface CookieTransportOptions {
  /** Names in place of `__Host-knox-access` and `__Host-knox-refresh`. */
  names?: { access?: string | undefined; refresh?: string | undefined } | undefined;
  /**
   * Whether cookies are sent over https only. `auto`: yes, but for http on `localhost` outside of production.
   * @default 'auto'
   */
  secure?: 'auto' | boolean | undefined;
  /**
   * Whether links of other sites carry the access cookie (`lax`) or nothing does (`strict`); `none` for an application
   * whose pages are on another site. The refresh cookie is `Strict`, but for `none`. @default 'lax'
   */
  sameSite?: 'lax' | 'strict' | 'none' | undefined;
  /** Cookies of an embedded application, one jar for each site that embeds it (CHIPS). @default false */
  partitioned?: boolean | undefined;
  /** Shares the cookies with all subdomains of this domain. @default only the host itself */
  domain?: string | undefined;
  /** Sends the refresh cookie to this path only, such as `auth`. @default '/' */
  path?: string | undefined;
  /** Origins of other sites whose pages may call with the cookies, such as `https://app.example.com`. */
  trustedOrigins?: readonly string[] | undefined;
  /** `auto`: what is no browser gets its tokens in the body. `false`: cookies only. @default 'auto' */
  bearer?: 'auto' | false | undefined;
  /** Origins of packaged apps that get their tokens in the body, such as `capacitor://localhost`. */
  bearerOrigins?: readonly string[] | undefined;
  /**
   * `navigation`: a page that is asked for after its access token has expired is served by the refresh cookie, without
   * rotation. `false`: it is 401. @default 'navigation'
   */
  renew?: 'navigation' | false | undefined;
  /** Whether a logout also empties the storage of the site (`Clear-Site-Data: "storage"`). @default false */
  clearSiteData?: boolean | undefined;
}

const KNOWN = {
  '': [
    'names', 'secure', 'sameSite', 'partitioned', 'domain', 'path', 'trustedOrigins', 'bearer', 'bearerOrigins', 'renew',
    'clearSiteData',
  ],
  names: ['access', 'refresh'],
} as const; // prettier-ignore

/** What is wrong with the options, each with its remedy. */
export function cookieProblems(given: CookieTransportOptions): string[] {
  const problems: string[] = [];
  const read = new OptionReader(problems, KNOWN, []);
  const options = read.section('', given);
  read.choice('secure', options.secure, ['auto', true, false], 'auto');
  read.choice('sameSite', options.sameSite, ['lax', 'strict', 'none'], 'lax');
  read.choice('bearer', options.bearer, ['auto', false], 'auto');
  read.choice('renew', options.renew, ['navigation', false], 'navigation');
  for (const name of ['partitioned', 'clearSiteData'] as const) read.choice(name, options[name], [true, false], false);
  for (const name of ['trustedOrigins', 'bearerOrigins'] as const) read.origins(name, options[name]);
  problems.push(...placementProblems({ ...options, names: read.section('names', options.names) }));
  return problems;
}

function placementProblems(options: CookieTransportOptions): string[] {
  const problems: string[] = [];
  const { names = {}, secure = 'auto', sameSite, partitioned, domain, path } = options;
  for (const [kind, name] of Object.entries(names)) {
    if (name !== undefined && !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) problems.push(`names.${kind}: no name of a cookie.`);
    const isHostOnly = domain === undefined && secure !== false && (kind === 'access' || path === undefined);
    if (name?.startsWith('__Host-') && !isHostOnly)
      problems.push(`names.${kind}: __Host- needs Secure, and neither domain nor path; name it otherwise.`);
  }
  if (names.access !== undefined && names.access === names.refresh)
    problems.push('names: the two cookies need different names.');
  if (secure === false && (sameSite === 'none' || partitioned))
    problems.push('secure: browsers take no cookie of other sites without it; leave secure: false out.');
  if (domain !== undefined && !/^[a-z\d-]+(?:\.[a-z\d-]+)+$/i.test(domain))
    problems.push("domain: must be a host name such as 'example.com'.");
  if (path !== undefined && !/^\/?(?!\.)[\w.~-]+(?:\/(?!\.)[\w.~-]+)*\/?$/.test(path))
    problems.push("path: must be a plain path such as 'auth' or 'api/auth'.");
  return problems;
}
