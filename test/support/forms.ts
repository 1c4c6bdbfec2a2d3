import type { Answer } from './http-client';
import type { BrowserLike } from './browser-like';

export const FORM = {
  'content-type': 'application/x-www-form-urlencoded',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
};

/** Posts a form as a browser does. */
export function postForm(
  browser: BrowserLike,
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return browser.post(path, { body: new URLSearchParams(fields).toString(), headers: { ...FORM, ...headers } });
}

/** The path that a redirect leads to, as a browser resolves it; null for an answer that is none. */
export function targetOf(path: string, { status, headers }: Answer): string | null {
  if (status !== 303) return null;
  const { origin, pathname, search } = new URL(String(headers.location), `http://site.invalid${path}`);
  return origin === 'http://site.invalid' ? pathname + search : `${origin}${pathname}${search}`;
}

/** The text of a page, without its markup. */
export function textOf({ text }: Answer): string {
  const plain = text.replace(/<head>.*<\/head>/s, '').replace(/<[^>]*>/g, ' ');
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&', '#39': "'" };
  return plain.replace(/&(lt|gt|quot|amp|#39);/g, (_, name: string) => named[name]!).replace(/\s+/g, ' ');
}
