import type { Session } from '../../lib';
import { CookieTransport, SessionRepository } from '../../lib';
import { deviceBinding, type DeviceBindingOptions } from '../../lib/binding';
import type { SessionRecord } from '../../lib/contracts/session';
import { type AppSettings, createApp, type TestApp } from './create-app';
import type { DatabaseKind } from './databases';
import { DbscBrowser } from './dbsc-browser';
import type { Platform } from './platforms';

export const ORIGIN = 'https://app.example.com';

export interface BoundAppSettings extends AppSettings {
  binding?: DeviceBindingOptions;
}

/** An application with cookies whose sessions browsers bind to their keys. */
export function createBoundApp(platform: Platform, kind: DatabaseKind, settings: BoundAppSettings = {}) {
  const { binding = { dbsc: 'prefer', dpop: 'off' }, options, extras, ...others } = settings;
  return createApp(platform, kind, {
    ...others,
    options: { transport: new CookieTransport(), publicOrigin: ORIGIN, ...options },
    extras: { ...extras, features: [deviceBinding(binding), ...(extras?.features ?? [])] },
  });
}

/** Logs in by cookies; a browser that registers is bound then. */
export async function logInAs(browser: DbscBrowser, username: string, path = '/auth/login') {
  const json = { username, password: `${username}-password` };
  const answer = await browser.post(path, { json });
  if (answer.status !== 200) throw new Error(`Login answered ${answer.status}: ${answer.text}`);
  return answer;
}

/** A browser in which this user is logged in, in a session that is bound to its key. */
export async function boundBrowser({ http }: TestApp, username: string, path?: string): Promise<DbscBrowser> {
  const browser = new DbscBrowser(http);
  await logInAs(browser, username, path);
  if (browser.sessions.size !== 1) throw new Error('The session was not bound.');
  return browser;
}

export async function rowOf({ app }: TestApp, id: Session['id']): Promise<SessionRecord | undefined> {
  return (await app.get(SessionRepository).findById(id))?.record;
}

/** The challenge that an answer carries. */
export function challengeIn({ headers }: { headers: Record<string, string | string[] | undefined> }): string {
  return /^"([^"]*)"/.exec(String(headers['secure-session-challenge']))![1]!;
}
