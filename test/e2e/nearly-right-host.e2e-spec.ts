import { setImmediate } from 'node:timers/promises';
import { type ExecutionContext, Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { BearerTransport, type JwtKnoxExtras, type JwtKnoxOptions } from '../../lib';
import { inMemory } from '../../lib/testing';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';

/** As `request.cookies.token` of a host without that cookie: undefined, and not null. */
class UndefinedTransport extends BearerTransport {
  override readAccess(request: any): any {
    return super.readAccess(request) ?? undefined;
  }
  override readRefresh(request: any): any {
    return super.readRefresh(request) ?? undefined;
  }
}

/** Reads like a RequestContextReader, but returns the request alone. */
@Injectable()
class BareReader {
  read(context: ExecutionContext) {
    return { request: context.switchToHttp().getRequest<unknown>() };
  }
}

/** Clears what takes a while, and fails at it. */
class SlowTransport extends BearerTransport {
  cleared = 0;
  fails = false;

  override async clear(): Promise<void> {
    await setImmediate();
    if (this.fails) throw new Error('The cache of cookies is full.');
    this.cleared++;
  }
}

describe.each(platforms)('what a host writes that is nearly right: $name', (platform) => {
  async function within(options: JwtKnoxOptions, extras: JwtKnoxExtras, work: (t: TestApp) => Promise<void>) {
    const t = await createApp(platform, 'sqlite', { options, extras: { storage: inMemory(), ...extras } });
    try {
      await t.users.add('alice');
      await work(t);
    } finally {
      await t.close();
    }
  }

  it('a transport that returns undefined in place of null: no token was sent', async () => {
    await within({ transport: new UndefinedTransport() }, {}, async ({ http, login }) => {
      const { status, body, headers } = await http.get('/auth/verify');
      expect([status, body.code, headers['www-authenticate']]).toEqual([
        401,
        'missing_token',
        'Bearer realm="jwt-knox"',
      ]);
      expect((await http.get('/notes/greeting')).body).toEqual({ hello: 'stranger' });
      expect((await http.post('/auth/refresh', { json: {} })).status).toBe(400);
      expect((await http.post('/auth/logout', { json: {} })).body.code).toBe('missing_token');
      const { access_token: token, refresh_token } = await login();
      expect((await http.post('/auth/logout', { token })).status).toBe(204);
      expect((await http.post('/auth/logout', { json: { refresh_token } })).body.code).toBe('invalid_refresh_token');
    });
  });

  it('a transport that clears later: the response waits for it, and its failure is that of the request', async () => {
    const transport = new SlowTransport();
    await within({ transport }, {}, async ({ http, login }) => {
      const [first, second] = [await login(), await login()];
      await http.post('/auth/logout', { token: first.access_token });
      expect(transport.cleared).toBe(1);
      await http.post('/auth/refresh', { json: { refresh_token: first.refresh_token } });
      expect(transport.cleared).toBe(2);
      transport.fails = true;
      expect((await http.post('/auth/logout-all', { token: second.access_token })).status).toBe(500);
      expect((await http.get('/auth/verify', { token: second.access_token })).status).toBe(401);
    });
  });

  it('a context reader that returns the request alone: nobody is answered without no-store and a challenge', async () => {
    await within({}, { contextReader: BareReader, routes: { admin: true } }, async ({ http, login, tokens }) => {
      await expect(login()).rejects.toThrow('500');
      const { accessToken: token } = await tokens.issue({ id: 1 } as any);
      for (const path of ['/auth/verify', '/auth/admin/statistics', '/notes']) {
        expect([path, (await http.get(path, { token })).status]).toEqual([path, 500]);
      }
    });
  });
});
