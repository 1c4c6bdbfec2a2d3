import { once } from 'node:events';
import { request as nodeRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Controller, Get, type MessageEvent, Sse, StreamableFile, UseGuards } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { Test } from '@nestjs/testing';
import { map, NEVER, type Observable, startWith, timer } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EndWithSession, JwtKnoxGuard, OptionalAuth, Public } from '../../lib';
import { RequestSession } from '../../lib/guard/authenticated-request';
import { EndWithSessionInterceptor } from '../../lib/guard/end-with-session';
import { PassportAuthenticator } from '../../lib/guard/request-authenticator';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';

const ticks = (): Observable<MessageEvent> => timer(0, 20).pipe(map((count) => ({ data: `tick ${count}` })));

@Controller('live')
@UseGuards(JwtKnoxGuard)
@EndWithSession()
class LiveController {
  @Sse('ticks') ticks() {
    return ticks();
  }

  @OptionalAuth() @Sse('open') open() {
    return ticks();
  }

  @Public() @Sse('public') public() {
    return ticks();
  }

  @Get('file') file() {
    const file = new Readable({ read: () => undefined });
    file.push('first,');
    return new StreamableFile(file);
  }

  @Get('slow') async slow() {
    await once(process, 'knox-test-never');
  }

  @Get('quick') quick() {
    return { quick: true };
  }

  @Sse('silent') silent() {
    return NEVER.pipe(startWith({ data: 'one' }));
  }
}

/** Opens an answer that does not end by itself. */
async function open(t: TestApp, path: string, token?: string) {
  const { port } = t.app.getHttpServer().address() as AddressInfo;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request = nodeRequest({ host: '127.0.0.1', port, path, headers, agent: false }).end();
  const state = { text: '', ended: false, isWhole: false };
  request.on('error', () => (state.ended = true));
  const [response] = await once(request, 'response');
  response.setEncoding('utf8');
  response.on('error', () => undefined);
  response.on('data', (text: string) => (state.text += text));
  response.on('close', () => ((state.ended = true), (state.isWhole = response.complete)));
  return { response, state, hangUp: () => void request.destroy() };
}

describe.each(everyEnvironment)('@EndWithSession(): $title', ({ platform, kind }) => {
  let t: TestApp;
  let token: string;
  let sessionId: string;
  beforeEach(async () => {
    t = await createApp(platform, kind, { controllers: [LiveController] });
    await t.users.add('alice');
    ({ access_token: token, session_id: sessionId } = await t.login());
  });
  afterEach(() => t.close());
  const channels = () => t.app.get(OpenChannels).size;
  const logOut = async () => expect((await t.http.post('/auth/logout', { token })).status).toBe(204);

  it('server-sent events of a session are completed when it ends, and those of others go on', async () => {
    const other = (await t.login()).access_token;
    const [mine, silent, theirs] = [
      await open(t, '/live/ticks', token),
      await open(t, '/live/silent', token),
      await open(t, '/live/ticks', other),
    ];
    await expect.poll(() => mine.state.text).toContain('tick');
    expect(channels()).toBe(3);
    await logOut();
    await expect.poll(() => mine.state.ended && silent.state.ended).toBe(true);
    expect([mine.state.isWhole, silent.state.isWhole, theirs.state.ended]).toEqual([true, true, false]);
    const { length } = theirs.state.text;
    await expect.poll(() => theirs.state.text.length).toBeGreaterThan(length);
    theirs.hangUp();
    await expect.poll(channels).toBe(0);
  });

  it('they end 30 s after the token that opened them has expired, and not before', async () => {
    const { state } = await open(t, '/live/ticks', token);
    t.clock.advance('329s');
    const { length } = state.text;
    await expect.poll(() => state.text.length).toBeGreaterThan(length + 400);
    expect(state.ended).toBe(false);
    t.clock.advance('1s');
    await expect.poll(() => state.ended, { timeout: 3_000 }).toBe(true);
  });

  it('they end when another process has ended the session, once the row is read again', async () => {
    const { state } = await open(t, '/live/ticks', token);
    await t.source.getRepository(JwtKnoxSession).delete({ id: sessionId });
    t.clock.advance('60s');
    await expect.poll(() => state.ended, { timeout: 3_000 }).toBe(true);
  });

  it('a file that is being sent is cut off, and its client can tell', async () => {
    const { state } = await open(t, '/live/file', token);
    await expect.poll(() => state.text).toBe('first,');
    await logOut();
    await expect.poll(() => state.ended).toBe(true);
    expect(state.isWhole).toBe(false);
  });

  it('a handler that has answered nothing yet: refused', async () => {
    const slow = t.http.get('/live/slow', { token });
    await expect.poll(channels).toBe(1);
    await logOut();
    expect((await slow).body).toMatchObject({ statusCode: 401, code: 'invalid_token' });
  });

  it('what is answered at once is answered as ever, and nothing stays behind', async () => {
    expect((await t.http.get('/live/quick', { token })).body).toEqual({ quick: true });
    expect((await t.http.get('/live/quick')).status).toBe(401);
    await expect.poll(channels).toBe(0);
  });

  it('without a session there is nothing to end with: anonymous and public streams go on', async () => {
    const streams = [await open(t, '/live/open'), await open(t, '/live/public', token)];
    await logOut();
    for (const { state, hangUp } of streams) {
      const { length } = state.text;
      await expect.poll(() => state.text.length).toBeGreaterThan(length);
      hangUp();
    }
    expect(channels()).toBe(0);
  });
});

describe('@EndWithSession() without a module', () => {
  it('is told when the application starts', async () => {
    const module = Test.createTestingModule({ controllers: [LiveController], providers: [] }).overrideGuard(
      JwtKnoxGuard,
    );
    await expect(module.useValue({}).compile()).rejects.toThrow('needs JwtKnoxModule, whose sessions it listens to');
  });

  it('a session of another module than the one that listens is an error, and no stream', async () => {
    const session = { id: '1', userId: '1', realm: 'staff' };
    const interceptor = new EndWithSessionInterceptor(
      Object.assign(Object.create(PassportAuthenticator.prototype), {
        channels: { realm: '', watch: () => undefined },
      }),
    );
    const request = { knox: new RequestSession({ user: {}, session, claims: {} } as never) };
    const context = new ExecutionContextHost([request, { once: () => undefined }]);
    expect(() => interceptor.intercept(context, { handle: () => NEVER })).toThrow('is of another module');
  });
});
