import { createHash } from 'node:crypto';
import type { JwtKnoxClient, JwtKnoxOptions } from '../../lib';
import { configuredKeys } from './forge';
import type { Answer, HttpClient, Options } from './http-client';

export const ISSUER = 'https://auth.example.com';
export const AUDIENCE = 'https://api.example.com';

/** Secrets as they come: with everything in them that form-encoding changes. */
export const SECRETS = { gateway: 'gateway: 100% + ümlaut/secret=', audit: 'a'.repeat(8) + 'Zk3+b/9=Lm%20' } as const;

export const clients: JwtKnoxClient[] = [
  { id: 'gateway', secret: SECRETS.gateway, may: ['introspect', 'introspect_refresh', 'revoke'] },
  { id: 'audit', secretHash: createHash('sha256').update(SECRETS.audit).digest('hex'), may: ['introspect', 'revoke'] },
];

export const oauthOptions: JwtKnoxOptions = { issuer: ISSUER, audience: AUDIENCE, clients, keys: configuredKeys };

/** What encodeURIComponent leaves and RFC 6749 appendix B does not, openid-client's way. */
export const formEncoded = (text: string) =>
  encodeURIComponent(text).replace(/[-_.!~*'()]|%20/g, (one) =>
    one === '%20' ? '+' : `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

export const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
export const GATEWAY = basic(formEncoded('gateway'), formEncoded(SECRETS.gateway));

export const FORM = 'application/x-www-form-urlencoded';

/** Posts a form as a client. `headers` may set another `authorization`, or take it away with undefined. */
export function postForm(
  http: HttpClient,
  path: string,
  form: Record<string, string> | string,
  headers: Record<string, string | string[] | undefined> = {},
): Promise<Answer> {
  const all = { authorization: GATEWAY, 'content-type': FORM, ...headers };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
  return http.post(path, { body, headers: sent as Options['headers'] });
}
