import type { IncomingHttpHeaders } from 'node:http';
import type { FeatureSettings } from '../contracts/feature';
import { CookieTransport } from '../guard/cookie.transport';
import { type PageTexts, TEXTS } from './texts';

/** Which page it is. */
export type PageName = 'login' | 'devices' | 'admin' | 'user' | 'error' | 'reload';

/** What `layout` puts into a frame of your own. */
export interface PageFrame {
  name: PageName;
  /** Text, not HTML: escape it. */
  title: string;
  /** Of the texts, such as `en`: for the attribute `lang`. */
  language: string;
  /** HTML for `<head>`: character set, viewport, title and style sheet. */
  head: string;
  /** HTML: the content of `<main>`. */
  body: string;
  /** Your user, as the guard found it; null where nobody is logged in, or nobody was asked. */
  user: any;
  /** The path and the headers of the request. */
  request: { readonly url: string; readonly headers: IncomingHttpHeaders };
}

/** What {@link pages} shows. */
export interface PagesOptions {
  /** Your own login page, a path or a URL, in place of `login`; it is given `?next=`, a path of this site. */
  loginUrl?: string | undefined;
  /** Returns the whole document. By default, a plain one. */
  layout?: ((page: PageFrame) => string | Promise<string>) | undefined;
  /** Other texts by language, each by its key. A language that is not built in falls back to English where one is missing. */
  texts?: Readonly<Record<string, Partial<PageTexts>>> | undefined;
  /** Returns what to tell a user on the devices page, such as that a new device has logged in: text, not HTML. */
  notices?: ((user: any) => readonly string[] | Promise<readonly string[]>) | undefined;
  /**
   * Whether an open page of devices shows at once what begins and ends elsewhere, by a script from this site and a
   * stream of events. @default false
   */
  live?: boolean | undefined;
}

const KNOWN = ['loginUrl', 'layout', 'texts', 'notices', 'live'];

/** What is wrong with the options, each with its remedy. */
export function optionProblems(given: PagesOptions): string[] {
  const problems = Object.keys(given)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `${name}: no such option; known are ${KNOWN.join(', ')}.`);
  const { loginUrl, texts, live } = given;
  if (live !== undefined && typeof live !== 'boolean') problems.push('live: must be true or false.');
  if (loginUrl !== undefined && !isPathOrUrl(loginUrl)) {
    problems.push("loginUrl: must be a path such as '/login', or a URL with http or https.");
  }
  for (const name of ['layout', 'notices'] as const) {
    if (given[name] !== undefined && typeof given[name] !== 'function')
      problems.push(`${name}: must be a function; see the page about it.`);
  }
  return [...problems, ...textProblems(texts)];
}

function isPathOrUrl(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  return /^\/(?![/\\])/.test(value) || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol));
}

function textProblems(texts: unknown): string[] {
  if (texts === undefined) return [];
  const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isMap(texts)) return ["texts: must be an object of languages, such as { en: { 'login.title': 'Welcome' } }."];
  return Object.entries(texts).flatMap(([language, given]) => {
    if (!isLanguage(language)) return [`texts.${language}: no language tag such as 'en' or 'de-AT'; rename it.`];
    if (!isMap(given)) return [`texts.${language}: must be an object of texts by key.`];
    return Object.entries(given)
      .filter(([key, text]) => !Object.hasOwn(TEXTS.en!, key) || typeof text !== 'string')
      .map(([key]) => `texts.${language}.${key}: no such text, or not a string; correct it.`);
  });
}

function isLanguage(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** What the module must have for the pages to work. */
export function placeProblems(
  { transport, userProvider, hasLoginGuards, hasRoutes }: FeatureSettings,
  hasLogin: boolean,
) {
  const problems: string[] = [];
  if (!(transport instanceof CookieTransport))
    problems.push(
      'pages: need cookies, for a browser sends no header by itself; set transport: new CookieTransport().',
    );
  if (!hasRoutes) problems.push('pages: are not served with routes: false; leave that out, or the pages.');
  if (hasLogin && !userProvider)
    problems.push('pages: the login needs a userProvider; set that, or loginUrl for a login page of your own.');
  if (hasLogin && hasLoginGuards)
    problems.push('pages: the login form has a username and a password, which loginGuards replace; set loginUrl.');
  return problems;
}
