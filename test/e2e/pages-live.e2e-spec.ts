import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as nodeRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CookieTransport, JwtKnoxEvents, SessionRepository } from '../../lib';
import { pages } from '../../lib/pages';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';

const EVENTS = '/auth/pages/devices/events';

describe.each(everyEnvironment)('the stream of the page of devices: $title', ({ platform, kind }) => {
  let t: TestApp;
  beforeEach(async () => {
    t = await createApp(platform, kind, {
      options: { transport: new CookieTransport() },
      extras: { features: [pages({ live: true })], routes: { tokens: true } },
    });
    for (const name of ['alice', 'bob']) await t.users.add(name);
  });
  afterEach(() => t.close());
  const open = () => t.app.get(OpenChannels).size;

  async function listen(token: string) {
    const { port } = t.app.getHttpServer().address() as AddressInfo;
    const headers = { authorization: `Bearer ${token}` };
    const request = nodeRequest({ host: '127.0.0.1', port, path: EVENTS, headers, agent: false }).end();
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const stream = { response, text: '', hangUp: () => void request.destroy() };
    response.setEncoding('utf8').on('data', (text: string) => (stream.text += text));
    response.on('error', () => undefined);
    return stream;
  }
  const lists = ({ text }: { text: string }) => text.split('event: devices\n').length - 1;

  it('is for people who are logged in, and an answer that nobody stores or compresses', async () => {
    const { access_token: token } = await t.login();
    const alice = (await t.users.findById('1'))!;
    const program = await t.tokens.issueProgramToken(alice, { name: 'CI', scopes: ['a'] });
    for (const [shown, status, code] of [
      [undefined, 401, 'missing_token'],
      ['nonsense', 401, 'invalid_token'],
      [program.accessToken, 403, 'forbidden'],
    ] as const) {
      const answer = await t.http.get(EVENTS, shown === undefined ? {} : { token: shown });
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
    expect(open()).toBe(0);
    const { response, hangUp } = await listen(token);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
    });
    hangUp();
    await expect.poll(open).toBe(0);
  });

  it('brings the list when sessions of the user begin and end, and of nobody else', async () => {
    const [mine, bobs] = [
      await listen((await t.login()).access_token),
      await listen((await t.login('bob')).access_token),
    ];
    await expect.poll(() => [lists(mine), lists(bobs)]).toEqual([1, 1]);
    const other = await t.login();
    await expect.poll(() => lists(mine)).toBe(2);
    expect(mine.text).toContain(other.session_id);
    await t.tokens.revoke(other.session_id);
    await expect.poll(() => lists(mine)).toBe(3);
    expect(mine.text.slice(mine.text.lastIndexOf('event: devices'))).not.toContain(other.session_id);
    expect(lists(bobs)).toBe(1);
  });

  it('brings the list when a session of it ended in another process, and the feed says so', async () => {
    const [first, second] = [await t.login(), await t.login()];
    const [mine, bobs] = [await listen(first.access_token), await listen((await t.login('bob')).access_token)];
    await expect.poll(() => [lists(mine), lists(bobs)]).toEqual([1, 1]);
    await t.source.getRepository(JwtKnoxSession).delete({ id: second.session_id });
    t.app.get(JwtKnoxEvents).emit('session.announced', { scope: { sessionId: second.session_id }, isEnd: true });
    await expect.poll(() => lists(mine)).toBe(2);
    expect(mine.text.slice(mine.text.lastIndexOf('event: devices'))).not.toContain(second.session_id);
    expect(lists(bobs)).toBe(1);
  });

  it('brings the list when a copy of a session in it was refused, here or in another process', async () => {
    const [first, second] = [await t.login(), await t.login()];
    const [mine, bobs] = [await listen(first.access_token), await listen((await t.login('bob')).access_token)];
    await expect.poll(() => [lists(mine), lists(bobs)]).toEqual([1, 1]);
    const events = t.app.get(JwtKnoxEvents);
    const scope = { sessionId: second.session_id };
    events.emit('session.copied', { ...scope, userId: '1', presenter: { userAgent: null, ip: null }, at: 1 });
    await expect.poll(() => lists(mine)).toBe(2);
    await t.source.getRepository(JwtKnoxSession).update({ id: second.session_id }, { boundRefusedAt: t.clock.now() });
    events.emit('session.announced', { scope, isEnd: false });
    await expect.poll(() => lists(mine)).toBe(3);
    expect(mine.text.slice(mine.text.lastIndexOf('event: devices'))).toContain('The attempt was refused.');
    expect(lists(bobs)).toBe(1);
  });

  it('makes the list once more for what changed in it meanwhile, and not for sessions of others', async () => {
    const first = await t.login();
    const mine = await listen(first.access_token);
    await expect.poll(() => lists(mine)).toBe(1);
    const events = t.app.get(JwtKnoxEvents);
    const announce = (sessionId: string) => events.emit('session.announced', { scope: { sessionId }, isEnd: false });
    const repository = t.app.get(SessionRepository);
    const find = vi.spyOn(repository, 'findByUser');
    try {
      // Somebody else's session ends during each reading.
      const findByUser = find.getMockImplementation() ?? repository.constructor.prototype.findByUser;
      let own = 2;
      find.mockImplementation(async (...query) => {
        const rows = await findByUser.apply(repository, query);
        announce(randomUUID());
        if (own-- > 0) announce(first.session_id);
        return rows;
      });
      announce(first.session_id);
      await expect.poll(() => lists(mine)).toBe(4);
      // Whatever it would do next, it does before it has answered this.
      for (let count = 0; count < 5; count++) await t.statusOf(first.access_token);
      expect([lists(mine), find.mock.calls.length]).toEqual([4, 3]);
    } finally {
      find.mockRestore();
    }
  });

  it('says when its session has ended, here or in another process, and stays open after its token has expired', async () => {
    const logins = [await t.login(), await t.login(), await t.login()];
    const [here, elsewhere, stays] = await Promise.all(logins.map((one) => listen(one.access_token)));
    await t.tokens.revoke(logins[0].session_id);
    await expect
      .poll(() => [here!.text.endsWith('event: ended\ndata: \n\n'), here!.response.complete])
      .toEqual([true, true]);
    await t.source.getRepository(JwtKnoxSession).delete({ id: logins[1].session_id });
    t.clock.advance('6m');
    await expect.poll(() => elsewhere!.text).toContain('event: ended');
    expect([open(), stays!.text.includes('event: ended')]).toEqual([1, false]);
  });

  it('a session has ten of them at most, so that nobody fills the memory', async () => {
    const { access_token: token } = await t.login();
    const streams = [];
    for (let count = 0; count < 10; count++) streams.push(await listen(token));
    expect((await t.http.get(EVENTS, { token })).status).toBe(429);
    streams[0]!.hangUp();
    await expect.poll(open).toBe(9);
    expect((await listen(token)).response.statusCode).toBe(200);
  });
});

describe('without live', () => {
  it('there is neither a stream nor a script', async () => {
    const [{ platform, kind }] = everyEnvironment as [(typeof everyEnvironment)[0]];
    const t = await createApp(platform, kind, {
      options: { transport: new CookieTransport() },
      extras: { features: [pages()] },
    });
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    expect((await t.http.get(EVENTS, { token })).status).toBe(404);
    const page = await t.http.get('/auth/devices', { token });
    expect([page.text.includes('<script'), page.headers['content-security-policy']]).toEqual([
      false,
      expect.not.stringContaining('script-src'),
    ]);
    await t.close();
  });

  it('live that is neither true nor false is refused', () => {
    expect(() => pages({ live: 'yes' as never })).toThrow('live: must be true or false');
  });
});
