/** Every page and form, below the prefix of the routes. */
const OWN =
  /\/(?:pages\/(?:login|devices(?:\/confirmed)?|tokens|admin\/[\w-]+)|login|devices|admin(?:\/users(?:\/[^/]+)?)?)\/?$/i;

/** The path that was asked for, without its query. */
function pathOf(request: any): string {
  return String(request.originalUrl ?? request.url).split(/[?#]/, 1)[0]!;
}

/**
 * What leads from a page to where all pages are. Relative (RFC 3986 section 5.2): which path clients see, prefixes,
 * versions and gateways decide.
 */
export function rootOf(request: any): string {
  const [own = '/'] = OWN.exec(pathOf(request)) ?? [];
  return '../'.repeat(own.split('/').length - 2) || './';
}

/** The same for a part of a page, which says how many levels above it that is. */
export function rootAbove(levels: unknown): string {
  return typeof levels === 'string' && /^[1-3]$/.test(levels) ? '../'.repeat(Number(levels)) : './';
}

/** Where to go on after a login: what was asked for, or the page that a form was on. */
export function returnPathOf(request: any): string {
  const path = pathOf(request);
  if (request.method === 'GET' || request.method === 'HEAD') {
    const query = String(request.originalUrl ?? request.url).slice(path.length);
    return path + query.split('#', 1)[0]!;
  }
  const own = OWN.exec(path);
  return path.slice(0, own?.index ?? 0) + (own?.[0].startsWith('/pages/admin') ? '/admin' : '/devices');
}

/**
 * A path of this site to go on to, as a browser resolves it; null for what is none. It begins with one slash: two of them,
 * or a slash and a backslash, begin the name of another host.
 */
export function nextPathOf(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 2_048 || !/^\/(?![/\\])/.test(value)) return null;
  const site = 'http://site.invalid';
  if (!URL.canParse(value, site)) return null;
  const { origin, pathname, search, hash } = new URL(value, site);
  // Dots and tabs may have stood between two slashes.
  return origin === site && !pathname.startsWith('//') ? pathname + search + hash : null;
}

/** A count that a form left in the address of the page after it; null for none. */
export function countOf(request: any, name: string): number | null {
  const value: unknown = Object.hasOwn(Object(request.query), name) ? request.query[name] : undefined;
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : null;
}
