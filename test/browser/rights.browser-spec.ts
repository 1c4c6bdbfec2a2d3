import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CookieTransport } from '../../lib';
import { pages } from '../../lib/pages';
import type { TestApp } from '../support/create-app';
import { firstOf } from '../support/lengths';
import { platforms } from '../support/platforms';
import { logIn, openPage, overflowOf, violationsOf } from './chromium';
import { closeSuite, leave, openSuite } from './suite';

const SCREENSHOTS = '.cache/screenshots';

describe.each(firstOf(platforms, 1))('rights on the page of devices in Chromium, on $name', (platform) => {
  let t: TestApp;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    ({ t, browser, address } = await openSuite(platform, {
      options: {
        transport: new CookieTransport(),
        programTokens: { prefix: 'acme_', scopes: ['orders:read', 'orders:write'] },
      },
      extras: { features: [pages()], routes: { tokens: true, freshness: '10m' } },
    }));
  });
  afterAll(() => closeSuite({ browser, t }));
  afterEach(() => leave({ browser, t }));

  const open = async (options: Parameters<Browser['newContext']>[0] = {}) => {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    const opened = await openPage(context);
    await logIn(opened.page, address);
    return opened;
  };

  it.each([true, false])(
    'make a token, see it this once and withdraw it; with scripts: %s',
    async (javaScriptEnabled) => {
      const { page, complaints } = await open({ javaScriptEnabled });
      await page.locator('summary', { hasText: 'Make a token' }).click();
      await page.fill('#program-name', '<b>CI</b>');
      await page.check('#scope-0');
      await page.fill('#program-password', 'alice-password');
      await page.locator('details button.main').click();
      const token = (await page.locator('code.token').textContent())!;
      expect(token).toMatch(/^acme_eyJ/);
      expect([await t.statusOf(token), page.url().includes(token)]).toEqual([204, false]);
      expect(await page.locator('ul.cards h3', { hasText: '<b>CI</b>' }).count()).toBe(1);
      await page.goto(`${address}/auth/devices`);
      expect(await page.content()).not.toContain(token);
      await page.locator('button[value="end-token"]').click();
      await page.waitForURL(/token-ended/, { waitUntil: 'load' });
      expect([await t.statusOf(token), complaints]).toEqual([401, []]);
    },
  );

  it('ask for the password where the login is not fresh, and go on with new cookies', async () => {
    const [laptop, phone] = [await open(), await open()];
    t.clock.advance('11m');
    await laptop.page.reload();
    await laptop.page.fill('#password-all', 'wrong');
    await laptop.page.click('button[value="end-others"]');
    expect(await laptop.page.locator('.problem').textContent()).toContain('Nothing was changed');
    await phone.page.reload();
    expect(new URL(phone.page.url()).pathname).toBe('/auth/devices');
    await laptop.page.fill('#password-all', 'alice-password');
    await laptop.page.click('button[value="end-others"]');
    await laptop.page.waitForURL(/\/auth\/devices\?ended=1$/, { waitUntil: 'load' });
    await phone.page.reload();
    expect(new URL(phone.page.url()).pathname).toBe('/auth/login');
    // The page that a wrong password is told on.
    expect(laptop.complaints).toEqual([expect.stringContaining('status of 401')]);
  });

  it.each(['light', 'dark'] as const)(
    'break no rule of accessibility, and fit all widths, in %s',
    async (colorScheme) => {
      const { page, complaints } = await open({ colorScheme });
      const alice = (await t.users.findById('1'))!;
      const order = { name: 'A program with a name that is rather long', scopes: ['orders:read', 'orders:write'] };
      await t.tokens.issueProgramToken(alice, order);
      t.clock.advance('11m');
      for (const width of [320, 1_024, 1_920]) {
        await page.setViewportSize({ width, height: 800 });
        await page.goto(`${address}/auth/devices`);
        await page.locator('summary', { hasText: 'Make a token' }).click();
        expect([width, await overflowOf(page), await violationsOf(page)]).toEqual([width, 0, []]);
        if (platform.name === 'express')
          await page.screenshot({ path: `${SCREENSHOTS}/programs-${colorScheme}-${width}.png`, fullPage: true });
      }
      expect(complaints).toEqual([]);
    },
  );
});
