import { readFileSync } from 'node:fs';
import { type CanActivate, HttpException, type INestApplication, Injectable, VersioningType } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { CookieTransport, JwtKnoxConfigurationError, type JwtKnoxExtras, type JwtKnoxOptions } from '../../lib';
import { pages, type PageFrame, type PagesOptions } from '../../lib/pages';
import { TEXTS } from '../../lib/pages/texts';
import { inMemory } from '../../lib/testing';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { BrowserLike } from '../support/browser-like';
import { controlledRepository } from '../support/controlled-repository';
import { shopPages } from '../support/pages-recipe';
import { createApp, type TestApp } from '../support/create-app';
import { postForm, targetOf, textOf } from '../support/forms';
import { platforms } from '../support/platforms';

const CREDENTIALS = { username: 'alice', password: 'alice-password', remember: '1' };

@Injectable()
class Closed implements CanActivate {
  canActivate(): boolean {
    throw new HttpException('Too often', 429);
  }
}

describe.each(platforms)('pages in an application: $name', (platform) => {
  let t: TestApp | undefined;
  let browser: BrowserLike;

  async function start(
    given: PagesOptions = {},
    {
      prepare,
      options,
      ...extras
    }: JwtKnoxExtras & { prepare?: (app: INestApplication) => void; options?: JwtKnoxOptions } = {},
  ): Promise<TestApp> {
    t = await createApp(platform, 'sqlite', {
      options: { transport: new CookieTransport(), ...options },
      extras: { storage: inMemory(), features: [pages(given)], ...extras },
      prepare,
      entities: [JwtKnoxSession, JwtKnoxFence],
    }); // prettier-ignore
    await t.users.add('alice', { isAdmin: true });
    browser = new BrowserLike(t.http);
    return t;
  }
  const problemsOf = (starting: Promise<unknown>) =>
    starting.then(() => [], (error: JwtKnoxConfigurationError) => error.problems); // prettier-ignore
  afterEach(async () => {
    await t?.close();
    t = undefined;
  });

  describe('does not start', () => {
    it.each<[RegExp, JwtKnoxExtras & { options?: JwtKnoxOptions }]>([
      [/^pages: need cookies.*set transport: new CookieTransport\(\)/, { options: { transport: undefined } }],
      [/^pages: are not served with routes: false/, { routes: false }],
      [/^pages: the login needs a userProvider/, { userProvider: undefined }],
      [/^pages: the login form has a username.*set loginUrl/, { loginGuards: [Closed] }],
    ])('%s', async (problem, extras) => {
      expect(await problemsOf(start({}, extras))).toEqual([expect.stringMatching(problem)]);
    });

    it.each<[RegExp, object]>([
      [/^loginUrl: must be a path/, { loginUrl: '//evil.example' }],
      [/^loginUrl: must be a path/, { loginUrl: 'javascript:alert(1)' }],
      [/^layout: must be a function/, { layout: 'plain' }],
      [/^texts\.en\.login\.titel: no such text/, { texts: { en: { 'login.titel': 'Hi' } } }],
      [/^texts\.en_US\.x: no language tag/, { texts: { 'en_US.x': {} } }],
      [/^theme: no such option; known are/, { theme: 'dark' }],
    ])('%s', async (problem, options) => {
      expect(await problemsOf((async () => pages(options))())).toEqual([expect.stringMatching(problem)]);
    });
  });

  it.each([
    ['a global prefix', '/api', (app: INestApplication) => void app.setGlobalPrefix('api')],
    ['versions in the path', '/v1', (app: INestApplication) =>
      void app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' })],
  ])('B6: works below %s', async (_title, prefix, prepare) => {
    await start({}, { prepare, routes: { admin: true } });
    const asked = await browser.visit(`${prefix}/auth/admin/users/1`);
    const next = `${prefix}/auth/admin/users/1`;
    expect(targetOf(next, asked)).toBe(`${prefix}/auth/login?next=${encodeURIComponent(next)}`);
    // Fastify serves no path with a slash at the end.
    const end = platform.name === 'express' ? '/' : '';
    const login = await browser.visit(`${prefix}/auth/login${end}`);
    const [, action] = /<form[^>]* action="([^"]+)"/.exec(login.text)!;
    const path = new URL(action!, `http://site.invalid${prefix}/auth/login${end}`).pathname;
    expect(path).toBe(`${prefix}/auth/pages/login`);
    expect(targetOf(path, await postForm(browser, path, { ...CREDENTIALS, next }))).toBe(next);
    const page = await browser.visit(next);
    const [, sheet] = /rel="stylesheet" href="([^"]+)"/.exec(page.text)!;
    expect((await browser.get(new URL(sheet!, `http://site.invalid${next}`).pathname)).status).toBe(200);
  }); // prettier-ignore

  it("B6: the policy of the application holds beside the pages' own", async () => {
    const own = "default-src 'self';upgrade-insecure-requests";
    const prepare = (app: INestApplication) => {
      if (platform.name === 'express') {
        app.use((_request: any, response: any, next: () => void) => {
          response.setHeader('Content-Security-Policy', own);
          response.setHeader('Referrer-Policy', 'no-referrer');
          next();
        });
      } else {
        const instance = (app as any).getHttpAdapter().getInstance();
        instance.addHook('onRequest', async (_request: any, reply: any) => {
          reply.header('Content-Security-Policy', own).header('Referrer-Policy', 'no-referrer');
        });
      }
    };
    await start({}, { prepare });
    const { headers } = await browser.visit('/auth/login');
    expect(headers['content-security-policy']).toMatch(/^default-src 'self';upgrade-insecure-requests, default-src 'none'/);
    expect(headers['referrer-policy']).toBe('same-origin');
  }); // prettier-ignore

  it('your own guards of the login run before its form', async () => {
    await start({}, { routes: { guards: { login: [Closed] } } });
    const answer = await postForm(browser, '/auth/pages/login', CREDENTIALS);
    expect([answer.status, textOf(answer).includes('That was too often.')]).toEqual([429, true]);
    expect((await browser.visit('/auth/login')).status).toBe(200);
    expect(await t!.tokens.list('1')).toEqual([]);
  });

  it('a login page of your own takes the place of the form, and forms may lead there', async () => {
    await start({ loginUrl: 'https://id.example.com/in?tenant=7' });
    const answer = await browser.visit('/auth/devices');
    expect(answer.headers.location).toBe('https://id.example.com/in?tenant=7&next=%2Fauth%2Fdevices');
    expect(answer.headers['content-security-policy']).toContain("form-action 'self' https://id.example.com;");
    expect((await browser.visit('/auth/login')).status).toBe(404);
  });

  it('texts, layout and notices are yours', async () => {
    const seen: PageFrame[] = [];
    await start({
      texts: { en: { 'devices.title': 'Your <gadgets>' }, fr: { 'devices.title': 'Vos appareils' } },
      notices: ({ username }) => [`Hello, <${username}>`],
      layout: async (page) => {
        seen.push(page);
        return `<!doctype html><html lang="${page.language}"><head>${page.head}</head><body>MINE${page.body}</body></html>`;
      },
    });
    await postForm(browser, '/auth/pages/login', CREDENTIALS);
    const answer = await browser.visit('/auth/devices');
    expect(answer.text).toContain('MINE<h1>Your &lt;gadgets&gt;</h1>');
    expect(answer.text).toContain('<p class="notice">Hello, &lt;alice&gt;</p>');
    const french = await browser.visit('/auth/devices', { 'accept-language': 'fr-CA' });
    expect(french.text).toContain('<html lang="fr">');
    expect(textOf(french)).toMatch(/Vos appareils .*Other devices/);
    expect(seen.at(-1)).toMatchObject({ name: 'devices', title: 'Vos appareils', user: { username: 'alice' } });
    expect(seen.at(-1)!.request.url).toBe('/auth/devices');
  });

  it('the example of the page does what it says, and is what stands there', async () => {
    const source = readFileSync('test/support/pages-recipe.ts', 'utf8');
    const [, code] = /\/\*\* Example: .* \*\/\n([\s\S]*?)\/\*\* End of example \*\//.exec(source)!;
    expect(readFileSync('docs/18-pages.md', 'utf8')).toContain(code!.trim());
    await start({}, { features: [shopPages] });
    const login = await browser.visit('/auth/login', { 'accept-language': 'de' });
    expect(textOf(login)).toMatch(/Example Shop Willkommen zurück E-Mail-Adresse/);
    expect(login.text.indexOf('/theme.css')).toBeGreaterThan(login.text.indexOf('/style.'));
    await postForm(browser, '/auth/pages/login', CREDENTIALS);
    const devices = await browser.visit('/auth/devices');
    expect(devices.text).toContain('<p>alice</p>');
    expect(textOf(devices)).not.toContain('older than a year');
  });

  it('a layout that fails is an error, and the process lives on', async () => {
    await start({ layout: () => null as unknown as string });
    expect((await browser.visit('/auth/login')).status).toBe(500);
    expect((await postForm(browser, '/auth/pages/devices', {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(303);
    expect((await postForm(browser, '/auth/pages/login', {}, { 'content-type': 'text/plain' })).status).toBe(500);
    expect((await browser.get('/auth/session')).status).toBe(401);
  });

  it('a storage that fails is told as such, and logs nobody out', async () => {
    const { storage, control } = controlledRepository();
    await start({}, { storage });
    await postForm(browser, '/auth/pages/login', CREDENTIALS);
    control.intercept = async () => {
      throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
    };
    const answers = [
      await browser.visit('/auth/devices'),
      await postForm(browser, '/auth/pages/devices', { action: 'end-all' }),
      await postForm(new BrowserLike(t!.http), '/auth/pages/login', CREDENTIALS),
    ];
    for (const answer of answers) {
      expect([answer.status, answer.headers['retry-after'], answer.headers['set-cookie']]).toEqual([503, '1', undefined]);
      expect(textOf(answer)).toContain('Try again shortly.');
    }
    control.heal();
    expect((await browser.visit('/auth/devices')).status).toBe(200);
  }); // prettier-ignore

  it('has as many sessions as the limit lets it, and says so', async () => {
    await start({}, { options: { session: { limitPerUser: 1, onLimit: 'reject' } } });
    await postForm(browser, '/auth/pages/login', CREDENTIALS);
    const answer = await postForm(new BrowserLike(t!.http), '/auth/pages/login', CREDENTIALS);
    expect([answer.status, textOf(answer).includes('as many devices as allowed')]).toEqual([403, true]);
  });
});

describe('the texts of the pages', () => {
  it.each(Object.keys(TEXTS))('%s has every key, and fills in the same', (language) => {
    const texts = TEXTS[language]!;
    expect(Object.keys(texts).toSorted()).toEqual(Object.keys(TEXTS.en!).toSorted());
    const namesIn = (text: string) => (text.match(/\{\w+\}/g) ?? []).toSorted();
    for (const [key, text] of Object.entries(texts)) {
      expect(text.trim()).not.toBe('');
      expect([key, namesIn(text)]).toEqual([key, namesIn(TEXTS.en![key as keyof (typeof TEXTS)['en']]!)]);
    }
  });
});
