import { InvalidRequestError } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import { TokenTransport, type TransportDescription } from '../contracts/token-transport';
import { jsonBodyOf, RefreshTokenDto } from './request-body';
import { tokenResponseBody } from './token-response';

/** What {@link BearerTransport} writes. */
export interface BearerTransportOptions {
  /** Returns the body in place of the token response of RFC 6749 section 5.1. */
  tokenResponse?: ((tokens: IssuedTokens, user: any, request: any) => object | Promise<object>) | undefined;
}

/**
 * The default transport: the access token in the `Authorization` header (RFC 6750 section 2.1; RFC 9449), the refresh token in
 * the JSON body. The other methods of RFC 6750, a form and the query, are not read: an `access_token` there is something
 * else to your application. Both tokens are written to the JSON body (RFC 6749 section 5.1), or what `tokenResponse` makes
 * of them.
 * @example
 * JwtKnoxModule.forRoot({ secret, transport: new BearerTransport() }); // the default
 */
export class BearerTransport extends TokenTransport {
  readonly #tokenResponse: BearerTransportOptions['tokenResponse'];

  constructor({ tokenResponse }: BearerTransportOptions = {}) {
    super();
    this.#tokenResponse = tokenResponse;
  }

  override describe(): TransportDescription {
    const isOwn = this.#tokenResponse === undefined && this.write === BearerTransport.prototype.write;
    return { bearer: true, cookies: null, body: isOwn ? 'tokens' : 'other' };
  }

  readAccess(request: any): string | null {
    if (headerCount(request, 'authorization') > 1)
      throw new InvalidRequestError('Send one Authorization header, not several.');
    const header: unknown = request.headers?.authorization;
    // RFC 6750 section 2.1: `"Bearer" 1*SP b64token`; RFC 9449 section 7.1 for "DPoP". Another scheme is not ours. What
    // follows the spaces is judged whole: tabs or a second word make a bad token.
    const [scheme] = (typeof header === 'string' && /^(?:bearer|dpop)(?: +|$)/i.exec(header)) || [];
    if (scheme === undefined) return null;
    return (header as string).slice(scheme.length);
  }

  readRefresh(request: any): string | null {
    return jsonBodyOf(request, RefreshTokenDto).refresh_token ?? null;
  }

  write(_response: any, tokens: IssuedTokens, request: any): object | Promise<object> {
    const tokenResponse = this.#tokenResponse;
    return tokenResponse ? tokenResponse(tokens, tokens.user, request) : tokenResponseBody(tokens);
  }

  clear(_response: any, _request: any): void {}
}

/** Whether a header is that of an access token, by its scheme alone: a word that only begins like one is another. */
export function hasTokenScheme(authorization: unknown): boolean {
  return typeof authorization === 'string' && /^(?:bearer|dpop)(?: |$)/i.test(authorization);
}

/** Node keeps only the first of repeated headers in `headers`; the raw list has them all. */
export function headerCount(request: any, name: string): number {
  const raw: string[] = (request.raw ?? request).rawHeaders ?? [];
  let count = 0;
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) count++;
  return count;
}
