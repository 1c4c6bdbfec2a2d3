import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { IssuedTokens } from '../../lib';
import { TokenTransport } from '../../lib';
import { inMemory } from '../../lib/testing';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';

const cookieOf = (request: any, name: string): string | null =>
  new RegExp(`(?:^|; )${name}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1] ?? null;

/** Both tokens in cookies, as the transports of hosts do it. */
class Cookies extends TokenTransport {
  readAccess = (request: any) => cookieOf(request, 'access');
  readRefresh = (request: any) => cookieOf(request, 'refresh');
  write(response: any, { accessToken, refreshToken }: IssuedTokens) {
    response.header('Set-Cookie', [`access=${accessToken}; HttpOnly`, `refresh=${refreshToken}; HttpOnly`]);
    return {};
  }
  clear(response: any) {
    response.header('Set-Cookie', ['access=; Max-Age=0', 'refresh=; Max-Age=0']);
  }
}

describe.each(platforms)('when the transport clears: $name', (platform) => {
  async function within(work: (t: TestApp, browser: (username: string) => Promise<Browser>) => Promise<void>) {
    const t = await createApp(platform, 'sqlite', {
      options: { transport: new Cookies() },
      extras: { storage: inMemory(), routes: { admin: true } },
    });
    try {
      await t.users.add('alice');
      await t.users.add('admin', { isAdmin: true });
      await work(t, async (username) => {
        const browser = new Browser(t);
        await browser.send('POST', '/auth/login', { username, password: `${username}-password` });
        return browser;
      });
    } finally {
      await t.close();
    }
  }

  /** Keeps cookies as browsers do. */
  class Browser {
    cookies: Record<string, string> = {};
    constructor(readonly t: TestApp) {}

    async send(method: string, path: string, json?: object): Promise<number> {
      const cookie = Object.entries(this.cookies).map(([name, value]) => `${name}=${value}`);
      const { status, headers } = await this.t.http.send(method, path, {
        json,
        headers: { cookie: cookie.join('; ') },
      });
      for (const one of headers['set-cookie'] ?? []) {
        const [, name, value] = /^(\w+)=([^;]*)/.exec(one)!;
        if (value) this.cookies[name!] = value;
        else delete this.cookies[name!];
      }
      return status;
    }

    async sessions(): Promise<{ id: string; current: boolean }[]> {
      return (await this.t.http.get('/auth/sessions', { headers: { cookie: `access=${this.cookies.access}` } })).body;
    }
  }

  it('a session that ends itself by its id leaves no dead cookies; another one, and an unknown one, do', async () => {
    await within(async (_t, login) => {
      const [one, other] = [await login('alice'), await login('alice')];
      const own = (await one.sessions()).find(({ current }) => current)!.id;
      expect(await other.send('DELETE', `/auth/sessions/${randomUUID()}`)).toBe(404);
      expect(Object.keys(other.cookies)).toEqual(['access', 'refresh']);
      expect(await other.send('DELETE', `/auth/sessions/${own}`)).toBe(204);
      expect(Object.keys(other.cookies)).toEqual(['access', 'refresh']);
      const [last] = await other.sessions();
      expect(await other.send('DELETE', `/auth/sessions/${last!.id}`)).toBe(204);
      expect(other.cookies).toEqual({});
    });
  });

  it('a refused refresh ends the loop: expired, of an ended session, used before, of a disabled user', async () => {
    await within(async (t, login) => {
      const cases: [string, (browser: Browser) => Promise<unknown>][] = [
        ['ended', ({ cookies }) => t.http.post('/auth/logout', { headers: { cookie: `access=${cookies.access}` } })],
        ['used before', async (browser) => {
          const cookies = { ...browser.cookies };
          await browser.send('POST', '/auth/refresh');
          await t.clock.advance('10m');
          browser.cookies = cookies;
        }],
        ['expired', async () => t.clock.advance('2d')],
      ]; // prettier-ignore
      for (const [title, spoil] of cases) {
        const browser = await login('alice');
        await spoil(browser);
        expect([title, await browser.send('POST', '/auth/refresh'), browser.cookies]).toEqual([title, 401, {}]);
      }
      const browser = await login('alice');
      await t.users.rows.update({ username: 'alice' }, { isActive: false });
      expect([await browser.send('POST', '/auth/refresh'), browser.cookies]).toEqual([401, {}]);
    });
  });

  it('a logout of a session that has ended already clears, and so does one of all sessions', async () => {
    await within(async (_t, login) => {
      const [one, other] = [await login('alice'), await login('alice')];
      expect(await other.send('POST', '/auth/logout-all')).toBe(200);
      expect(other.cookies).toEqual({});
      expect(await one.send('POST', '/auth/logout')).toBe(401);
      expect(one.cookies).toEqual({});
    });
  });

  it.each(['/auth/admin/users/2/sessions', '/auth/admin/sessions?user_id=2'])(
    'an administrator who ends all sessions of their own is cleared too, and not by those of others: %s',
    async (path) => {
      await within(async (_t, login) => {
        const admin = await login('admin');
        expect(await admin.send('DELETE', path.replace('2', '1'))).toBe(200);
        expect(Object.keys(admin.cookies)).toEqual(['access', 'refresh']);
        expect(await admin.send('DELETE', path)).toBe(200);
        expect(admin.cookies).toEqual({});
      });
    },
  );

  it('control: what does not end the session keeps the cookies: 400, 404, a guard that refuses', async () => {
    await within(async (t, login) => {
      const browser = await login('alice');
      await t.clock.advance('10m');
      expect(await browser.send('GET', '/notes')).toBe(401);
      expect(await browser.send('GET', '/auth/verify')).toBe(401);
      expect(await browser.send('POST', '/auth/refresh', { resource: 1 })).toBe(400);
      expect(Object.keys(browser.cookies)).toEqual(['access', 'refresh']);
      expect(await browser.send('POST', '/auth/refresh')).toBe(200);
    });
  });
});
