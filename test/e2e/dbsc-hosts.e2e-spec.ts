import {
  type CanActivate, ForbiddenException, HttpException, Injectable, type INestApplication, type NestInterceptor, ValidationPipe, VersioningType,
} from '@nestjs/common'; // prettier-ignore
import { APP_GUARD, RouterModule } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { JwtKnoxModule } from '../../lib';
import { type BoundAppSettings, boundBrowser, createBoundApp, logInAs } from '../support/bound-app';
import type { TestApp } from '../support/create-app';
import { createSharedDatabase } from '../support/databases';
import { DbscBrowser } from '../support/dbsc-browser';
import { addFronts } from '../support/fronts';
import { type Platform, platforms } from '../support/platforms';

@Injectable()
class NobodyGuard implements CanActivate {
  static isShut = false;
  canActivate(): boolean {
    if (NobodyGuard.isShut) throw new ForbiddenException();
    return true;
  }
}

const throttler: CanActivate = {
  canActivate: () => {
    if (NobodyGuard.isShut) throw new HttpException('Too many', 429);
    return true;
  },
};

const wrapper: NestInterceptor = {
  intercept: () => {
    throw new HttpException('No', 418);
  },
};

/** What stands in front of everything: a check of CSRF tokens, or a redirect, as middleware or as a hook. */
async function putBefore({ name }: Platform, app: INestApplication, status: number): Promise<void> {
  const isShut = (request: any) => NobodyGuard.isShut && request.method === 'POST';
  if (name === 'express') {
    app.use((request: any, response: any, next: () => void) =>
      isShut(request) ? response.status(status).header('Location', '/elsewhere').end() : next(),
    );
  } else {
    const fastify = (app as NestFastifyApplication).getHttpAdapter().getInstance();
    fastify.addHook('onRequest', async (request, reply) =>
      isShut(request) ? reply.status(status).header('Location', '/elsewhere').send() : undefined,
    );
  }
}

