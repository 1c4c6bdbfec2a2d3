// A browser as the server sees it, and all that a script of its pages could read.
import { request } from 'node:http';
import { Astray } from './leak-flows.mjs';

const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0', 'sec-fetch-site': 'same-origin' };
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html,*/*' };
const FETCH = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };

/** A browser with its cookies. Keeps every token that was in one, and what a script of the page gets to see. */
export class BrowserVisitor {
  answers = [];
  /** What scripts can read besides: addresses, and what is stored. */
  readable = [];
  jar = new Map();
  sent = 0;

  constructor(node, secrets, passwords) {
    Object.assign(this, { node, secrets, passwords });
  }

  /** @param cookies in place of the jar's, by name */
  async send(expected, method, path, { json, form, headers, cookies = this.jar, navigates = form !== undefined } = {}) {
    const body = form ? new URLSearchParams(form).toString() : json === undefined ? undefined : JSON.stringify(json);
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const answer = await exchange(this.node.port, { method, path, body }, {
      ...BROWSER,
      ...(navigates ? NAVIGATION : FETCH),
      ...(form && FORM_TYPE),
      ...(json !== undefined && JSON_TYPE),
      ...(cookie && { cookie }),
      ...headers,
    }); // prettier-ignore
    this.sent++;
    const { status, text, cookies: set, headers: others } = answer;
    if (expected !== null && status !== expected)
      throw new Astray(`${method} ${path} was answered ${status} ${text.slice(0, 200)}, not ${expected}.`);
    this.readable.push(path);
    this.answers.push(`${JSON.stringify(others)}\n${set.map((line) => this.keep(line)).join('\n')}\n${text}`);
    return answer;
  }

  /** Puts a cookie into the jar. Returns what a script sees of it. */
  keep(line) {
    const [pair, ...attributes] = line.split('; ');
    const [name, value] = pair.split('=');
    if (attributes.includes('Max-Age=0')) this.jar.delete(name);
    else {
      this.jar.set(name, value);
      // A mark that a page was asked for once more; every other cookie holds a token.
      if (!name.endsWith('-again')) this.secrets.addToken(`the cookie ${name}`, value);
    }
    return attributes.includes('HttpOnly') ? `${name}; ${attributes.join('; ')}` : line;
  }

  get(path, expected = 200) {
    return this.send(expected, 'GET', path);
  }

  visit(path, expected = 200, more = {}) {
    return this.send(expected, 'GET', path, { navigates: true, ...more });
  }

  async login(username, expected = 200) {
    const json = { username, password: this.passwords.of(username), device_name: 'Laptop' };
    const { text } = await this.send(expected, 'POST', '/auth/login', { json });
    return JSON.parse(text).session_id;
  }

  loginForm(username, password = this.passwords.of(username), expected = 303) {
    const form = { username, password, remember: '1', next: '/auth/devices' };
    return this.send(expected, 'POST', '/auth/pages/login', { form });
  }

  /** As when its lifetime is over: the browser drops it. */
  dropAccess() {
    for (const name of this.jar.keys()) if (name.includes('access')) this.jar.delete(name);
  }

  /** A browser that has just been installed. */
  forget() {
    this.jar = new Map();
  }

  /** For the client: a `fetch` with the cookies. */
  fetch = async (input, init) => {
    const { method, url, headers, ...asked } = new Request(input, init);
    const { pathname, search } = new URL(url);
    const body = await new Request(input, init).text();
    const further = { ...Object.fromEntries(headers), ...asked.headers };
    const json = body === '' ? undefined : JSON.parse(body);
    const { status, text, headers: sent } = await this.send(null, method, pathname + search, { json, headers: further });
    return new Response(status === 204 ? null : text, { status, headers: { 'content-type': sent['content-type'] ?? '' } });
  }; // prettier-ignore
}

function exchange(port, { method, path, body }, headers) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('error', reject).on('end', () => {
        const { 'set-cookie': cookies = [], ...others } = response.headers;
        resolve({ status: response.statusCode, text, cookies, headers: others });
      });
    });
    outgoing.on('error', reject).end(body);
  });
}
