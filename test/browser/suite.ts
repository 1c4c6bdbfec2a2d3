import type { Browser } from 'playwright-core';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import type { Platform } from '../support/platforms';
import { launch } from './chromium';

/** What the tests of a suite share. */
export interface Suite {
  t: TestApp;
  browser: Browser;
  /** By a name that browsers take for safe, as they do with https. */
  address: string;
}

/** The application keeps the time of the browser, and has these users. */
export async function openSuite(platform: Platform, settings: AppSettings, users = ['alice']): Promise<Suite> {
  const browser = await launch();
  const t = await createApp(platform, 'sqlite', settings);
  for (const name of users) await t.users.add(name);
  t.clock.set(Date.now());
  return { t, browser, address: (await t.app.getUrl()).replace('127.0.0.1', 'localhost') };
}

/** After a test: no page is open, and nobody is logged in. */
export async function leave({ t, browser }: Pick<Suite, 't' | 'browser'>): Promise<void> {
  for (const context of browser.contexts()) await context.close();
  for (const { id } of await t.users.rows.find()) await t.tokens.revokeAll(String(id));
}

/** Also when only a part of it could be opened. */
export async function closeSuite({ t, browser }: Partial<Suite>): Promise<void> {
  await browser?.close();
  await t?.close();
}
