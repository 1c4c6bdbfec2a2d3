import type { Answer, HttpClient, Options } from './http-client';

export interface SetCookie {
  value: string;
  attributes: string[];
}

/** The cookies that an answer sets, by name. */
export function cookiesIn({ headers }: Answer): Record<string, SetCookie> {
  const lines = [headers['set-cookie'] ?? []].flat();
  return Object.fromEntries(
    lines.map((line) => {
      const [pair, ...attributes] = line.split('; ');
      const at = pair!.indexOf('=');
      return [pair!.slice(0, at), { value: pair!.slice(at + 1), attributes }];
    }),
  );
}

/** Sends what a browser sends of its own accord, and keeps cookies: as far as the server can tell, it is one. */
export class BrowserLike {
  readonly jar = new Map<string, string>();

  constructor(
    private http: HttpClient,
    /** The host that it asks for. */
    private readonly host = 'app.example.com',
  ) {}

  /** From now on its requests end up at another process. */
  moveTo(http: HttpClient): void {
    this.http = http;
  }

  isAt(http: HttpClient): boolean {
    return this.http === http;
  }

  get = (path: string, options: Options = {}) => this.send('GET', path, options);
  post = (path: string, options: Options = {}) => this.send('POST', path, options);

  /** A page that the person asks for: by typing an address, or following a link of the same site. */
  visit = (path: string, headers: Options['headers'] = {}) =>
    this.send('GET', path, {
      headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html,*/*', ...headers },
    });

  async send(method: string, path: string, { headers, ...options }: Options): Promise<Answer> {
    const own = {
      host: this.host,
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0',
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'cors',
      'sec-fetch-dest': 'empty',
    };
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const all = { ...own, ...(cookie && { cookie }), ...headers };
    const answer = await this.http.send(method, path, { ...options, headers: withoutEmpty(all) });
    for (const [name, { value, attributes }] of Object.entries(cookiesIn(answer))) {
      if (attributes.includes('Max-Age=0')) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }
}

/** An empty header is one that this browser does not send. */
function withoutEmpty(headers: Record<string, string | string[]>): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}
