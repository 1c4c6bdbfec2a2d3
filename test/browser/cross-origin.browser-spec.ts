import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Post, UseGuards } from '@nestjs/common';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CookieTransport, JwtKnoxGuard } from '../../lib';
import { pages } from '../../lib/pages';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { launch } from './chromium';

let changes = 0;

@Controller('changes')
@UseGuards(JwtKnoxGuard)
class ChangesController {
  @Post() change() {
    return { changes: ++changes };
  }
}

/** What changes something, or logs somebody in or out. */
const TARGETS: [string, Record<string, string>][] = [
  ['/changes', { a: 'b' }],
  ['/auth/login', { username: 'mallory', password: 'mallory-password' }],
  ['/auth/pages/login', { username: 'mallory', password: 'mallory-password' }],
  ['/auth/pages/devices', { action: 'end-all' }],
  ['/auth/refresh', {}],
  ['/auth/logout', {}],
  ['/auth/logout-other', {}],
  ['/auth/logout-all', {}],
];
const ENCODINGS = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];
const FETCHES = [
  { mode: 'no-cors', credentials: 'include' },
  { mode: 'cors', credentials: 'include' },
];

/** Posts a form into a frame. */
const formScript = (action: string, enctype: string, fields: object) => `(() => {
  const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() });
  document.body.append(frame);
  const form = Object.assign(document.createElement('form'), { method: 'post', action: ${JSON.stringify(action)}, enctype: '${enctype}', target: frame.name });
  for (const [name, value] of Object.entries(${JSON.stringify(fields)})) form.append(Object.assign(document.createElement('input'), { name, value }));
  document.body.append(form);
  form.submit();
})()`;
/** Reads the answer too: a request whose answer nobody reads may never end. */
const fetchScript = (url: string, init: object) =>
  `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)})
    .then((response) => response.text().then(() => response.status), () => 'refused')`;
const loadScript = (tag: 'img' | 'iframe', src: string) =>
  `document.body.append(Object.assign(document.createElement('${tag}'), { src: ${JSON.stringify(src)} }))`;

/** Until a request of a page has been answered to its end, or the browser has refused the answer. */
function settled(page: Page, url: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (request: Request) => {
      if (request.url() !== url) return;
      page.off('requestfinished', look);
      page.off('requestfailed', look);
      resolve();
    };
    page.on('requestfinished', look);
    page.on('requestfailed', look);
  });
}

/** What pages can send to a path, and the script that does. */
const attacks = TARGETS.flatMap(([path, fields]) => {
  const [form, json] = [new URLSearchParams(fields).toString(), JSON.stringify(fields)];
  const asJson = {
    method: 'POST',
    credentials: 'include',
    headers: { 'content-type': 'application/json' },
    body: json,
  };
  const scripts: [string, (url: string) => string][] = [
    ...ENCODINGS.map((type): (typeof scripts)[0] => [`a form as ${type} to`, (url) => formScript(url, type, fields)]),
    ...FETCHES.map((init): (typeof scripts)[0] => [
      `fetch in mode ${init.mode} to`,
      (url) => fetchScript(url, { ...init, method: 'POST', body: form }),
    ]),
    ['fetch of JSON to', (url) => fetchScript(url, asJson)],
    ['an image of', (url) => loadScript('img', url)],
    ['a frame of', (url) => loadScript('iframe', url)],
  ];
  return scripts.map(([title, script]) => ({ title: `${title} ${path}`, path, script }));
});

describe.each(platforms)('B2: pages of another site, on $name', (platform) => {
  let t: TestApp;
  let browser: Browser;
  let evil: Server;
  let own: string;
  let foreign: string;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    browser = await launch();
    t = await createApp(platform, 'sqlite', {
      options: { transport: new CookieTransport() },
      extras: { features: [pages()] },
      controllers: [ChangesController],
      prepare: (app) => app.enableCors({ origin: true, credentials: true }),
    });
    for (const name of ['alice', 'mallory']) await t.users.add(name);
    t.clock.set(Date.now());
    own = (await t.app.getUrl()).replace('127.0.0.1', 'localhost');
    evil = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<body></body>'));
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    foreign = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser?.close();
    evil?.close();
    await t?.close();
  });
  beforeEach(async () => {
    for (const id of ['1', '2']) await t.tokens.revokeAll(id);
    changes = 0;
    context = await browser.newContext();
    page = await context.newPage();
    await page.goto(`${own}/auth/login`);
    await page.fill('#username', 'alice');
    await page.fill('#password', 'alice-password');
    await page.click('button.main');
    return () => context.close();
  });

  const sessions = async () => [await t.tokens.list('1'), await t.tokens.list('2')].map(({ length }) => length);
  /** Runs a script of the page that sends something there, and waits until that is over. */
  const run = async ({ path, script }: (typeof attacks)[0]) => {
    const over = settled(page, own + path);
    await page.evaluate(script(own + path)).catch(() => undefined);
    await over;
  };

  it(`change nothing, and log nobody in or out: ${attacks.length} kinds of requests`, async () => {
    await page.goto(foreign);
    const before = await context.cookies(own);
    for (const attack of attacks) {
      await run(attack);
      if (!page.url().startsWith(foreign)) await page.goto(foreign);
      expect([attack.title, changes, await sessions()]).toEqual([attack.title, 0, [1, 0]]);
    }
    expect(await context.cookies(own)).toEqual(before);
    await page.goto(`${own}/auth/devices`);
    expect(await page.locator('.card').count()).toBe(1);
  });

  it.each(['/auth/devices', '/auth/login?next=/auth/devices'])(
    'may link to %s: with an expired access token too, whoever is logged in gets there',
    async (path) => {
      t.clock.advance('6m');
      await page.goto(foreign);
      const link = `Object.assign(document.createElement('a'), { href: ${JSON.stringify(own + path)}, textContent: 'Go' })`;
      await page.evaluate(`document.body.append(${link})`);
      await page.click('a');
      await page.waitForSelector('.card.current');
      expect(new URL(page.url()).pathname).toBe('/auth/devices');
      // Nobody is logged in elsewhere: one reload, then the form.
      await context.clearCookies();
      await page.goto(foreign);
      await page.evaluate(`document.body.append(${link})`);
      await page.click('a');
      await page.waitForSelector('#password');
    },
  );

  it.each(attacks.filter(({ title }) => /^a form as .*urlencoded to \/changes$|^fetch .* to \/changes$/.test(title)))(
    'control: $title changes something from a page of the same origin',
    async (attack) => {
      await page.goto(`${own}/auth/session`);
      await run(attack);
      expect(changes).toBe(1);
    },
  );

  it('control: pages of the same origin do', async () => {
    const send = (path: string, fields: object) =>
      page.evaluate(
        fetchScript(own + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(fields),
        }),
      );
    await page.goto(`${own}/auth/session`);
    expect(await send('/changes', {})).toBe(201);
    expect(await send('/auth/refresh', {})).toBe(200);
    expect(await send('/auth/login', { username: 'mallory', password: 'mallory-password' })).toBe(200);
    expect(await sessions()).toEqual([0, 1]);
    expect(await send('/auth/logout', {})).toBe(204);
    expect([changes, await sessions()]).toEqual([1, [0, 0]]);
  });
});
