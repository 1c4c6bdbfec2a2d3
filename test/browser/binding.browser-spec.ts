import { request } from 'node:https';
import { Controller, Get, UseGuards } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clock, CookieTransport, CurrentUser, JwtKnoxGuard } from '../../lib';
import { pages } from '../../lib/pages';
import { JwtKnoxSession } from '../../lib/typeorm';
import { deviceBinding } from '../../lib/binding';
import { makeCertificate } from '../support/certificate';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { BINDING_SESSIONS, launch, logIn, trusting } from './chromium';

/** Seconds that an access token counts; the cookie of a bound session, half of them. */
const TTL = 4;
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

const { tls, spki } = makeCertificate();
let port = 47_000 + (process.pid % 1_000);

describe.each(platforms)('sessions that Chromium binds to its key, on $name', (platform) => {
  let binding: Browser;
  let plain: Browser;
  let t: TestApp;
  let address: string;

  beforeAll(async () => {
    port++;
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
    for (const name of ['alice', 'bob']) await t.users.add(name);
  });
  afterAll(async () => {
    await Promise.all([binding?.close(), plain?.close()]);
    await t?.close();
  });

  const rows = () => t.source.getRepository(JwtKnoxSession).find({ order: { createdAt: 'ASC' } });

  /** Logged in, and bound: a browser that does not register makes this fail. */
  async function boundPage(username = 'alice', context?: BrowserContext): Promise<{ page: Page; context: BrowserContext }> {
    const own = context ?? (await binding.newContext());
    const page = await own.newPage();
    await logIn(page, address, username);
    await expect.poll(async () => (await rows()).at(-1)?.boundKind, { timeout: 8_000 }).toBe('dbsc');
    return { page, context: own };
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

  it('are bound at the login, and prolonged without a script whenever the cookie is gone', async () => {
    const { page, context } = await boundPage();
    expect((await rows()).at(-1)).toMatchObject({ boundKind: 'dbsc', generation: 1 });
    for (let count = 0; count < 2; count++) {
      await afterCookie(page);
      expect(await who(page)).toBe('alice');
    }
    await afterCookie(page);
    const fetched = await page.evaluate("fetch('/who').then((answer) => answer.status)");
    expect(fetched).toBe(200);
    expect((await rows()).at(-1)).toMatchObject({ boundProofAt: expect.any(Number), generation: 1 });
    await context.close();
  });

  it('K1 end for a thief with all cookies when the access cookie does', async () => {
    const { page, context } = await boundPage();
    await afterCookie(page);
    expect(await who(page)).toBe('alice');
    const stolen = await context.cookies();
    const den = await binding.newContext();
    await den.addCookies(stolen);
    const thief = await den.newPage();
    expect(await who(thief)).toBe('alice');
    expect(await withCookies(stolen, '/who')).toBe(200);
    expect(await withCookies(stolen, '/auth/refresh', 'POST')).toBe(401);
    await page.waitForTimeout(TTL * 1_000 + 700);
    expect(await who(thief)).toBe('401');
    expect(await withCookies(stolen, '/who')).toBe(401);
    expect(await withCookies(stolen, '/auth/refresh', 'POST')).toBe(401);
    expect(await who(page)).toBe('alice');
    await Promise.all([context.close(), den.close()]);
  });

  it('K1 control: the session of a browser that binds nothing lives on for the thief', async () => {
    const context = await plain.newContext();
    const page = await context.newPage();
    await logIn(page, address);
    const stolen = await context.cookies();
    await page.waitForTimeout(TTL * 1_000 + 700);
    expect((await rows()).at(-1)).toMatchObject({ boundKind: null });
    expect(await withCookies(stolen, '/who')).toBe(401);
    expect(await withCookies(stolen, '/auth/refresh', 'POST')).toBe(200);
    await context.close();
  });

  it('are asked for once more where a link of another site finds the cookie gone', async () => {
    const { page, context } = await boundPage();
    await afterCookie(page);
    await page.goto(`https://other.test:${port}/auth/login`);
    await page.evaluate(`location.href = '${address}/who'`);
    await expect.poll(() => page.textContent('body'), { timeout: 8_000 }).toContain('alice');
    await context.close();
  });

  it('end with a logout', async () => {
    const { page, context } = await boundPage();
    const before = (await rows()).length;
    await afterCookie(page);
    expect(await who(page)).toBe('alice');
    expect(await page.evaluate("fetch('/auth/logout', { method: 'POST' }).then((answer) => answer.status)")).toBe(204);
    expect(await rows()).toHaveLength(before - 1);
    expect(await who(page)).toBe('401');
    await context.close();
  });

  it('make way for those of a second login in the same browser', async () => {
    const { page, context } = await boundPage('alice');
    const [first] = (await rows()).slice(-1);
    await boundPage('bob', context);
    expect((await rows()).map(({ id }) => id)).not.toContain(first!.id);
    await afterCookie(page);
    expect(await who(page)).toBe('bob');
    await afterCookie(page);
    expect(await who(page)).toBe('bob');
    await context.close();
  });
});
