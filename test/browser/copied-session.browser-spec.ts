import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CookieTransport } from '../../lib';
import { deviceBinding } from '../../lib/binding';
import { pages } from '../../lib/pages';
import { OpenChannels } from '../../lib/sessions/open-channels';
import type { TestApp } from '../support/create-app';
import { DpopDevice, ORIGIN } from '../support/dpop-device';
import { firstOf } from '../support/lengths';
import { platforms } from '../support/platforms';
import { logIn, openPage, overflowOf, violationsOf } from './chromium';
import { closeSuite, leave, openSuite } from './suite';

/** What is no browser gets its tokens in the body, and has a key of its own. */
const PHONE = { 'user-agent': 'Shop/1.0 (iPhone)' };
const SCREENSHOTS = '.cache/screenshots';

describe.each(firstOf(platforms, 1))('the page of devices tells of copied tokens, on $name', (platform) => {
  let t: TestApp;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    const settings = {
      options: { transport: new CookieTransport(), publicOrigin: ORIGIN },
      extras: {
        routes: { admin: true, freshness: '10m' },
        features: [pages({ live: true }), deviceBinding({ dbsc: 'off', dpop: 'prefer' })],
      },
    };
    ({ t, browser, address } = await openSuite(platform, settings, ['alice']));
  });
  afterAll(() => closeSuite({ browser, t }));
  afterEach(async () => {
    await leave({ browser, t });
    await expect.poll(() => t.app.get(OpenChannels).size).toBe(0);
  });

  const eventually = <T>(read: () => Promise<T> | T) => expect.poll(read, { timeout: 10_000 });
  const alarmsOn = (page: Page) => page.locator('.alarm').count();

  async function enter() {
    const context = await browser.newContext({ locale: 'en-GB' });
    const opened = await openPage(context);
    const listening = opened.page.waitForResponse(/pages\/devices\/events/);
    await logIn(opened.page, address, 'alice');
    await listening;
    await opened.page.evaluate('window.mark = 1');
    return { ...opened, isMarked: () => opened.page.evaluate('window.mark === 1') };
  }

  async function phone() {
    const device = new DpopDevice(() => t.clock.now(), ORIGIN);
    const json = { username: 'alice', password: 'alice-password', device_name: 'My phone' };
    const headers = { ...PHONE, dpop: device.proof('POST', '/auth/login') };
    const { body } = await t.http.post('/auth/login', { json, headers });
    const isIn = async () => {
      const proven = device.headers('GET', '/notes', body.access_token);
      return (await t.http.get('/notes', { headers: { ...PHONE, ...proven } })).status === 200;
    };
    /** As a thief does who has the token alone. */
    const steal = () => t.http.get('/notes', { token: body.access_token, headers: PHONE });
    return { isIn, steal };
  }

  it('at once, on the card of the session, and no longer when the user has seen it', async () => {
    const { page, complaints, isMarked } = await enter();
    const mine = await phone();
    await eventually(() => page.locator('ul.cards > li').count()).toBe(1);
    expect(await alarmsOn(page)).toBe(0);
    expect((await mine.steal()).status).toBe(401);
    await eventually(() => alarmsOn(page)).toBe(1);
    const card = page.locator('ul.cards > li');
    expect(await card.locator('.alarm').textContent()).toContain('from another device. The attempt was refused.');
    expect(await isMarked()).toBe(true);
    await page.screenshot({ path: `${SCREENSHOTS}/copied.png`, fullPage: true });
    expect(await violationsOf(page)).toEqual([]);
    await card.getByRole('button', { name: /^Dismiss/ }).click();
    await page.waitForURL(/\/auth\/devices$/);
    expect([await alarmsOn(page), await mine.isIn()]).toEqual([0, true]);
    expect(complaints).toEqual([]);
  }); // prettier-ignore

  it('in German, on a narrow screen, without scripts, and ends the session from there with the password', async () => {
    const mine = await phone();
    await mine.steal();
    const plain = { locale: 'de-DE', javaScriptEnabled: false, viewport: { width: 320, height: 800 } };
    const context = await browser.newContext(plain);
    const { page } = await openPage(context);
    await logIn(page, address, 'alice');
    await eventually(async () => {
      await page.reload();
      return alarmsOn(page);
    }).toBe(1);
    t.clock.advance('11m');
    await page.reload();
    const card = page.locator('ul.cards > li');
    expect(await card.locator('.alarm').textContent()).toContain('Der Versuch wurde abgewiesen.');
    expect(await overflowOf(page)).toBe(0);
    await page.screenshot({ path: `${SCREENSHOTS}/copied-320.png`, fullPage: true });
    const password = card.locator('form:has(input[name="refused_at"]) input[type="password"]');
    await password.fill('alice-password');
    await card.getByRole('button', { name: /^Abmelden/ }).click();
    await page.waitForURL(/\?ended=1$/);
    expect([await alarmsOn(page), await mine.isIn()]).toEqual([0, false]);
  }); // prettier-ignore

  it('needs no password to say that it was seen, where ending needs one', async () => {
    const mine = await phone();
    const { page } = await enter();
    await mine.steal();
    await eventually(() => alarmsOn(page)).toBe(1);
    t.clock.advance('11m');
    await page.reload();
    const card = page.locator('ul.cards > li');
    expect(await card.locator('input[type="password"]').count()).toBe(1);
    await card.getByRole('button', { name: /^Dismiss/ }).click();
    await eventually(() => alarmsOn(page)).toBe(0);
  });
});
