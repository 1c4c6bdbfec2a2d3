import { stringifySetCookie } from 'cookie';
import { InvalidRequestError, type JwtKnoxError } from '../contracts/errors';
import { isLoopback } from '../options/option-reader';
import { addHeader } from './error-headers.interceptor';
import { requestedHost } from './cross-origin';

export type CookieKind = 'access' | 'refresh';

/** How the cookies are set. */
export interface CookieSettings {
  readonly names: { readonly access?: string; readonly refresh?: string };
  readonly secure: 'auto' | boolean;
  readonly sameSite: 'lax' | 'strict' | 'none';
  readonly partitioned: boolean;
  readonly domain?: string;
  /** Where the refresh cookie is sent. */
  readonly path: string;
}

/** Browsers drop a cookie whose name and value have more bytes together (RFC 6265bis section 5.6). */
const MOST_BYTES = 4_096;

/** How long a browser is not asked once more to send what it did not. */
const MARK_SECONDS = 10;

const SHORTEN = {
  access: 'shorten the custom claims',
  refresh: 'shorten issuer and user ids, which the token repeats',
};

/** The two cookies of a module: their names and attributes, in requests and in answers. */
export class CookieJar {
  /** Both, as over https. Made once: putting a name together with every request costs as much as the look for it. */
  names: Readonly<Record<CookieKind, string>>;

  private realm = '';

  /** Read once: the environment is slow to ask, and this is asked with every request. */
  private readonly isProduction = process.env.NODE_ENV === 'production';

  constructor(private readonly settings: CookieSettings) {
    this.names = this.secureNames();
  }

  /** @param realm part of the names, where several modules share an application */
  serve(realm: string): void {
    this.realm = realm;
    this.names = this.secureNames();
  }

  /** @throws InvalidRequestError for two cookies of one name, which also expires both */
  read(request: any, kind: CookieKind): string | null {
    const header = cookiesOf(request);
    const name = this.nameOf(request, kind);
    const start = valueOf(name, header, 0);
    if (start < 0) return null;
    const end = endOf(header, start);
    // The package `cookie` keeps one of them, and which one is what an attacker would choose.
    if (valueOf(name, header, end) >= 0) throw new DuplicateCookieError(this.expirations(request));
    return trimmed(header, start, end);
  }

  /** Whether a request carries one of the two. */
  isIn(request: any): boolean {
    const header = cookiesOf(request);
    return (['access', 'refresh'] as const).some((kind) => valueOf(this.nameOf(request, kind), header, 0) >= 0);
  }

  /** @param maxAge seconds */
  set(response: any, request: any, kind: CookieKind, { value, maxAge }: { value: string; maxAge: number }): void {
    const name = this.nameOf(request, kind);
    const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
    if (bytes > MOST_BYTES) {
      throw new Error(
        `The ${kind} cookie has ${bytes} bytes, and browsers keep no more than ${MOST_BYTES}: ${SHORTEN[kind]}.`,
      );
    }
    addHeader(response, 'Set-Cookie', this.cookie(request, kind, { name, value, maxAge }));
  }

  /** What {@link set} writes behind name and value, but for the lifetime. */
  attributesOf(request: any, kind: CookieKind): { name: string; attributes: string } {
    const name = this.nameOf(request, kind);
    return { name, attributes: this.cookie(request, kind, { value: '' }).slice(`${name}=; `.length) };
  }

  /** Whether this request is the first that is marked, within some seconds; marks it. */
  mark(response: any, request: any): boolean {
    const name = `${this.nameOf(request, 'access')}-again`;
    if (valueOf(name, cookiesOf(request), 0) >= 0) return false;
    addHeader(response, 'Set-Cookie', this.cookie(request, 'access', { name, value: '1', maxAge: MARK_SECONDS }));
    return true;
  }

  expire(response: any, request: any): void {
    for (const kind of ['access', 'refresh'] as const) {
      addHeader(response, 'Set-Cookie', this.cookie(request, kind, { value: '', maxAge: 0 }));
    }
  }

  /** Of the cookies as they are set, and of those of the same names that a parent domain may have set. */
  private expirations(request: any): string[] {
    const parents = domainsAbove(requestedHost(request).replace(/\.?(?::\d+)?$/, ''));
    return (['access', 'refresh'] as const).flatMap((kind) =>
      [this.settings.domain, undefined, ...parents].map((domain) =>
        this.cookie(request, kind, { value: '', maxAge: 0, domain }),
      ),
    );
  }

