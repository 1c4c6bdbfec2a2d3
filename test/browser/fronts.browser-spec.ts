import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { INestApplication } from '@nestjs/common';
import helmet from 'helmet';
import { CookieTransport } from '../../lib';
import { pages } from '../../lib/pages';
import { createApp, type TestApp } from '../support/create-app';
import { addFronts } from '../support/fronts';
import { firstOf } from '../support/lengths';
import { platforms } from '../support/platforms';
import { launch, logIn, openPage } from './chromium';

describe.each(firstOf(platforms, 1))('pages behind helmet and compression, in Chromium, on $name', (platform) => {
  let browser: Browser;
  let t: TestApp;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(() => t.close());

  /** Logs in by the page; what the browser complained of, and whether it applied the style sheet. */
  async function visit(prepare: (app: INestApplication) => unknown) {
    t = await createApp(platform, 'sqlite', {
      options: { transport: new CookieTransport() },
      extras: { features: [pages()] },
      prepare,
    });
    await t.users.add('alice');
    t.clock.set(Date.now());
    const address = (await t.app.getUrl()).replace('127.0.0.1', 'localhost');
    const context = await browser.newContext({ locale: 'en-GB' });
    const { page, complaints } = await openPage(context);
    await logIn(page, address);
    const accent = await page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--knox-accent')");
    const devices = await page.locator('.card').count();
    await context.close();
    return { complaints, devices, isStyled: accent !== '' };
  }

  it('look and work as ever', async () => {
    const seen = await visit((app) => addFronts(platform, app));
    expect(seen).toEqual({ complaints: [], devices: 1, isStyled: true });
  });

  it("control: a stricter policy of the host's holds too", async () => {
    const strict = helmet({ contentSecurityPolicy: { directives: { styleSrc: ["'none'"] } } });
    const seen = await visit((app) => app.use(strict));
    expect(seen).toMatchObject({ devices: 1, isStyled: false });
    expect(seen.complaints).toContainEqual(expect.stringContaining("style-src 'none'"));
  });
});
