import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from '../../sample-app/test/support/app-process.js';
import { launch, openPage, violationsOf } from './chromium';

/** What a page complains of when a request is refused; the client's business. */
const REFUSED = /^Failed to load resource: the server responded with a status of 40[01]/;

/** The sample application's front end, on an origin of its own. */
describe('the front end of the sample application in Chromium', () => {
  let app: AppProcess;
  let browser: Browser;
  let address: string;
  let context: BrowserContext;
  const complaints: string[][] = [];

  beforeAll(async () => {
    browser = await launch();
    app = await AppProcess.start({ FRONTEND: 'on', ACCESS_TTL: '2s', REUSE_INTERVAL: '1s' });
    address = await app.says(/^The front end is at (\S+)$/m);
  }, START_TIMEOUT);
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });
  afterEach(async () => {
    await context.close();
    expect(complaints.splice(0).flat().filter((text) => !REFUSED.test(text))).toEqual([]); // prettier-ignore
  });

  const open = async (url = address) => {
    const opened = await openPage(context);
    complaints.push(opened.complaints);
    await opened.page.goto(url);
    return opened.page;
  };
  const logIn = async (page: Page) => {
    await page.fill('input[name="username"]', 'alice');
    await page.fill('input[name="password"]', 'alice-password');
    await page.fill('input[name="device_name"]', 'Desk');
    await page.click('#login button');
    await isInside(page);
  };
  const isInside = async (page: Page) => {
    await page.waitForSelector('#notes li');
    expect(await page.textContent('#username')).toBe('alice');
  };
  const isOutside = (page: Page) => page.waitForSelector('#login');

  it.each(['cookie', 'bearer'])(
    'logs in in mode %s, stays logged in over a reload and an expired access token, and tells other tabs of a logout',
    async (mode) => {
      context = await browser.newContext();
      const [first, second] = [await open(), await open()];
      if (mode === 'bearer') for (const page of [first, second]) await page.click('#switch');
      for (const page of [first, second]) {
        await isOutside(page);
        expect(await page.textContent('#mode')).toBe(mode);
      }
      // A tab behind another one draws seldom, and is clicked late.
      await first.bringToFront();
      await logIn(first);
      await isInside(second);
      expect(await violationsOf(first)).toEqual([]);
      await first.reload();
      await isInside(first);
      await first.fill('#add input', 'From the front end');
      await first.click('#add button');
      await first.waitForSelector('#notes li:has-text("From the front end")');
      // The access token expires meanwhile, and its cookie is dropped.
      await first.waitForTimeout(2_500);
      await second.reload();
      await isInside(second);
      await second.bringToFront();
      await second.click('#logout');
      await Promise.all([isOutside(first), isOutside(second)]);
      expect(await first.textContent('#notes')).toBe('');
      await first.reload();
      await isOutside(first);
    },
  );

  it('B1: has no token within reach of its scripts in mode cookie; control: in mode bearer it has', async () => {
    context = await browser.newContext();
    const page = await open();
    const readable = () =>
      page.evaluate<string>('JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, location.href])');
    await logIn(page);
    const cookies = await context.cookies();
    expect(cookies.map(({ httpOnly }) => httpOnly)).toEqual([true, true]);
    for (const { value } of cookies) for (const part of value.split('.')) expect(await readable()).not.toContain(part);
    expect(await readable()).not.toContain('eyJ');
    await page.click('#switch');
    await logIn(page);
    expect(await readable()).toContain('eyJ');
  }); // prettier-ignore

  it('shows the other devices, ends them, and what went wrong', async () => {
    context = await browser.newContext();
    const page = await open();
    await app.login('alice');
    await logIn(page);
    await page.waitForSelector('#sessions li:has-text("Desk (this one)")');
    expect(await page.locator('#sessions li').count()).toBeGreaterThan(1);
    await page.click('#end-others');
    await page.waitForSelector('#sessions li:nth-child(2)', { state: 'detached' });
    await page.click('#logout');
    await page.fill('input[name="username"]', 'alice');
    await page.fill('input[name="password"]', 'wrong');
    await page.click('#login button');
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#problem')).not.toBe('');
    expect(await violationsOf(page)).toEqual([]);
  });
});
