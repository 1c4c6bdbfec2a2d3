import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Post, UseGuards } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';
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

/** Posts a form into a frame, and waits for what comes back. */
const formScript = (action: string, enctype: string, fields: object) => `new Promise((done) => {
  const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() });
  document.body.append(frame);
  const form = Object.assign(document.createElement('form'), { method: 'post', action: ${JSON.stringify(action)}, enctype: '${enctype}', target: frame.name });
  for (const [name, value] of Object.entries(${JSON.stringify(fields)})) form.append(Object.assign(document.createElement('input'), { name, value }));
  document.body.append(form);
  frame.onload = () => setTimeout(done, 50);
  form.submit();
  setTimeout(done, 1500);
})`;
const fetchScript = (url: string, init: object) =>
  `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then((response) => response.status, () => 'refused')`;
const loadScript = (tag: 'img' | 'iframe', src: string) => `new Promise((done) => {
  const element = Object.assign(document.createElement('${tag}'), { src: ${JSON.stringify(src)} });
  element.onload = element.onerror = done;
  document.body.append(element);
  setTimeout(done, 1000);
})`;

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
  const attacks = TARGETS.flatMap(([path, fields]): [string, (base: string) => string][] => [
    ...ENCODINGS.map((enctype): [string, (base: string) => string] => [
      `a form as ${enctype} to ${path}`,
      (base) => formScript(base + path, enctype, fields),
    ]),
    ...FETCHES.map((init): [string, (base: string) => string] => [
      `fetch in mode ${init.mode} to ${path}`,
      (base) => fetchScript(base + path, { ...init, method: 'POST', body: new URLSearchParams(fields).toString() }),
    ]),
    [
      `fetch of JSON to ${path}`,
      (base) =>
        fetchScript(base + path, {
          method: 'POST',
          credentials: 'include',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(fields),
        }),
    ],
    [`an image of ${path}`, (base) => loadScript('img', base + path)],
    [`a frame of ${path}`, (base) => loadScript('iframe', base + path)],
  ]);

  it(`change nothing, and log nobody in or out: ${attacks.length} kinds of requests`, async () => {
    await page.goto(foreign);
    const before = await context.cookies(own);
    for (const [title, script] of attacks) {
      await page.evaluate(script(own)).catch(() => undefined);
      if (!page.url().startsWith(foreign)) await page.goto(foreign);
      expect([title, changes, await sessions()]).toEqual([title, 0, [1, 0]]);
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
