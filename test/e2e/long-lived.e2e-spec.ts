import { once } from 'node:events';
import { request as nodeRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { Controller, Get, type MessageEvent, Post, Sse, StreamableFile, UseGuards } from '@nestjs/common';
import { interval, map, type Observable, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CurrentSession, CurrentUser, JwtKnoxEvents, JwtKnoxGuard, type Session, TokenService } from '../../lib';
import { inMemory } from '../../lib/testing';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';

const gate = { opened: new Subject<void>(), jobs: [] as Promise<string>[] };
const opened = () => new Promise<void>((resolve) => void gate.opened.subscribe(resolve));

@Controller('live')
@UseGuards(JwtKnoxGuard)
class LiveController {
  constructor(
    private readonly tokens: TokenService,
    private readonly events: JwtKnoxEvents,
  ) {}

  @Sse('events') watch(@CurrentUser('username') username: string): Observable<MessageEvent> {
    return interval(20).pipe(map((count) => ({ data: { username, count } })));
  }

  /** Ends with its session, which a logout names by its id. */
  @Sse('until-logout') watchSession(@CurrentSession() session: Session): Observable<MessageEvent> {
    const events = new Subject<MessageEvent>();
    const timer = setInterval(() => events.next({ data: 'tick' }), 20);
    const off = this.events.on('session.revoked', ({ scope }) => {
      if ('sessionId' in scope && scope.sessionId === session.id) events.complete();
    });
    events.subscribe({ complete: () => (clearInterval(timer), off?.()) });
    return events;
  }

  @Get('file') file() {
    async function* parts() {
      yield 'first,';
      await opened();
      yield 'last';
    }
    return new StreamableFile(Readable.from(parts()));
  }

  @Get('slow') async slow(@CurrentUser('username') username: string) {
    await opened();
    return { username };
  }

  @Post('job') job(@CurrentSession() session: Session) {
    const isLive = async () => (await this.tokens.list(session.userId)).some(({ id }) => id === session.id);
    gate.jobs.push(opened().then(async () => ((await isLive()) ? 'done' : 'refused')));
    return { accepted: true };
  }
}

/** Opens an answer that does not end by itself. */
async function open(t: TestApp, path: string, token?: string) {
  const { port } = t.app.getHttpServer().address() as AddressInfo;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request = nodeRequest({ host: '127.0.0.1', port, path, headers, agent: false }).end();
  const [response] = await once(request, 'response');
  const state = { text: '', ended: false };
  response.setEncoding('utf8');
  response.on('data', (text: string) => (state.text += text));
  response.on('close', () => (state.ended = true));
  return { response, state, hangUp: () => void request.destroy() };
}

describe.each(platforms)('what lives longer than a request: $name', (platform) => {
  let t: TestApp;
  let token: string;
  beforeEach(async () => {
    t = await createApp(platform, 'sqlite', { extras: { storage: inMemory() }, controllers: [LiveController] });
    await t.users.add('alice');
    token = (await t.login()).access_token;
  });
  afterEach(() => t.close());
  const logOut = async () => expect((await t.http.post('/auth/logout', { token })).status).toBe(204);

  it('server-sent events without a token: a 401 with its challenge, and no stream', async () => {
    const answer = await t.http.get('/live/events');
    expect([answer.status, answer.body.code]).toEqual([401, 'missing_token']);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
    expect(answer.headers['content-type']).toMatch(/json/);
  });

  it('server-sent events: judged when they are opened, open after a logout, refused when they are opened anew', async () => {
    const { response, state, hangUp } = await open(t, '/live/events', token);
    expect(response.statusCode).toBe(200);
    await expect.poll(() => state.text).toContain('"username":"alice"');
    await logOut();
    const { length } = state.text;
    await expect.poll(() => state.text.length).toBeGreaterThan(length);
    hangUp();
    expect((await t.http.get('/live/events', { token })).status).toBe(401);
  });

  it('server-sent events that hear the session end: closed by a logout', async () => {
    const { state } = await open(t, '/live/until-logout', token);
    await expect.poll(() => state.text).toContain('tick');
    await logOut();
    await expect.poll(() => state.ended).toBe(true);
  });

  it('a file that is sent while its session ends: arrives whole', async () => {
    const { state } = await open(t, '/live/file', token);
    await expect.poll(() => state.text).toBe('first,');
    await logOut();
    gate.opened.next();
    await expect.poll(() => [state.text, state.ended]).toEqual(['first,last', true]);
  });

  it('a handler that is at work while its session ends: answers, and its user is still there', async () => {
    const slow = t.http.get('/live/slow', { token });
    await wait(100);
    await logOut();
    gate.opened.next();
    expect((await slow).body).toEqual({ username: 'alice' });
  });

  it('a job that begins after its session has ended: finds no session', async () => {
    expect((await t.http.post('/live/job', { token })).status).toBe(201);
    await logOut();
    gate.opened.next();
    expect(await gate.jobs.pop()).toBe('refused');
  });
});
