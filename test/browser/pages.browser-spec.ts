import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CookieTransport } from '../../lib';
import { pages } from '../../lib/pages';
import type { TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { logIn, openPage, overflowOf, violationsOf } from './chromium';
import { closeSuite, leave, openSuite } from './suite';

const SCREENSHOTS = '.cache/screenshots';
const HOSTILE = '<img src=x onerror="alert(1)">\u202E' + '<script>alert(2)</script>'.repeat(4);

describe.each(platforms)('the pages in Chromium, on $name', (platform) => {
  let t: TestApp;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    ({ t, browser, address } = await openSuite(platform, {
      options: { transport: new CookieTransport() },
      extras: { features: [pages()], routes: { admin: true } },
    }));
    await t.users.add('root', { isAdmin: true });
  });
  afterAll(() => closeSuite({ browser, t }));
  afterEach(() => leave({ browser, t }));

  const open = async (options: Parameters<Browser['newContext']>[0] = {}) => {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    return { context, ...(await openPage(context)) };
  };
  const enter = async (page: Page, username = 'alice') => {
    await logIn(page, address, username);
    expect(new URL(page.url()).pathname).toBe('/auth/devices');
  };

  it.each([true, false])('log in, show two devices and end one; with scripts: %s', async (javaScriptEnabled) => {
    const [laptop, phone] = [await open({ javaScriptEnabled }), await open({ javaScriptEnabled })];
    await enter(laptop.page);
    await enter(phone.page);
    await laptop.page.reload();
    expect(await laptop.page.locator('.card').count()).toBe(2);
    await laptop.page.locator('ul.cards .actions button[value="end"]').click();
    expect(await laptop.page.locator('.card').count()).toBe(1);
    await phone.page.reload();
    expect(new URL(phone.page.url()).pathname).toBe('/auth/login');
    expect([laptop.complaints, phone.complaints]).toEqual([[], []]);
  });

  it('B1: give no script a token: none in readable cookies, storage, addresses or markup', async () => {
    const { page, context } = await open();
    await enter(page);
    const cookies = await context.cookies();
    expect(cookies.map(({ httpOnly }) => httpOnly)).toEqual([true, true]);
    const readable = (await page.evaluate(
      'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, location.href, document.documentElement.outerHTML])',
    )) as string;
    for (const { value } of cookies) {
      for (const part of value.split('.')) expect(readable).not.toContain(part);
    }
  });

  it('go on after the access token has expired, without a script', async () => {
    const { page } = await open({ javaScriptEnabled: false });
    await enter(page);
    t.clock.advance('6m');
    await page.reload();
    expect(new URL(page.url()).pathname).toBe('/auth/devices');
  });

  it('B3: a logout in one tab ends the others, and the back button shows nothing private', async () => {
    const { page, context } = await open();
    await enter(page);
    const second = (await openPage(context)).page;
    await second.goto(`${address}/auth/devices`);
    await second.click('button[value="end-all"]');
    await page.reload();
    expect(new URL(page.url()).pathname).toBe('/auth/login');
    await second.goBack();
    expect(await second.locator('.card.current').count()).toBe(0);
  });

  it('B5: show what a client says of itself as text', async () => {
    const { page, complaints } = await open();
    await enter(page);
    await page.locator('summary').click();
    await page.fill('input[name="device_name"]', HOSTILE.slice(0, 128));
    await page.click('button[value="rename"]');
    expect(await page.locator('.card.current h3').textContent()).toContain('<img src=x onerror="alert(1)">');
    expect(await page.locator('img, script').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it.each(['light', 'dark'] as const)(
    'break no rule of accessibility, and fit all widths, in %s',
    async (colorScheme) => {
      const { page, complaints } = await open({ colorScheme });
      for (const [path, username] of [
        ['login', null],
        ['devices', 'alice'],
        ['admin', 'root'],
        ['admin/users?user_id=1', 'root'],
      ] as const) {
        if (username) await enter(page, username);
        for (const width of [320, 1_024, 1_920]) {
          await page.setViewportSize({ width, height: 800 });
          await page.goto(`${address}/auth/${path}`);
          expect([path, width, await overflowOf(page), await violationsOf(page)]).toEqual([path, width, 0, []]);
          const name = path.replaceAll(/\W+/g, '-');
          if (platform.name === 'express')
            await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}-${width}.png` });
        }
      }
      expect(complaints).toEqual([]);
    },
  );

  it('can be used by the keyboard alone', async () => {
    const { page } = await open();
    await page.goto(`${address}/auth/login`);
    await page.focus('#username');
    await page.keyboard.type('alice');
    await page.keyboard.press('Tab');
    await page.keyboard.type('alice-password');
    await page.keyboard.press('Enter');
    await page.waitForURL(/devices/);
    expect(await page.locator('.card.current').count()).toBe(1);
  });
});
