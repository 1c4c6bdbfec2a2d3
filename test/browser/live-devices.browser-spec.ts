import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CookieTransport, JwtKnoxEvents } from '../../lib';
import { pages } from '../../lib/pages';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { createApp, type TestApp } from '../support/create-app';
import { firstOf } from '../support/lengths';
import { platforms } from '../support/platforms';
import { launch, logIn, openPage, violationsOf } from './chromium';
import { closeSuite, leave, openSuite } from './suite';

const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

describe.each(firstOf(platforms, 1))('an open page of devices, on $name', (platform) => {
  let t: TestApp;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    const settings = {
      options: { transport: new CookieTransport() },
      extras: { features: [pages({ live: true })] },
    };
    ({ t, browser, address } = await openSuite(platform, settings, ['alice', 'bob']));
  });
  afterAll(() => closeSuite({ browser, t }));
  afterEach(async () => {
    await leave({ browser, t });
    await expect.poll(() => t.app.get(OpenChannels).size).toBe(0);
  });

  /** A browser of its own, logged in, on the page of devices. A reload would lose the mark. */
  const enter = async (username = 'alice') => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const opened = await openPage(context);
    const listening = opened.page.waitForResponse(/pages\/devices\/events/);
    await logIn(opened.page, address, username);
    await listening;
    await opened.page.evaluate('window.mark = 1');
    return { ...opened, context, isMarked: () => opened.page.evaluate('window.mark === 1') };
  };
  const othersOn = (page: Page) => page.locator('ul.cards > li').count();
  const eventually = <T>(read: () => Promise<T> | T) => expect.poll(read, { timeout: 10_000 });

  it('shows at once what begins and ends elsewhere, and the page of what has ended says so, without a reload', async () => {
    const laptop = await enter();
    expect(await othersOn(laptop.page)).toBe(0);
    const phone = await enter();
    await eventually(() => othersOn(laptop.page)).toBe(1);
    await laptop.page.locator('ul.cards .actions button[value="end"]').click();
    await phone.page.waitForURL(/\/auth\/login\?ended$/);
    expect(await phone.page.locator('[role="status"]').textContent()).toContain('You have been signed out here');
    expect(await violationsOf(phone.page)).toEqual([]);
    const third = await enter();
    expect(await othersOn(third.page)).toBe(1);
    await laptop.page.evaluate('window.mark = 1');
    await eventually(() => othersOn(laptop.page)).toBe(1);
    await third.page.click('.card.current button[value="end"]');
    await eventually(() => othersOn(laptop.page)).toBe(0);
    expect(await laptop.isMarked()).toBe(true);
    await logIn(phone.page, address);
    await eventually(() => othersOn(laptop.page)).toBe(1);
    expect([laptop.complaints, phone.complaints, third.complaints]).toEqual([[], [], []]);
  });

  it('control: hears nothing of it where nobody announces it', async () => {
    const laptop = await enter();
    const events = t.app.get(JwtKnoxEvents);
    const { emit } = events;
    events.emit = () => undefined;
    try {
      await enter();
      // The stream is open, and brings what is announced later.
      expect(await othersOn(laptop.page)).toBe(0);
    } finally {
      events.emit = emit;
    }
    await t.tokens.issue((await t.users.findById('1'))!);
    await eventually(() => othersOn(laptop.page)).toBe(2);
  });

  it('tells every tab of a session, nobody else, and no script a token', async () => {
    const [alice, bob] = [await enter(), await enter('bob')];
    const tab = await openPage(alice.context);
    const listening = tab.page.waitForResponse(/pages\/devices\/events/);
    await tab.page.goto(`${address}/auth/devices`);
    expect((await (await listening).allHeaders())['content-type']).toContain('text/event-stream');
    const answer = await tab.page.reload();
    expect((await answer!.allHeaders())['content-security-policy']).toBe(POLICY);
    const cookies = await alice.context.cookies();
    const readable = (await tab.page.evaluate(
      'fetch(document.getElementById("knox-live").dataset.events).then((one) => one.body.getReader().read()).then(({ value }) => new TextDecoder().decode(value))',
    )) as string;
    expect(readable).toContain('event: devices');
    for (const part of cookies.flatMap(({ value }) => value.split('.'))) expect(readable).not.toContain(part);
    await t.tokens.revokeAll('1');
    for (const { page } of [alice, tab]) await page.waitForURL(/\/auth\/login\?ended$/);
    expect(await bob.isMarked()).toBe(true);
    expect(new URL(bob.page.url()).pathname).toBe('/auth/devices');
    expect([alice.complaints, tab.complaints, bob.complaints]).toEqual([[], [], []]);
  });

  it('stays open after the access token has expired, and changes nothing below the hands of its user', async () => {
    const { page, isMarked } = await enter();
    t.clock.advance('6m');
    await page.locator('.card.current summary').click();
    await page.fill('.card.current input[name="device_name"]', 'My lap');
    await t.tokens.issue((await t.users.findById('1'))!);
    await t.tokens.issue((await t.users.findById('1'))!);
    expect(await page.inputValue('.card.current input[name="device_name"]')).toBe('My lap');
    await page.evaluate('document.activeElement.blur()');
    await eventually(() => othersOn(page)).toBe(2);
    expect(await isMarked()).toBe(true);
  });
});

describe.each(firstOf(platforms, 1))('without scripts, on $name', (platform) => {
  it('the page of devices is complete all the same, and a server with open pages stops', async () => {
    const browser = await launch();
    const t = await createApp(platform, 'sqlite', {
      options: { transport: new CookieTransport() },
      extras: { features: [pages({ live: true })] },
    });
    await t.users.add('alice');
    t.clock.set(Date.now());
    const address = (await t.app.getUrl()).replace('127.0.0.1', 'localhost');
    const { page } = await openPage(await browser.newContext({ javaScriptEnabled: false }));
    await logIn(page, address);
    expect(await page.locator('.card.current').count()).toBe(1);
    const other = await openPage(await browser.newContext());
    await logIn(other.page, address);
    await expect.poll(() => t.app.get(OpenChannels).size).toBe(1);
    await page.reload();
    await page.locator('ul.cards .actions button[value="end"]').click();
    await other.page.waitForURL(/\?ended$/);
    await logIn(other.page, address);
    await expect.poll(() => t.app.get(OpenChannels).size).toBe(1);
    await t.close();
    await browser.close();
  });
});
