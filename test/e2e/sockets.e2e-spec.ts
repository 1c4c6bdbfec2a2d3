import { Catch, type ArgumentsHost, Logger, UseFilters, UseGuards } from '@nestjs/common';
import {
  BaseWsExceptionFilter,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  CookieTransport,
  CurrentSession,
  CurrentUser,
  JwtKnoxError,
  JwtKnoxEvents,
  JwtKnoxGuard,
  type JwtKnoxOptions,
  RequireFresh,
  Scopes,
  type Session,
} from '../../lib';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { JwtKnoxSocketAuth, sockets, type SocketsOptions } from '../../lib/websockets';
import { SocketDoors } from '../../lib/websockets/socket-auth';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, type TestApp } from '../support/create-app';
import { configuredKeys, forge, headers, rightful } from '../support/forge';
import { type Booty, FORGERIES } from '../support/forgeries';
import { platforms } from '../support/platforms';
import { type Attempt, type Showing, type SocketClient, type SocketKind, socketKinds } from '../support/socket-clients';
import { connectionsOf } from '../support/use-app';

@Catch(JwtKnoxError)
class TellTheCode extends BaseWsExceptionFilter {
  override catch({ code, message }: JwtKnoxError, host: ArgumentsHost): void {
    super.catch(new WsException({ status: 'error', code, message }), host);
  }
}

@UseFilters(TellTheCode)
@UseGuards(JwtKnoxGuard)
@WebSocketGateway()
class Gateway {
  constructor(private readonly auth: JwtKnoxSocketAuth) {}

  afterInit(server: any): void {
    this.auth.protect(server);
    // Several gateways share a server.
    this.auth.protect(server);
  }

  @SubscribeMessage('who') who(@CurrentUser('username') username: string, @CurrentSession() session: Session) {
    return { event: 'me', data: { username, sessionId: session.id } };
  }

  @SubscribeMessage('orders') @Scopes('orders:read') orders() {
    return { event: 'me', data: 'orders' };
  }

  @SubscribeMessage('close') @RequireFresh('5m') close() {
    return { event: 'me', data: 'closed' };
  }

  @SubscribeMessage('echo') echo(@MessageBody() data: unknown, @CurrentUser('username') username: string) {
    return { event: 'me', data: { username, length: JSON.stringify(data).length } };
  }
}

@WebSocketGateway()
class FaultyGateway {
  constructor(private readonly auth: JwtKnoxSocketAuth) {}

  afterInit(server: any): void {
    this.auth.protect(server);
    server.on('connection', () => {
      throw new Error('a fault of the gateway');
    });
  }
}

/** Forgets to protect its server. */
@UseFilters(TellTheCode)
@UseGuards(JwtKnoxGuard)
@WebSocketGateway()
class OpenGateway {
  @SubscribeMessage('who') who() {
    return { event: 'me', data: 'nobody' };
  }
}

/** Has a namespace of socket.io that another middleware refuses, and one where that does not make up its mind. */
@WebSocketGateway()
class ClosedGateway {
  constructor(private readonly auth: JwtKnoxSocketAuth) {}

  afterInit(server: any): void {
    this.auth.protect(server);
    const refuse = (_socket: unknown, next: (error: Error) => void) => next(new Error('closed'));
    server.of('/closed').use(this.auth.middleware).use(refuse);
    server
      .of('/undecided')
      .use(this.auth.middleware)
      .use(() => undefined);
  }
}

const environments = platforms.flatMap((platform) =>
  (['ws', 'socket.io'] as const).map((kind) => ({ title: `${kind} on ${platform.name}`, platform, kind })),
);