describe.each(platforms)('DBSC, whatever else the application has, on $name', (platform) => {
  let t: TestApp;
  afterEach(async () => {
    NobodyGuard.isShut = false;
    await t.close();
  });

  async function open(settings: BoundAppSettings): Promise<void> {
    t = await createBoundApp(platform, 'sqlite', { unchecked: 'what the host has answers too', ...settings });
    await t.users.add('alice');
  }

  async function staysLoggedIn(browser: DbscBrowser, path = '/notes'): Promise<void> {
    expect(await browser.renew()).toBe('renewed');
    NobodyGuard.isShut = false;
    browser.expire();
    expect((await browser.get(path)).status).toBe(200);
  }

  it.each<[string, BoundAppSettings]>([
    ['a guard of APP_GUARD', { providers: [{ provide: APP_GUARD, useClass: NobodyGuard }] }],
    ['a guard of useGlobalGuards', { prepare: (app) => app.useGlobalGuards(throttler) }],
    ['a check of CSRF tokens in front', { prepare: (app) => putBefore(platform, app, 403) }],
    ['a redirect in front', { prepare: (app) => putBefore(platform, app, 302) }],
    ['guards of the routes', { extras: { routes: { guards: { refresh: [throttler], login: [NobodyGuard] } } } }],
  ])('is out of reach of %s', async (_, settings) => {
    await open(settings);
    const browser = await boundBrowser(t, 'alice');
    NobodyGuard.isShut = true;
    // Control: it refuses what comes beside.
    const { status } = await browser.post('/auth/refresh');
    expect([302, 403, 429]).toContain(status);
    await staysLoggedIn(browser);
  });

  it('is out of reach of interceptors and pipes', async () => {
    let isOn = false;
    await open({
      prepare: (app) => {
        app.useGlobalInterceptors({
          intercept: (context, next) => (isOn ? wrapper.intercept(context, next) : next.handle()),
        });
        app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true }));
      },
    });
    const browser = await boundBrowser(t, 'alice');
    isOn = true;
    expect((await browser.post('/auth/refresh')).status).toBe(418);
    expect(await browser.renew()).toBe('renewed');
  });

  it('works behind helmet and compression', async () => {
    await open({ prepare: (app) => addFronts(platform, app) });
    await staysLoggedIn(await boundBrowser(t, 'alice'));
  });

  it('works below a global prefix and the path of a RouterModule', async () => {
    await open({
      prepare: (app) => app.setGlobalPrefix('api'),
      imports: [RouterModule.register([{ path: 'inner', module: JwtKnoxModule }])],
      extras: { routes: { prefix: 'a/b' } },
    });
    const browser = await boundBrowser(t, 'alice', '/api/inner/a/b/login');
    expect(browser.bound.refreshUrl).toBe('/api/inner/a/b/dbsc/refresh');
    await staysLoggedIn(browser, '/api/notes');
  });

  it('works with versions in the path', async () => {
    await open({ prepare: (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: ['1', '2'] }) });
    const browser = await boundBrowser(t, 'alice', '/v1/auth/login');
    expect(browser.bound.refreshUrl).toBe('/v1/auth/dbsc/refresh');
    await staysLoggedIn(browser, '/v1/notes');
  });

  it('works with versions in a header, which browsers do not send', async () => {
    await open({
      prepare: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: '1' }),
    });
    const version = { 'x-version': '1' };
    const browser = new DbscBrowser(t.http);
    const json = { username: 'alice', password: 'alice-password' };
    await browser.post('/auth/login', { json, headers: version });
    expect(await browser.renew()).toBe('renewed');
  });

  it('goes on for sessions that are bound where no others are to be, and offers none', async () => {
    await open({});
    const browser = await boundBrowser(t, 'alice');
    const off = await createBoundApp(platform, 'sqlite', { binding: { dbsc: 'off' } });
    try {
      await off.users.add('alice');
      const other = new DbscBrowser(off.http);
      expect((await logInAs(other, 'alice')).headers['secure-session-registration']).toBeUndefined();
      expect((await other.post('/auth/dbsc/refresh')).status).toBe(400);
    } finally {
      await off.close();
    }
    expect(await browser.renew()).toBe('renewed');
  });

  it('leaves an application without routes alone', async () => {
    await open({ extras: { routes: false } });
    expect((await t.http.post('/notes')).status).toBe(404);
  });

  it('reads no body, and says nothing of one', async () => {
    await open({});
    const browser = await boundBrowser(t, 'alice');
    const headers = { 'sec-secure-session-id': browser.bound.id, 'content-type': 'application/json' };
    const answer = await browser.send('POST', '/auth/dbsc/refresh', { body: '{"a":', headers });
    expect(answer.status).toBe(403);
    const large = await browser.send('POST', '/auth/dbsc/refresh/?again', { body: 'x'.repeat(200_000), headers });
    expect(large.status).toBe(403);
  });

  it('answers 503 when something breaks that nobody thought of', async () => {
    await open({ options: { claims: () => { if (NobodyGuard.isShut) throw new Error('broken'); return {}; } } }); // prettier-ignore
    const browser = await boundBrowser(t, 'alice');
    NobodyGuard.isShut = true;
    expect(await browser.renew()).toBe('kept');
    expect(browser.answers.at(-1)!.status).toBe(503);
    await staysLoggedInAfter(browser);
  });

  async function staysLoggedInAfter(browser: DbscBrowser) {
    NobodyGuard.isShut = false;
    await staysLoggedIn(browser);
  }
});

describe.each(platforms)('DBSC in two processes on one database, on $name', (platform) => {
  it('goes on wherever a request ends up, with clocks a minute apart', async () => {
    const database = await createSharedDatabase('sqlite');
    const [one, other] = [
      await createBoundApp(platform, 'sqlite', { database }),
      await createBoundApp(platform, 'sqlite', { database, typeorm: { migrations: [], migrationsRun: false } }),
    ];
    try {
      await one.users.add('alice');
      other.clock.set(one.clock.now() - 60_000);
      const browser = await boundBrowser(one, 'alice');
      for (let turns = 0; turns < 6; turns++) {
        const at = turns % 2 === 0 ? other : one;
        browser.moveTo(at.http);
        browser.expire();
        expect((await browser.get('/notes')).status).toBe(200);
        for (const app of [one, other]) app.clock.advance(turns === 3 ? '1s' : '150s');
      }
      // The challenge of one, and the proof to the other.
      const challenge = /^"([^"]*)"/.exec(String((await browser.ask({})).headers['secure-session-challenge']))![1]!;
      browser.moveTo(browser.isAt(one.http) ? other.http : one.http);
      const proof = { 'secure-session-response': browser.proofFor(challenge) };
      expect((await browser.ask(proof)).status).toBe(200);
      browser.moveTo(browser.isAt(one.http) ? other.http : one.http);
      expect((await browser.ask(proof)).status).toBe(403);
    } finally {
      await Promise.all([one.close(), other.close()]);
      await database.drop();
    }
  });
});
