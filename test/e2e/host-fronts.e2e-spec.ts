import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as nodeRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Controller, Get, type MessageEvent, Sse, StreamableFile, UseGuards } from '@nestjs/common';
import { concat, NEVER, type Observable, of } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { CookieTransport, EndWithSession, JwtKnoxGuard, type JwtKnoxExtras, type JwtKnoxOptions } from '../../lib';
import { pages } from '../../lib/pages';
import { BrowserLike } from '../support/browser-like';
import { createApp, environments, NotesController, type TestApp } from '../support/create-app';
import { postForm, targetOf } from '../support/forms';
import { addFronts } from '../support/fronts';
import type { Answer } from '../support/http-client';

const ZIPPED = { 'accept-encoding': 'gzip' };
const CREDENTIALS = { username: 'alice', password: 'alice-password' };
const OWN_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'";

@Controller('live')
@UseGuards(JwtKnoxGuard)
@EndWithSession()
class LiveController {
  @Sse('events') events(): Observable<MessageEvent> {
    return concat(of({ data: 'one' }, { data: 'two' }), NEVER);
  }
  @Get('file') file() {
    const file = new Readable({ read: () => undefined });
    // More than a compressor holds back.
    file.push(randomBytes(500_000));
    return new StreamableFile(file);
  }
}

/** Asks for an answer that does not end by itself. */
async function open(t: TestApp, path: string, token: string) {
  const { port } = t.app.getHttpServer().address() as AddressInfo;
  const headers = { ...ZIPPED, authorization: `Bearer ${token}` };
  const request = nodeRequest({ host: '127.0.0.1', port, path, headers, agent: false }).end();
  request.on('error', () => undefined);
  const [response] = await once(request, 'response');
  const state = { text: '' };
  response.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  response.setEncoding('utf8').on('data', (text: string) => (state.text += text));
  return { headers: response.headers, state, wholeAtEnd: () => closed.then((): boolean => response.complete) };
}

describe.each(environments)('helmet and compression in front: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  async function start(options: JwtKnoxOptions = {}, extras: JwtKnoxExtras = {}): Promise<void> {
    t = await createApp(platform, kind, {
      options,
      extras,
      controllers: [NotesController, LiveController],
      prepare: (app) => addFronts(platform, app),
    });
    await t.users.add('alice');
  }
  const expectFronts = ({ headers }: Answer, isZipped = true) => {
    expect(headers).toMatchObject({ 'strict-transport-security': expect.any(String), 'x-frame-options': 'SAMEORIGIN' });
    expect(headers['content-encoding']).toBe(isZipped ? 'gzip' : undefined);
  };

  it('answers with tokens, lists and refusals are compressed, and keep their own headers', async () => {
    await start();
    const login = await t.http.post('/auth/login', { json: CREDENTIALS, headers: ZIPPED });
    const json = { refresh_token: login.body.refresh_token };
    const refresh = await t.http.post('/auth/refresh', { json, headers: ZIPPED });
    const token = refresh.body.access_token;
    const list = await t.http.get('/auth/sessions', { token, headers: ZIPPED });
    const refused = await t.http.get('/auth/verify', { token: `${token}x`, headers: ZIPPED });
    const answers = [login, refresh, list, refused];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401]);
    for (const answer of answers) {
      expectFronts(answer);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    expect([list.body.length, refused.body.code]).toEqual([1, 'invalid_token']);
    expect(refused.headers['www-authenticate']).toContain('error="invalid_token"');
    const verified = await t.http.get('/auth/verify', { token, headers: ZIPPED });
    expect([verified.status, verified.text]).toEqual([204, '']);
    expectFronts(verified, false);
    expectFronts(await t.http.get('/notes', { token, headers: ZIPPED }));
  });

  it('cookies come with a compressed answer, and go with one', async () => {
    await start({ transport: new CookieTransport() });
    const browser = new BrowserLike(t.http);
    const login = await browser.post('/auth/login', { json: CREDENTIALS, headers: ZIPPED });
    expectFronts(login);
    expect(browser.jar.size).toBe(2);
    expectFronts(await browser.get('/auth/sessions', { headers: ZIPPED }));
    expect((await browser.post('/auth/logout', { headers: ZIPPED })).status).toBe(204);
    expect(browser.jar.size).toBe(0);
  });

  it("pages have both policies, and otherwise their own headers in place of helmet's", async () => {
    await start({ transport: new CookieTransport() }, { features: [pages()] });
    const browser = new BrowserLike(t.http);
    const form = await browser.visit('/auth/login', ZIPPED);
    const login = await postForm(browser, '/auth/pages/login', CREDENTIALS, ZIPPED);
    expect([login.status, targetOf('/auth/pages/login', login)]).toEqual([303, '/auth/devices']);
    const devices = await browser.visit('/auth/devices', ZIPPED);
    for (const page of [form, devices]) {
      expectFronts(page);
      const policies = String(page.headers['content-security-policy']).split(', ');
      expect(policies).toEqual([expect.stringContaining("script-src 'self'"), expect.stringContaining(OWN_POLICY)]);
      expect(page.headers).toMatchObject({ 'referrer-policy': 'same-origin', 'cache-control': 'no-store' });
      const vary = String(page.headers.vary).toLowerCase().split(/, */);
      expect(vary).toEqual(expect.arrayContaining(['cookie', 'accept-language', 'accept-encoding']));
    }
    expect(devices.text).toContain('Chrome');
    const [, sheet] = /<link rel="stylesheet" href="([^"]+)">/.exec(form.text)!;
    const style = await browser.get(new URL(sheet!, 'http://site.invalid/auth/login').pathname, { headers: ZIPPED });
    expectFronts(style);
    expect([style.status, style.headers['cache-control']]).toEqual([200, expect.stringContaining('immutable')]);
    expect(style.text).toContain('--knox-accent');
    const policyOfHost = (await t.http.get('/notes/about')).headers['content-security-policy'];
    expect(policyOfHost).not.toContain("default-src 'none'");
  });

  it('events reach the client one by one, and are completed when the session ends', async () => {
    await start();
    const { access_token: token } = await t.login();
    const { headers, state, wholeAtEnd } = await open(t, '/live/events', token);
    await expect.poll(() => state.text).toContain('data: two');
    expect(headers['content-encoding']).toBeUndefined();
    expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    expect(await wholeAtEnd()).toBe(true);
  });

  it('a compressed file is cut off when the session ends, and its client can tell', async () => {
    await start();
    const { access_token: token } = await t.login();
    const { headers, state, wholeAtEnd } = await open(t, '/live/file', token);
    await expect.poll(() => state.text.length).toBeGreaterThan(0);
    expect(headers['content-encoding']).toBe('gzip');
    expect((await t.http.post('/auth/logout', { token })).status).toBe(204);
    expect(await wholeAtEnd()).toBe(false);
  });
});