describe.each(environments)('sockets: $title', ({ platform, kind }) => {
  let t: TestApp;
  const clients: SocketClient[] = [];

  const start = async (
    options: SocketsOptions = {},
    knox: JwtKnoxOptions = {},
    extras = {},
    gateway: any = Gateway,
  ) => {
    t = await createApp(platform, 'sqlite', {
      options: knox,
      extras: { features: [sockets(options)], ...extras },
      providers: [gateway],
      prepare: (app) => void app.useWebSocketAdapter(socketKinds[kind].adapter(app)),
    });
    for (const name of ['alice', 'bob']) await t.users.add(name);
  };
  const connect = async (showing?: Showing): Promise<Attempt> => {
    const attempt = await socketKinds[kind].connect(await t.app.getUrl(), showing);
    clients.push(attempt.client);
    return attempt;
  };
  const connected = async (token: string): Promise<SocketClient> => {
    const { refusal, client } = await connect({ token });
    expect(refusal).toBeNull();
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await t.close();
  });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const open = () => t.app.get(OpenChannels).size;

  it('lets in who shows a token, and its messages cost no query', async () => {
    await start();
    const { access_token: token, session_id: sessionId } = await t.login();
    for (const showing of [{ token }, { headers: bearer(token) }]) {
      const { refusal, client } = await connect(showing);
      expect(refusal).toBeNull();
      const { length } = t.statements;
      for (let n = 0; n < 3; n++)
        expect(await client.ask('who')).toEqual({ event: 'me', data: { username: 'alice', sessionId } });
      expect(t.statements.length).toBe(length);
    }
    expect(open()).toBe(2);
  });

  it('closes the sockets of a session that ends, and no other, in every scope', async () => {
    await start();
    const logins = [await t.login(), await t.login(), await t.login(), await t.login('bob')];
    const [first, second, third, other] = await Promise.all(logins.map((one) => connected(one.access_token)));
    const ended = { code: 'session_ended', closeCode: 4403 };
    await t.http.post('/auth/logout', { token: logins[0].access_token });
    expect(await first!.end).toEqual(ended);
    expect((await second!.ask('who')).data.username).toBe('alice');
    await t.http.post('/auth/logout-other', { token: logins[1].access_token });
    expect(await third!.end).toEqual(ended);
    expect((await second!.ask('who')).data.username).toBe('alice');
    await t.http.post('/auth/logout-all', { token: logins[1].access_token });
    expect(await second!.end).toEqual(ended);
    expect((await other!.ask('who')).data.username).toBe('bob');
    await t.tokens.revokeBefore(t.clock.now() + 1);
    expect(await other!.end).toEqual(ended);
    expect(open()).toBe(0);
  });

  it('lets messages do what the session may do by now, and what wants a fresh login as long as it is', async () => {
    await start({ lifetime: 'session' });
    const alice = (await t.users.findById('1'))!;
    const { accessToken, session } = await t.tokens.issue(alice, {}, { scopes: ['orders:*'] });
    const socket = await connected(accessToken);
    const answers = async (event: string) => JSON.stringify(await socket.ask(event));
    expect([await answers('orders'), await answers('close')]).toEqual([
      expect.stringContaining('orders'),
      expect.stringContaining('closed'),
    ]);
    await t.tokens.narrow(session.id, []);
    expect(await answers('orders')).toContain('insufficient_scope');
    t.clock.advance('6m');
    expect(await answers('close')).toContain('insufficient_user_authentication');
  });

  it('of a program ends when its user is disabled elsewhere, though its token is not', async () => {
    await start({ recheck: '1s' });
    const alice = (await t.users.findById('1'))!;
    const { accessToken } = await t.tokens.issueProgramToken(alice, { name: 'CI', scopes: ['a'] });
    const socket = await connected(accessToken);
    await t.users.rows.update(1, { isActive: false });
    t.clock.advance('2s');
    expect(await socket.end).toMatchObject({ code: 'session_ended' });
  });

  it('of a program stays open when its user ends their other devices', async () => {
    await start();
    const alice = (await t.users.findById('1'))!;
    const program = await t.tokens.issueProgramToken(alice, { name: 'CI', scopes: ['a'] });
    const [socket, phone] = [await connected(program.accessToken), await connected((await t.login()).access_token)];
    t.clock.advance('11s');
    await t.http.post('/auth/logout-other', { token: (await t.login()).access_token });
    expect(await phone.end).toMatchObject({ code: 'session_ended' });
    expect((await socket.ask('who')).data.username).toBe('alice');
    await t.tokens.revokeAll('1');
    expect(await socket.end).toMatchObject({ code: 'session_ended' });
  });

  it.each(['session', 'user'])('of staff who act as a user ends with the end of their own %s', async (what) => {
    await start();
    const [alice, bob] = [(await t.users.findById('1'))!, (await t.users.findById('2'))!];
    const { session } = await t.tokens.issue(bob);
    const acting = await t.tokens.impersonate(session, alice, { reason: 'Ticket' });
    const [socket, own] = [await connected(acting.accessToken), await connected((await t.login()).access_token)];
    t.clock.advance('11s');
    await (what === 'session' ? t.tokens.revoke(session.id) : t.tokens.revokeAll('2'));
    expect(await socket.end).toMatchObject({ code: 'session_ended' });
    expect((await own.ask('who')).data.username).toBe('alice');
  });

  it('stays open for 30 s after its token, longer with a fresh one, and is closed with 4401 otherwise', async () => {
    await start();
    const { access_token: token, refresh_token: refreshToken } = await t.login();
    const [renewing, idle] = [await connected(token), await connected(token)];
    t.clock.advance('5m');
    const { body } = await t.http.post('/auth/refresh', { json: { refresh_token: refreshToken } });
    expect((await renewing.ask('who')).data.username).toBe('alice');
    const renewed = await renewing.ask('auth.renew', { token: body.access_token });
    expect(renewed).toEqual({
      event: 'auth.renewed',
      data: { until: new Date(Math.floor(t.clock.now() / 1_000) * 1_000 + 330_000).toISOString() },
    });
    t.clock.advance('30s');
    expect(await idle.end).toEqual({ code: 'token_expired', closeCode: 4401 });
    expect((await renewing.ask('who')).data.username).toBe('alice');
    t.clock.advance('5m');
    expect(await renewing.end).toEqual({ code: 'token_expired', closeCode: 4401 });
  });

  it('a renewal needs a fresh access token of the same session; what is refused changes nothing', async () => {
    await start();
    const [mine, another] = [await t.login(), await t.login()];
    const client = await connected(mine.access_token);
    const refusals: [unknown, string][] = [
      [{ token: another.access_token }, 'invalid_request'],
      [{ token: mine.refresh_token }, 'invalid_token'],
      [{ token: '' }, 'invalid_token'],
      [{}, 'invalid_token'],
      [{ token: ['x'] }, 'invalid_request'],
      [{ token: { toString: 'x' } }, 'invalid_request'],
      [null, 'invalid_token'],
      ['text', 'invalid_token'],
      [JSON.parse('{"__proto__":{"token":"x"}}'), 'invalid_token'],
    ];
    for (const [data, code] of refusals)
      expect(await client.ask('auth.renew', data)).toMatchObject({ event: 'auth.refused', data: { code } });
    expect((await client.ask('who')).data.sessionId).toBe(mine.session_id);
    t.clock.advance('330s');
    expect(await client.end).toEqual({ code: 'token_expired', closeCode: 4401 });
  });

  it('a refresh closes nothing, and neither do ends of other users and of other realms', async () => {
    await start();
    const { access_token: token, refresh_token: refreshToken } = await t.login();
    const client = await connected(token);
    await t.http.post('/auth/refresh', { json: { refresh_token: refreshToken } });
    await t.tokens.revokeAll('99');
    await t.tokens.revoke('0d9f9a0e-6c3f-4a3e-9a55-0f4a5d1f0c11');
    t.app.get(JwtKnoxEvents).emit('session.revoked', {
      scope: { realm: 'elsewhere', createdBefore: Number.MAX_SAFE_INTEGER },
      userId: null, sessionId: null, count: 1, since: Date.now(), reason: 'revoked_before', actor: null,
    }); // prettier-ignore
    expect((await client.ask('who')).data.username).toBe('alice');
  });

  it('D1: shows the same verdict as the guard of a route, and asks the storage as often, for whatever is shown', async () => {
    await start({}, { keys: configuredKeys });
    const { access_token: access, refresh_token: refresh } = await t.login();
    const booty: Booty = { access, refresh, server: 'http://127.0.0.1:9' };
    const corpus = FORGERIES.map(({ make }) => make(booty)).filter((text) => isSendable(text, kind));
    const good = Object.entries(rightful).map(([kid, signer]) =>
      forge(access, signer, { header: headers[kid as keyof typeof headers] }),
    );
    const verdicts: Record<string, number> = {};
    for (const token of [...good, ...corpus, refresh]) {
      const before = t.statements.length;
      const { status, body } = await t.http.get('/notes', { token });
      const asked = t.statements.length - before;
      const { refusal, client } = await connect({ token });
      const verdict = refusal?.code ?? 'in';
      expect([verdict, t.statements.length - before - asked]).toEqual([status === 200 ? 'in' : body.code, asked]);
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      client.close();
    }
    expect(verdicts.in).toBe(good.length);
    expect(verdicts.invalid_token).toBeGreaterThan(100);
    await t.http.post('/auth/logout', { token: access });
    expect((await connect({ token: access })).refusal?.code).toBe('invalid_token');
  }, 60_000);

  it('D2: nobody is let in without a token, with two, or with what is none', async () => {
    await start();
    const { access_token: token, refresh_token: refreshToken } = await t.login();
    const { length } = t.statements;
    const shown: [Showing, string, number][] = [
      [{}, 'missing_token', 4401],
      [{ headers: { authorization: 'Basic YTpi' } }, 'missing_token', 4401],
      [{ headers: bearer('') }, 'invalid_token', 4401],
      [{ token: 'nonsense' }, 'invalid_token', 4401],
      [{ token: refreshToken }, 'invalid_token', 4401],
      [{ token, headers: bearer(token) }, 'invalid_request', 4400],
      [{ token, headers: bearer('nonsense') }, 'invalid_request', 4400],
      [{ query: `?access_token=${token}` }, 'missing_token', 4401],
      [{ headers: { cookie: `knox-access=${token}` } }, 'missing_token', 4401],
    ];
    for (const [showing, code, closeCode] of shown) {
      const { refusal, client } = await connect(showing);
      expect([showing, refusal]).toEqual([showing, { code, closeCode }]);
      await client.end.catch(() => undefined);
      expect(client.isOpen).toBe(false);
    }
    t.clock.advance('5m');
    expect((await connect({ token })).refusal).toEqual({ code: 'token_expired', closeCode: 4401 });
    expect(t.statements.length).toBe(length);
    expect(open()).toBe(0);
  });

  it('messages that look like requests authenticate nobody else, and a large one does no harm', async () => {
    await start();
    const [alice, bob] = [await t.login(), await t.login('bob')];
    const client = await connected(alice.access_token);
    for (const data of [
      { headers: bearer(bob.access_token), user: { username: 'bob' }, knox: { session: { id: 'x' } } },
      JSON.parse('{"__proto__":{"user":{"username":"bob"}},"constructor":{"prototype":{"user":1}}}'),
    ]) {
      expect((await client.ask('echo', data)).data.username).toBe('alice');
      expect((await client.ask('who', data)).data.username).toBe('alice');
    }
    expect(({} as any).user).toBeUndefined();
    const large = 'x'.repeat(10_000_000);
    if (kind === 'ws') {
      expect((await client.ask('echo', large)).data.length).toBe(10_000_002);
      client.send('auth.renew', { token: large });
      expect((await client.ask('who')).data.username).toBe('alice');
    } else {
      // More than socket.io takes: it closes the connection.
      client.send('auth.renew', { token: large });
      await client.end;
      expect(open()).toBe(0);
    }
    expect((await t.http.get('/notes', { token: alice.access_token })).status).toBe(200);
  });

  it('300 connections without a token are closed within two seconds, and cost no query', async () => {
    await start();
    const { length } = t.statements;
    const attempts = await Promise.all(Array.from({ length: 300 }, () => connect()));
    expect(new Set(attempts.map(({ refusal }) => refusal?.closeCode))).toEqual(new Set([4401]));
    await expect.poll(() => connectionsOf(t), { timeout: 2_000 }).toBe(0);
    expect(t.statements.length).toBe(length);
  });

  it.skipIf(kind === 'ws')(
    'a client of socket.io that sends nothing is disconnected after two seconds',
    async () => {
      await start();
      const silent = new WebSocket(
        `${(await t.app.getUrl()).replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`,
      );
      await new Promise((resolve) => silent.once('open', resolve));
      await new Promise((resolve) => silent.once('close', resolve));
      expect(open()).toBe(0);
    },
    5_000,
  );

  it.skipIf(kind === 'ws')('what other middlewares refuse leaves nothing open, however often it is tried', async () => {
    await start({}, {}, {}, ClosedGateway);
    const auth = { token: (await t.login()).access_token };
    const main = io(await t.app.getUrl(), { transports: ['websocket'], forceNew: true, auth });
    await new Promise<void>((resolve) => void main.once('connect', resolve));
    const closed = main.io.socket('/closed', { auth });
    for (let attempt = 0; attempt < 30; attempt++) {
      const refused = await new Promise<Error>((resolve) => void closed.once('connect_error', resolve));
      expect([refused.message, open()]).toEqual(['closed', 1]);
      closed.connect();
    }
    expect(main.connected).toBe(true);
    main.io.socket('/undecided', { auth });
    await expect.poll(open).toBe(2);
    main.io.engine.close();
    await expect.poll(open).toBe(0);
    main.disconnect();
  });

  it('ends of another process are found when the rows are read again, all in one query', async () => {
    await start({ recheck: '30s' });
    const logins = await Promise.all(Array.from({ length: 20 }, () => t.login()));
    const opened = await Promise.all(logins.map((one) => connected(one.access_token)));
    const rows = t.source.getRepository(JwtKnoxSession);
    await rows.delete({ id: logins[0].session_id });
    await rows.update({ id: logins[1].session_id }, { expiresAt: t.clock.now() });
    const { length } = t.statements;
    t.clock.advance('30s');
    for (const client of opened.slice(0, 2))
      expect(await client.end).toEqual({ code: 'session_ended', closeCode: 4403 });
    expect(t.statements.length).toBe(length + 1);
    expect((await opened[2]!.ask('who')).data.username).toBe('alice');
    expect(open()).toBe(18);
  });

  it('a storage that does not answer closes nothing; what has ended meanwhile is closed once it answers', async () => {
    const { storage, control } = controlledRepository();
    await start({ recheck: '30s' }, {}, { storage });
    const [mine, other] = [await t.login(), await t.login()];
    const [first, second] = [await connected(mine.access_token), await connected(other.access_token)];
    await t.source.getRepository(JwtKnoxSession).delete({ id: mine.session_id });
    control.intercept = async () => {
      throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
    };
    t.clock.advance('30s');
    await expect.poll(() => control.calls.includes('findByIds'), { timeout: 3_000 }).toBe(true);
    expect((await connect({ token: other.access_token })).refusal).toEqual({
      code: 'storage_unavailable',
      closeCode: 1013,
    });
    expect((await first.ask('who')).data.username).toBe('alice');
    control.heal();
    t.clock.advance('5s');
    expect((await first.end).closeCode).toBe(4403);
    expect((await second.ask('who')).data.username).toBe('alice');
  });

  it.runIf(kind === 'ws')(
    'a listener for connections that throws closes that socket, and the log says so',
    async () => {
      const logged = vi.spyOn(Logger.prototype, 'error').mockClear();
      await start({}, {}, {}, FaultyGateway);
      await connect({ token: (await t.login()).access_token });
      await expect.poll(open).toBe(0);
      expect(logged.mock.calls.map(([text]) => text)).toEqual([
        '[jwt-knox:connection-failed] A socket was let in, and its connection failed: a fault of the gateway',
      ]);
    },
  );

  it('D2: a server that nobody protects: its messages are refused', async () => {
    await start({}, {}, {}, OpenGateway);
    const { access_token: token } = await t.login();
    const { client } = await connect({ headers: bearer(token) });
    expect(await client.ask('who')).toMatchObject({ event: 'exception', data: { code: 'missing_token' } });
  });

  it("lifetime: 'session' keeps sockets without fresh tokens, until the session or its user is gone", async () => {
    await start({ lifetime: 'session', recheck: '30s' });
    const logins = [await t.login(), await t.login('bob')];
    const [alice, bob] = await Promise.all(logins.map((one) => connected(one.access_token)));
    t.clock.advance('1h');
    expect((await alice!.ask('who')).data.username).toBe('alice');
    await t.users.rows.update({ username: 'bob' }, { isActive: false });
    t.clock.advance('30s');
    expect(await bob!.end).toEqual({ code: 'session_ended', closeCode: 4403 });
    await t.tokens.revoke(logins[0].session_id);
    expect(await alice!.end).toEqual({ code: 'session_ended', closeCode: 4403 });
  });

  it('cookies open sockets of the own pages, and of no other site', async () => {
    await start({}, { transport: new CookieTransport() });
    const origin = await t.app.getUrl();
    const own = { origin, 'user-agent': 'Mozilla/5.0' };
    const login = await t.http.post('/auth/login', {
      json: { username: 'alice', password: 'alice-password' },
      headers: own,
    });
    const cookie = [login.headers['set-cookie'] ?? []]
      .flat()
      .map((one) => one.split(';')[0])
      .join('; ');
    const { refusal, client } = await connect({ headers: { cookie, ...own } });
    expect(refusal).toBeNull();
    expect((await client.ask('who')).data.username).toBe('alice');
    const foreign = { cookie, origin: 'http://evil.example', 'user-agent': 'Mozilla/5.0' };
    expect((await connect({ headers: foreign })).refusal).toEqual({ code: 'cross_origin_refused', closeCode: 4403 });
    const crossSite = { ...own, cookie, 'sec-fetch-site': 'cross-site' };
    expect((await connect({ headers: crossSite })).refusal?.code).toBe('cross_origin_refused');
    if (kind === 'socket.io') {
      // Its first request by polling is no upgrade, and opens a socket all the same.
      const polling = io(origin, { transports: ['polling'], reconnection: false, extraHeaders: foreign });
      const refused = await new Promise<any>((resolve) => void polling.once('connect_error', resolve));
      expect(refused.data).toMatchObject({ code: 'cross_origin_refused', close_code: 4403 });
      polling.disconnect();
    }
    const twice = { ...own, cookie: `${cookie}; ${cookie}` };
    expect((await connect({ headers: twice })).refusal).toEqual({ code: 'invalid_request', closeCode: 4400 });
  });

  it('a token in the query counts where the option says so, and not beside another', async () => {
    await start({ query: 'access_token' });
    const { access_token: token } = await t.login();
    expect((await connect({ query: `?access_token=${token}` })).refusal).toBeNull();
    expect((await connect({ query: `?access_token=${token}`, token })).refusal?.code).toBe('invalid_request');
    expect((await connect({ query: '?access_token=x' })).refusal?.code).toBe('invalid_token');
  });

  it('a session that ends while its socket is being opened: closed all the same', async () => {
    await start();
    const { access_token: token, session_id: id } = await t.login();
    // Ends between the reading of its row and the entry into the registry.
    const channels = t.app.get(OpenChannels);
    const openChannel = channels.open.bind(channels);
    vi.spyOn(channels, 'open').mockImplementationOnce((...given: any[]) => {
      (t as any).ended = t.tokens.revoke(id);
      return (openChannel as any)(...given);
    });
    const { refusal, client } = await connect({ token });
    const told = refusal ?? (await client.end);
    expect([told.code, told.closeCode]).toEqual(['session_ended', 4403]);
    await (t as any).ended;
    expect(open()).toBe(0);
  });
});

