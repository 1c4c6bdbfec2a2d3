import type { Peers } from './load-peers';
import { type PageLanguage, PageLanguages } from './page-language';
import type { PageName, PagesOptions } from './pages.options';
import { DeviceDescriptions } from './device-description';
import { rootOf } from './page-address';
import { sendPage, setPageHeaders } from './page-response';
import { TEMPLATES } from './templates';
import { LIVE_SCRIPT_NAME } from './templates/live-script';
import { STYLE_SHEET_NAME } from './templates/style-sheet';

/** A page before it is HTML. */
export interface Page {
  name: PageName;
  title: string;
  /** @default 200 */
  status?: number;
  /** What its template is given. */
  data: Readonly<Record<string, unknown>>;
}

/** Makes HTML of pages, in the language of whoever asks; one per module. */
export class PageRenderer {
  readonly descriptions: DeviceDescriptions;
  private readonly languages: PageLanguages;
  private readonly eta: InstanceType<Peers['Eta']>;
  /** Where a form may lead besides this site: to the login page of the application. */
  private readonly formTarget: string | null;

  constructor(
    readonly options: PagesOptions,
    { Eta, Negotiator, bowser }: Peers,
  ) {
    this.descriptions = new DeviceDescriptions(bowser);
    this.languages = new PageLanguages(Negotiator, options.texts);
    this.eta = new Eta({ autoEscape: true });
    for (const [name, template] of Object.entries(TEMPLATES)) this.eta.loadTemplate(name, template);
    const { loginUrl } = options;
    this.formTarget = loginUrl !== undefined && URL.canParse(loginUrl) ? new URL(loginUrl).origin : null;
  }

  languageOf(request: any): PageLanguage {
    return this.languages.of(request);
  }

  setHeaders(response: unknown): void {
    setPageHeaders(response, { formTarget: this.formTarget, hasScripts: this.options.live === true });
  }

  async show(request: any, response: unknown, page: Page): Promise<void> {
    const html = await this.render(request, page);
    this.setHeaders(response);
    sendPage(response, page.status ?? 200, html);
  }

  /** The whole document. */
  async render(request: any, { name, title, data }: Page): Promise<string> {
    const language = this.languages.of(request);
    const live = this.options.live === true ? this.liveAt(request) : null;
    const shared = { title, root: rootOf(request), language: language.tag, styleSheet: STYLE_SHEET_NAME, live };
    const t = language.text.bind(language);
    const parts = {
      head: this.eta.render('@head', { ...shared, reload: data.reload, delay: data.delay ?? 0 }),
      body: this.eta.render(`@${name}`, { ...shared, ...data, t }),
    };
    const { layout } = this.options;
    if (!layout) return this.eta.render('@document', { ...shared, ...parts });
    const { url, originalUrl = url, headers, user = null } = request;
    const frame = { name, title, language: language.tag, ...parts, user, request: { url: originalUrl, headers } };
    const html: unknown = await layout(frame);
    if (typeof html === 'string') return html;
    throw new TypeError('pages: layout must return the whole document, a string.');
  }

  /** A part of a page that is on a page already. @param root what leads from there to where all pages are */
  renderPart(
    template: string,
    { language, root, data }: { language: PageLanguage; root: string; data: Readonly<Record<string, unknown>> },
  ): string {
    return this.eta.render(template, { ...data, root, t: language.text.bind(language) });
  }

  /** What the script of a page needs to know. */
  private liveAt(request: unknown) {
    const root = rootOf(request);
    const login = this.loginUrl(request, null);
    return {
      script: `${root}pages/${LIVE_SCRIPT_NAME}`,
      events: `${root}pages/devices/events?up=${root === './' ? 0 : root.length / '../'.length}`,
      page: `${root}devices`,
      login: `${login}${login.includes('?') ? '&' : '?'}ended`,
    };
  }

  /** Where somebody who is not logged in is sent. */
  loginUrl(request: unknown, next: string | null): string {
    const { loginUrl = `${rootOf(request)}login` } = this.options;
    if (next === null) return loginUrl;
    return `${loginUrl}${loginUrl.includes('?') ? '&' : '?'}next=${encodeURIComponent(next)}`;
  }
}