  private cookie(
    request: any,
    kind: CookieKind,
    content: { name?: string; value: string; maxAge?: number; domain?: string },
  ): string {
    const { sameSite, partitioned, domain } = this.settings;
    const secure = !this.isPlain(request);
    return stringifySetCookie(
      {
        name: this.nameOf(request, kind),
        path: kind === 'refresh' ? this.settings.path : '/',
        httpOnly: true,
        secure,
        // Browsers take no cookie that is sent across sites without Secure.
        sameSite: sameSite === 'none' ? (secure ? 'none' : 'lax') : kind === 'refresh' ? 'strict' : sameSite,
        ...(partitioned && secure && { partitioned }),
        ...(domain !== undefined && { domain }),
        ...content,
      },
      { encode: (value) => value },
    );
  }

  private nameOf(request: any, kind: CookieKind): string {
    if (this.settings.names[kind] !== undefined || !this.isPlain(request)) return this.names[kind];
    // Cookies ignore ports: two applications on one machine would log each other out.
    const port = requestedHost(request).split(':').at(-1)!;
    return /^\d+$/.test(port) ? `${this.baseName(kind)}-${port}` : this.baseName(kind);
  }

  private secureNames(): Record<CookieKind, string> {
    const { names, secure, domain, path } = this.settings;
    const prefixOf = (kind: CookieKind) => {
      if (secure === false) return '';
      return domain === undefined && (kind === 'access' || path === '/') ? '__Host-' : '__Secure-';
    };
    const nameOf = (kind: CookieKind) => names[kind] ?? prefixOf(kind) + this.baseName(kind);
    return { access: nameOf('access'), refresh: nameOf('refresh') };
  }

  private baseName(kind: CookieKind): string {
    return this.realm === '' ? `knox-${kind}` : `knox-${this.realm}-${kind}`;
  }

  /** Whether the cookies go without `Secure`: by the option, or for a developer's own machine. */
  isPlain(request: any): boolean {
    const { secure } = this.settings;
    if (secure !== 'auto') return !secure;
    if (this.isProduction) return false;
    return isLoopback(requestedHost(request).replace(/:\d+$/, '')) && !isEncrypted(request) && !isProxied(request);
  }
}

/** A client with two cookies of one name would be stuck for ever: both go. */
class DuplicateCookieError extends InvalidRequestError {
  override readonly headers: JwtKnoxError['headers'];

  constructor(expirations: readonly string[]) {
    super('Two cookies of one name were sent; both have been removed. Log in again.');
    this.headers = { 'Set-Cookie': expirations };
  }
}

function isEncrypted(request: any): boolean {
  // `protocol` honours what the framework trusts of a proxy's headers.
  return request.protocol === 'https' || (request.raw ?? request).socket?.encrypted === true;
}

/** What a proxy adds, or a page over https: the host that is asked for is the proxy's name for this one. */
function isProxied({ headers = {} }: any): boolean {
  const isSecureOrigin = String(headers.origin ?? '').startsWith('https:');
  return (
    isSecureOrigin || ['forwarded', 'x-forwarded-proto', 'x-forwarded-for'].some((name) => headers[name] !== undefined)
  );
}

function cookiesOf(request: any): string {
  const header: unknown = request.headers?.cookie;
  return typeof header === 'string' ? header : '';
}

/**
 * Where the value of the first cookie of a name begins, behind its `=`; -1 for none. Looks for the name alone: taking the
 * whole header apart, with all that other code has set, costs many times as much, and is done with every request.
 */
function valueOf(name: string, header: string, from: number): number {
  for (let at = header.indexOf(name, from); at >= 0; at = header.indexOf(name, at + 1)) {
    const before = skipBlanks(header, at - 1, -1);
    if (before >= 0 && header[before] !== ';') continue;
    const after = skipBlanks(header, at + name.length, 1);
    if (header[after] === '=') return after + 1;
  }
  return -1;
}

function endOf(header: string, start: number): number {
  const end = header.indexOf(';', start);
  return end < 0 ? header.length : end;
}

/** RFC 6265 section 5.2: without the spaces and tabs around it, and nothing else that JavaScript takes for white space. */
function trimmed(text: string, start: number, end: number): string {
  const first = skipBlanks(text, start, 1);
  return first >= end ? '' : text.slice(first, skipBlanks(text, end - 1, -1) + 1);
}

function skipBlanks(text: string, from: number, step: 1 | -1): number {
  let at = from;
  while (isBlank(text.charCodeAt(at))) at += step;
  return at;
}

const isBlank = (code: number) => code === 32 || code === 9;

const MOST_DOMAINS = 4;

/** A host, and the domains above it, but for the last label; none of an address or of what is no name. */
function domainsAbove(host: string): string[] {
  if (host.length > 253 || !/^[a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z-]+$/.test(host)) return [];
  const labels = host.split('.');
  return labels
    .slice(0, -1)
    .map((_, index) => labels.slice(index).join('.'))
    .slice(-MOST_DOMAINS);
}