describe('sockets that are set up wrongly', () => {
  it('options that are wrong are told, each with its remedy', () => {
    const wrong = { recheck: 0, lifetime: 'ever', query: '', colour: 1 } as unknown as SocketsOptions;
    for (const [index, text] of [
      'colour: no such option',
      'recheck: not a duration',
      'lifetime: must be',
      'query: must be',
    ].entries())
      expect(() => sockets(wrong), String(index)).toThrow(text);
  });

  it('what is no server, and a recovery that asks nobody, are refused', () => {
    const auth = new SocketDoors({} as never, { terms: { recheck: 1, lifetime: 'token' }, query: undefined });
    for (const one of [undefined, null, {}, 'server']) expect(() => auth.protect(one)).toThrow('this is no server');
    const server = { use: vi.fn(), opts: { connectionStateRecovery: {} } };
    for (const one of [server, { use: vi.fn(), server }])
      expect(() => auth.protect(one)).toThrow('skipMiddlewares: false');
    expect(server.use).not.toHaveBeenCalled();
    auth.protect({ use: server.use, opts: { connectionStateRecovery: { skipMiddlewares: false } } });
    expect(server.use).toHaveBeenCalledWith(auth.middleware);
  });
});

/** What a client of this kind can send as a token: a subprotocol is a word, `auth` takes every text. */
function isSendable(text: string, kind: SocketKind): boolean {
  return kind === 'ws' ? /^[\w.~!#$%&'*+^`|-]+$/.test(text) : /^[\x21-\x7e]+$/.test(text);
}
