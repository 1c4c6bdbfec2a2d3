import { request } from 'node:https';
import { Controller, Get, UseGuards } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clock, CookieTransport, CurrentUser, JwtKnoxGuard } from '../../lib';
import { pages } from '../../lib/pages';
import { JwtKnoxSession } from '../../lib/typeorm';
import { deviceBinding } from '../../lib/binding';
import { freePort } from '../host/free-port';
import { makeCertificate } from '../support/certificate';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { BINDING_SESSIONS, launch, logIn, trusting } from './chromium';

/** Seconds that an access token counts; the cookie of a bound session, half of them. */
const TTL = 8;
const COOKIE_MS = (TTL / 2) * 1_000;

class SystemTime extends Clock {
  now(): number {
    return Date.now();
  }
}

@Controller('who')
@UseGuards(JwtKnoxGuard)
class WhoController {
  @Get() who(@CurrentUser('username') username: string) {
    return { username };
  }
}

/** One user a test: they run beside each other, since most of their time is waiting. */
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace'];

const { tls, spki } = makeCertificate();
let port: number;

describe.each(platforms)('sessions that Chromium binds to its key, on $name', (platform) => {
  let binding: Browser;
  let plain: Browser;
  let t: TestApp;
  let address: string;
  const users = new Map<string, string>();

  beforeAll(async () => {
    port = await freePort();
    address = `https://app.test:${port}`;
    [binding, plain] = await Promise.all([launch([...trusting(spki), ...BINDING_SESSIONS]), launch(trusting(spki))]);
    t = await createApp(platform, 'sqlite', {
      tls,
      port,
      options: {
        clock: new SystemTime(),
        transport: new CookieTransport(),
        publicOrigin: address,
        accessToken: { ttl: TTL },
        refreshToken: { reuseInterval: '1s' },
      },
      extras: { features: [pages(), deviceBinding({ dbsc: 'prefer' })] },
      controllers: [WhoController],
    });
    for (const name of NAMES) users.set(name, String((await t.users.add(name)).id));
  });
  afterAll(async () => {
    await Promise.all([binding?.close(), plain?.close()]);
    await t?.close();
  });

  const rowsOf = (name: string) =>
    t.source.getRepository(JwtKnoxSession).find({ where: { userId: users.get(name)! }, order: { createdAt: 'ASC' } });

  /** Logged in, and bound: a browser that does not register makes this fail. */
  async function boundPage(name: string, given?: BrowserContext): Promise<{ page: Page; context: BrowserContext }> {
    const context = given ?? (await binding.newContext());
    const page = await context.newPage();
    await logIn(page, address, name);
    await until(page, async () => (await rowsOf(name)).at(-1)?.boundKind === 'dbsc');
    return { page, context };
  }

  /** Fails when it does not come true in time. */
  async function until(page: Page, isSo: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      if (await isSo().catch(() => false)) return;
      await page.waitForTimeout(100);
    }
    throw new Error(`It did not come true: ${String(isSo)}`);
  }

  const afterCookie = (page: Page) => page.waitForTimeout(COOKIE_MS + 700);

  async function who(page: Page): Promise<string> {
    const answer = await page.goto(`${address}/who`);
    return answer!.status() === 200 ? ((await answer!.json()) as { username: string }).username : `${answer!.status()}`;
  }

  /** What a program gets that sends the cookies of a browser. */
  async function withCookies(cookies: Awaited<ReturnType<BrowserContext['cookies']>>, path: string, method = 'GET') {
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    return new Promise<number>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, method, headers: { cookie, host: `app.test:${port}` } };
      request({ ...options, rejectUnauthorized: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      })
        .on('error', reject)
        .end();
    });
  }

  it.concurrent('are bound at the login, and prolonged without a script whenever the cookie is gone', async () => {
    const { page, context } = await boundPage('alice');
    expect(await rowsOf('alice')).toMatchObject([{ boundKind: 'dbsc', generation: 1 }]);
    for (let count = 0; count < 2; count++) {
      await afterCookie(page);
      expect(await who(page)).toBe('alice');
    }
    await afterCookie(page);
    expect(await page.evaluate("fetch('/who').then((answer) => answer.status)")).toBe(200);
    expect(await rowsOf('alice')).toMatchObject([{ boundProofAt: expect.any(Number), generation: 1 }]);
    await context.close();
  });

  it.concurrent('K1 end for a thief with all cookies when the access cookie does', async () => {
    const { page, context } = await boundPage('bob');
    const den = await binding.newContext();
    const thief = await den.newPage();
    const steal = async () => {
      await afterCookie(page);
      expect(await who(page)).toBe('bob');
      const cookies = await context.cookies();
      await den.addCookies(cookies);
      return { cookies, asPage: await who(thief), asProgram: await withCookies(cookies, '/who') };
    };
    let theft = await steal();
    // The cookie lives for seconds: a thief who comes too late on a busy machine steals again.
    for (let tries = 1; tries < 4 && theft.asPage !== 'bob'; tries++) theft = await steal();
    expect(theft).toMatchObject({ asPage: 'bob', asProgram: 200 });
    const stolen = theft.cookies;
    expect(await withCookies(stolen, '/auth/refresh', 'POST')).toBe(401);
    await page.waitForTimeout(TTL * 1_000 + 700);
    expect(await who(thief)).toBe('401');
    expect(await withCookies(stolen, '/who')).toBe(401);
    expect(await withCookies(stolen, '/auth/refresh', 'POST')).toBe(401);
    expect(await who(page)).toBe('bob');
    await Promise.all([context.close(), den.close()]);
  });

  it.concurrent('K1 control: the session of a browser that binds nothing lives on for the thief', async () => {
    const context = await plain.newContext();
    const page = await context.newPage();
    await logIn(page, address, 'carol');
    const stolen = await context.cookies();
    await page.waitForTimeout(TTL * 1_000 + 700);
    expect(await rowsOf('carol')).toMatchObject([{ boundKind: null }]);
    expect(await withCookies(stolen, '/who')).toBe(401);
    expect(await withCookies(stolen, '/auth/refresh', 'POST')).toBe(200);
    await context.close();
  });

  it.concurrent('are asked for once more where a link of another site finds the cookie gone', async () => {
    const { page, context } = await boundPage('dave');
    await afterCookie(page);
    await page.goto(`https://other.test:${port}/auth/login`);
    await page.evaluate(`location.href = '${address}/who'`);
    await until(page, async () => (await page.textContent('body'))!.includes('dave'));
    await context.close();
  });

  it.concurrent('end with a logout', async () => {
    const { page, context } = await boundPage('erin');
    await afterCookie(page);
    expect(await who(page)).toBe('erin');
    expect(await page.evaluate("fetch('/auth/logout', { method: 'POST' }).then((answer) => answer.status)")).toBe(204);
    expect(await rowsOf('erin')).toEqual([]);
    expect(await who(page)).toBe('401');
    await context.close();
  });

  it.concurrent('make way for those of a second login in the same browser', async () => {
    const { page, context } = await boundPage('frank');
    await boundPage('grace', context);
    expect(await rowsOf('frank')).toEqual([]);
    for (let count = 0; count < 2; count++) {
      await afterCookie(page);
      expect(await who(page)).toBe('grace');
    }
    await context.close();
  });
});
