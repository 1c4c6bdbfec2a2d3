import type { Browser, BrowserContext } from 'playwright-core';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deviceBinding } from '../../lib/binding';
import { JwtKnoxSession } from '../../lib/typeorm';
import type { TestApp } from '../support/create-app';
import { freePort } from '../host/free-port';
import { platforms } from '../support/platforms';
import { type ClientKind, ClientTab, serveTabs } from './client-tabs';
import { closeSuite, leave, openSuite } from './suite';

const alice = { username: 'alice', password: 'alice-password' };
/** Seconds; the server's clock is moved by more, and by less than proofs may differ. */
const TTL = 30;

describe.each([
  { platform: platforms[0]!, dpop: 'prefer' },
  { platform: platforms[1]!, dpop: 'nonce' },
] as const)("a key of Chromium's, on $platform.name, dpop: $dpop", ({ platform, dpop }) => {
  let t: TestApp;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    const port = await freePort();
    const publicOrigin = `http://localhost:${port}`;
    ({
      t,
      browser,
      address: origin,
    } = await openSuite(platform, {
      port,
      options: { publicOrigin, accessToken: { ttl: TTL }, clockTolerance: 0 },
      extras: { features: [deviceBinding({ dbsc: 'off', dpop })] },
      prepare: serveTabs,
    }));
  });
  afterAll(() => closeSuite({ browser, t }));
  afterEach(async () => {
    await leave({ browser, t });
    t.clock.set(Date.now());
  });

  const open = (context: BrowserContext, kind: ClientKind = 'dpop') =>
    ClientTab.open(context, origin, { kind, mode: 'bearer' });
  const session = async () => (await t.app.get(DataSource).getRepository(JwtKnoxSession).find())[0]!;
  const right = (count: number) => ({ right: count, wrong: [] });

  /** Another browser, with a copy of what a tab has stored. */
  const denWith = async ({ page }: ClientTab) => {
    const copied: Record<string, string> = await page.evaluate('({ ...localStorage })');
    const den = await browser.newContext();
    await den.addInitScript((stored) => Object.assign((globalThis as any).localStorage, stored), copied);
    return den;
  };

  it('binds the login, and serves all tabs, a reload and a refresh', async () => {
    const context = await browser.newContext();
    const [first, second] = [await open(context), await open(context)];
    await first.login(alice);
    expect(await session()).toMatchObject({ boundKind: 'dpop', generation: 0 });
    expect(await Promise.all([first.beat('/notes', 10), second.beat('/notes', 10)])).toEqual([right(10), right(10)]);
    t.clock.advance(TTL + 1);
    expect(await Promise.all([first.beat('/notes', 10), second.beat('/notes', 10)])).toEqual([right(10), right(10)]);
    expect((await session()).generation).toBe(1);
    await first.page.reload({ waitUntil: 'load' });
    expect(await first.beat('/notes', 5)).toEqual(right(5));
  });

  it('serves a worker, which has the key too', async () => {
    const tab = await open(await browser.newContext());
    await tab.login(alice);
    const statuses = await tab.page.evaluate(`(async () => {
      const worker = new Worker('/tab/worker.mjs', { type: 'module' });
      const ask = (message) => new Promise((resolve) => {
        worker.addEventListener('message', ({ data }) => resolve(data), { once: true });
        worker.postMessage(message);
      });
      const token = /"([\\w-]+\\.[\\w-]+\\.[\\w-]+)"/.exec(Object.values(localStorage).find((text) => text.includes('eyJ')))[1];
      const control = await fetch('/notes', { headers: { authorization: 'Bearer ' + token } });
      return [await ask({ path: '/notes', token }), control.status];
    })()`);
    expect(statuses).toEqual([200, 401]);
  });

  it('can be used by scripts, and not read', async () => {
    const tab = await open(await browser.newContext());
    await tab.login(alice);
    const found = await tab.page.evaluate(`(async () => {
      const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
      const database = await asked(indexedDB.open('jwt-knox'));
      const [pair] = await asked(database.transaction('keys').objectStore('keys').getAll());
      const read = (key) => crypto.subtle.exportKey('jwk', key).then((jwk) => jwk.kty, (error) => error.name);
      return [await read(pair.publicKey), await read(pair.privateKey), pair.privateKey.extractable];
    })()`);
    expect(found).toEqual(['EC', 'InvalidAccessError', false]);
  });

  it.each(['dpop', 'client'] as const)(
    'K2: all that a thief can copy is worth nothing in another browser, and harms nobody; its client: %s',
    async (kind) => {
      const tab = await open(await browser.newContext());
      await tab.login(alice);
      const thief = await open(await denWith(tab), kind);
      expect((await thief.beat('/notes', 3)).right).toBe(0);
      expect(await tab.beat('/notes', 5)).toEqual(right(5));
      t.clock.advance(TTL + 1);
      expect(await tab.beat('/notes', 5)).toEqual(right(5));
    },
  );

  it('control: without proofs, the copy works in another browser', async () => {
    const tab = await open(await browser.newContext(), 'client');
    await tab.login(alice);
    expect((await session()).boundKind).toBeNull();
    expect(await (await open(await denWith(tab), 'client')).beat('/notes', 3)).toEqual(right(3));
  });
});
