import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const EXECUTABLES = [process.env.TEST_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Debian's Chromium, without a window. */
export async function launch(args: readonly string[] = []): Promise<Browser> {
  const executablePath = EXECUTABLES.find((path) => path !== undefined && existsSync(path));
  if (!executablePath) throw new Error('Chromium is missing: install it, or name it in TEST_CHROMIUM.');
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
}

/** `*.test` is this machine, and a certificate with this key is trusted: one that was waved through would bind nothing. */
export function trusting(spki: string): string[] {
  return [`--ignore-certificate-errors-spki-list=${spki}`, '--host-resolver-rules=MAP *.test 127.0.0.1'];
}

/** Keys in software, where the machine has no place for them in hardware, and as many proofs as a test needs. */
export const BINDING_SESSIONS = [
  '--enable-features=DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting',
];

/** A page, and all that its browser complains of: errors of scripts, resources that fail, violations of the policy. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, complaints };
}

/** Through the form of the library's own page, up to the page of devices. */
export async function logIn(page: Page, address: string, username = 'alice'): Promise<void> {
  await page.goto(`${address}/auth/login`);
  await page.fill('#username', username);
  await page.fill('#password', `${username}-password`);
  await page.click('button.main');
  // The page that comes is of another process of the browser: until it is there, a reload finds none.
  await page.waitForURL(/\/auth\/devices$/, { waitUntil: 'load' });
}

/** What axe-core finds wrong, as `rule: element`. */
export async function violationsOf(page: Page): Promise<string[]> {
  // By the debugger's own way: the page's policy allows no script.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${String(target)}`));
}

/** By how many pixels a page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}
