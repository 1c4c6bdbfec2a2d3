import { SetMetadata } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { isMarked } from './decorators';

/** Metadata key under which a route says that other sites may call it. */
const ALLOW_CROSS_ORIGIN = 'jwt-knox:allow-cross-origin';

/**
 * Lets pages of other sites call a route with the cookies of `CookieTransport`: for a route that such a page may call,
 * and that checks by itself who does. All other routes refuse such requests with 403 `cross_origin_refused`.
 * @example
 * `class Webhooks { @Post() @AllowCrossOrigin() receive(@Body() event: object) {} }`
 */
export const AllowCrossOrigin = () => SetMetadata(ALLOW_CROSS_ORIGIN, true);

/** Whether the handler or its class says `@AllowCrossOrigin()`. */
export function allowsCrossOrigin(context: ExecutionContext): boolean {
  return isMarked(context, ALLOW_CROSS_ORIGIN);
}

/** Whose requests are taken for the application's own. */
export interface TrustedOrigins {
  /** Origins of other sites that may call with cookies. */
  readonly trusted: ReadonlySet<string>;
  /** Host and port, as clients see them, besides what `Host` says. */
  readonly hosts: ReadonlySet<string>;
  /** Whether a request of which nothing says where it comes from is refused: where cookies are sent across sites. */
  readonly refusesUnknown: boolean;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a request may change something: by its method, or because it opens a socket that can. */
export function canChange(request: any): boolean {
  return !SAFE_METHODS.has(request.method) || request.headers?.upgrade !== undefined;
}

/**
 * Whether a page of another site made a browser send this request: by `Sec-Fetch-Site` where the browser sends it, else by
 * comparing `Origin` with the host that was asked. The scheme is not compared, since TLS often ends at a proxy. A request
 * with neither header comes from no browser.
 */
export function isCrossOrigin(request: any, origins: TrustedOrigins): boolean {
  const { 'sec-fetch-site': site, origin } = request.headers as Record<string, string | undefined>;
  if (site === 'same-origin' || site === 'none') return false;
  if (origin !== undefined && origins.trusted.has(origin)) return false;
  if (site !== undefined) return true;
  if (origin === undefined) return origins.refusesUnknown;
  const host = hostOf(origin);
  return host === null || !(origins.hosts.has(host) || sameHost(host, requestedHost(request)));
}

/** Host and port of an origin, without the port that its scheme implies; null for `null` and for what is none. */
export function hostOf(origin: string): string | null {
  if (!URL.canParse(origin)) return null;
  return new URL(origin).host || null;
}

/** The host that a request asks for; over HTTP/2 it stands in a pseudo-header. */
export function requestedHost(request: any): string {
  const headers = request.headers ?? {};
  return String(headers.host ?? headers[':authority'] ?? '').toLowerCase();
}

/** `Host` may carry the port that its scheme implies. */
function sameHost(host: string, requested: string): boolean {
  return requested === host || requested === `${host}:443` || requested === `${host}:80`;
}
