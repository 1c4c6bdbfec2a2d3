import '@angular/compiler';
import { XhrFactory } from '@angular/common';
import { HttpClient, HttpErrorResponse, provideHttpClient, withInterceptors } from '@angular/common/http';
import {
  createEnvironmentInjector,
  type EnvironmentInjector,
  Injector,
  provideZonelessChangeDetection,
  ɵINJECTOR_SCOPE,
} from '@angular/core';
import { readFileSync } from 'node:fs';
import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { createElement } from 'react';
import { create } from 'react-test-renderer';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { effectScope } from 'vue';
import { CurrentUser, JwtKnoxGuard } from '../../lib';
import type { JwtKnoxClient } from '../../lib/client/index.mjs';
import { jwtKnoxInterceptor } from '../support/client-recipes/angular';
import { createApi } from '../support/client-recipes/axios';
import { useSessionId as useReactSessionId } from '../support/client-recipes/react';
import { useSessionId as useVueSessionId } from '../support/client-recipes/vue';
import { createApp, environments, NotesController, type TestApp } from '../support/create-app';
import { type Browser, openBrowser, transportFor } from '../support/tabs';
import type { User } from '../support/users';
import { eventually } from '../support/eventually';

const alice = { username: 'alice', password: 'alice-password' };
const RECIPES = ['react', 'vue', 'angular', 'axios'];
const page = readFileSync('docs/17-client.md', 'utf8');

@Controller('echo')
@UseGuards(JwtKnoxGuard)
class EchoController {
  @Post() echo(@CurrentUser() { username }: User, @Body() body: object) {
    return { username, body };
  }
}

describe('the recipes of the page about the client', () => {
  it.each(RECIPES)('%s: are shown as they run here, in at most 25 lines', (name) => {
    const source = readFileSync(`test/support/client-recipes/${name}.ts`, 'utf8');
    const shown = source.replace('../../../lib/client/index.mjs', 'nestjs-jwt-knox/client');
    expect(page).toContain(`\`\`\`ts\n${shown}\`\`\``);
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(25);
  });
});

describe.each(environments)('recipes for browsers: $title', ({ platform, kind }) => {
  let t: TestApp;
  let browser: Browser;
  let tab: JwtKnoxClient;
  beforeAll(async () => {
    const controllers = [NotesController, EchoController];
    t = await createApp(platform, kind, { options: transportFor('cookie'), controllers });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    await t.tokens.revokeAll('1');
    browser = openBrowser(t, { mode: 'cookie', hasLocks: true });
    tab = browser.open();
  });
  const origin = () => new URL(browser.baseUrl).origin;

  it('React: shows who is logged in, as it changes in any tab', async () => {
    const shown: unknown[] = [];
    const Component = () => {
      shown.push(useReactSessionId(tab));
      return null;
    };
    const shows = (id: unknown) => eventually(() => expect(shown.at(-1)).toBe(id));
    const rendered = create(createElement(Component));
    await shows(null);
    expect(shown[0]).toBeUndefined();
    const other = browser.open();
    const id = await other.login(alice);
    await shows(id);
    rendered.unmount();
    await other.logout();
    expect(shown.at(-1)).toBe(id);
  });

  it('Vue: shows who is logged in, as it changes in any tab', async () => {
    const scope = effectScope();
    const sessionId = scope.run(() => useVueSessionId(tab))!;
    expect(sessionId.value).toBeUndefined();
    await eventually(() => expect(sessionId.value).toBeNull());
    const other = browser.open();
    const id = await other.login(alice);
    await eventually(() => expect(sessionId.value).toBe(id));
    scope.stop();
    await other.logout();
    expect(sessionId.value).toBe(id);
  });

  it('axios: calls as the user, with an access token that has expired too', async () => {
    const api = createApi(tab, origin());
    await tab.login(alice);
    t.clock.advance('6m');
    expect((await api.get('/notes')).data).toMatchObject({ username: 'alice' });
    t.clock.advance('6m');
    expect((await api.post('/echo', { n: 1 })).data).toEqual({ username: 'alice', body: { n: 1 } });
    await tab.logout();
    await expect(api.get('/notes')).rejects.toMatchObject({ response: { status: 401 } });
  });

  it('Angular: calls as the user, with an access token that has expired too', async () => {
    const injector = createEnvironmentInjector(
      [
        provideZonelessChangeDetection(),
        provideHttpClient(withInterceptors([jwtKnoxInterceptor(tab)])),
        // Never asked: the interceptor answers.
        { provide: XhrFactory, useValue: {} },
        { provide: ɵINJECTOR_SCOPE, useValue: 'root' },
      ],
      Injector.NULL as EnvironmentInjector,
    );
    const http = injector.get(HttpClient);
    const get = (path: string) => firstValueFrom(http.get(`${origin()}${path}`));
    await tab.login(alice);
    t.clock.advance('6m');
    expect(await get('/notes')).toMatchObject({ username: 'alice' });
    t.clock.advance('6m');
    const posted = await firstValueFrom(http.post(`${origin()}/echo`, { n: 1 }));
    expect(posted).toEqual({ username: 'alice', body: { n: 1 } });
    expect(await get('/auth/verify')).toBeNull();
    const text = await firstValueFrom(http.get(`${origin()}/notes/about`, { responseType: 'text' }));
    expect(text).toBe('{"about":"notes"}');
    await tab.logout();
    const refused = await get('/notes').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HttpErrorResponse);
    expect(refused).toMatchObject({ status: 401, error: { code: 'missing_token' } });
  });
});
