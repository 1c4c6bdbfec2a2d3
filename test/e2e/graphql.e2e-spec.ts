import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { UseGuards } from '@nestjs/common';
import { Args, GraphQLModule, Int, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { type Client, createClient } from 'graphql-ws';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  type ChannelOptions,
  CookieTransport,
  CurrentSession,
  CurrentUser,
  JwtKnoxGuard,
  type JwtKnoxOptions,
  type Session,
} from '../../lib';
import { graphql, JwtKnoxGraphqlAuth } from '../../lib/graphql';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { createApp, type TestApp } from '../support/create-app';
import { configuredKeys, forge, headers, rightful } from '../support/forge';
import { type Booty, FORGERIES } from '../support/forgeries';
import { platforms } from '../support/platforms';

@Resolver()
class Notes {
  @Query(() => String) about() {
    return 'notes';
  }

  @UseGuards(JwtKnoxGuard)
  @Query(() => String)
  who(@CurrentUser('username') username: string, @CurrentSession() session: Session) {
    return `${username} ${session.id}`;
  }

  @UseGuards(JwtKnoxGuard)
  @Mutation(() => Int)
  add(@Args('text') text: string, @CurrentUser('username') username: string) {
    return `${username} ${text}`.length;
  }

  @UseGuards(JwtKnoxGuard)
  @Subscription(() => Int)
  async *ticks(): AsyncGenerator<{ ticks: number }> {
    for (let ticks = 0; ; ticks++) {
      yield { ticks };
      await wait(20);
    }
  }

  @UseGuards(JwtKnoxGuard)
  @Subscription(() => String)
  async *mine(@CurrentUser('username') mine: string): AsyncGenerator<{ mine: string }> {
    yield { mine };
  }
}

const apollo = GraphQLModule.forRootAsync<ApolloDriverConfig>({
  driver: ApolloDriver,
  inject: [JwtKnoxGraphqlAuth],
  useFactory: (auth: JwtKnoxGraphqlAuth) => ({
    autoSchemaFile: true,
    includeStacktraceInErrorResponses: false,
    ...auth.forApollo(),
  }),
});
const mercurius = GraphQLModule.forRootAsync<MercuriusDriverConfig>({
  driver: MercuriusDriver,
  inject: [JwtKnoxGraphqlAuth],
  useFactory: (auth: JwtKnoxGraphqlAuth) => ({ autoSchemaFile: true, ...auth.forMercurius() }),
});
const environments = [
  ...platforms.map((platform) => ({ title: `Apollo on ${platform.name}`, platform, server: apollo, isApollo: true })),
  { title: 'Mercurius', platform: platforms[1]!, server: mercurius, isApollo: false },
];

describe('GraphQL with a context of the application', () => {
  it.each<[string, (auth: JwtKnoxGraphqlAuth) => any]>([
    [
      'throws',
      () => () => {
        throw new Error('no context');
      },
    ],
    ['returns nothing', () => () => undefined],
    ['returns what has no headers', () => () => ({ req: { user: { username: 'mallory' } } })],
    ['returns a null request', () => () => ({ req: null })],
    ['passes on what is none', (auth) => () => auth.context({ request: 1 })],
  ])('D2: one that %s lets nobody in', async (_title, contextOf) => {
    const module = GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      inject: [JwtKnoxGraphqlAuth],
      useFactory: (auth: JwtKnoxGraphqlAuth) => ({
        autoSchemaFile: true,
        ...auth.forApollo(),
        context: contextOf(auth),
      }),
    });
    const t = await createApp(platforms[0]!, 'sqlite', {
      extras: { features: [graphql()] },
      imports: [module],
      providers: [Notes],
    });
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    const { body } = await t.http.post('/graphql', { json: { query: '{ who }' } });
    expect(body.data ?? null).toBeNull();
    expect(body.errors).toHaveLength(1);
    await t.http.post('/auth/logout', { token });
    await t.close();
  });
});

describe.each(environments)('GraphQL: $title', ({ platform, server, isApollo }) => {
  let t: TestApp;
  const clients: { dispose(): unknown }[] = [];
  const start = async (options: ChannelOptions = {}, knox: JwtKnoxOptions = {}) => {
    t = await createApp(platform, 'sqlite', {
      options: knox,
      extras: { features: [graphql(options)] },
      imports: [server],
      providers: [Notes],
    });
    for (const name of ['alice', 'bob']) await t.users.add(name);
  };
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.dispose()));
    await t.close();
  });
  const ask = async (query: string, token?: string, sent: Record<string, string> = {}) =>
    (await t.http.post('/graphql', { json: { query }, ...(token !== undefined && { token }), headers: sent })).body;
  const open = () => t.app.get(OpenChannels).size;

  /** A client of graphql-ws, and what became of it. */
  const connect = async (params?: Record<string, unknown>, sent: Record<string, string> = {}) => {
    const url = (await t.app.getUrl()).replace('http', 'ws') + '/graphql';
    class Socket extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, { headers: sent });
      }
    }
    let socket: WebSocket | undefined;
    const told: any[] = [];
    const client: Client = createClient({
      url,
      webSocketImpl: Socket,
      connectionParams: params,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
      on: { opened: (opened) => (socket = opened as WebSocket), message: (message) => told.push(message) },
    });
    clients.push(client);
    const end = new Promise<{ code: string; closeCode: number }>((resolve) => {
      client.on('closed', (event: any) => resolve({ code: event.reason, closeCode: event.code }));
    });
    const refusal = await Promise.race([
      end,
      new Promise<null>((resolve) => client.on('connected', () => resolve(null))),
    ]);
    const subscribe = (query: string) => {
      const results: any[] = [];
      const done = new Promise<void>((resolve) => {
        client.subscribe({ query }, { next: (one) => results.push(one), error: () => resolve(), complete: resolve });
      });
      return { results, done };
    };
    return { client, end, refusal, subscribe, told, send: (message: object) => socket!.send(JSON.stringify(message)) };
  };
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  it('queries and mutations: guards and decorators work, and errors say their code', async () => {
    await start();
    const { access_token: token, session_id: sessionId } = await t.login();
    expect(await ask('{ about who }', token)).toEqual({ data: { about: 'notes', who: `alice ${sessionId}` } });
    expect(await ask('mutation { add(text: "x") }', token)).toEqual({ data: { add: 7 } });
    expect((await ask('{ about }')).data).toEqual({ about: 'notes' });
    const refusals: [any, string, number][] = [
      [await ask('{ who }'), 'missing_token', 401],
      [await ask('{ who }', 'nonsense'), 'invalid_token', 401],
      [await ask('mutation { add(text: "x") }', 'nonsense'), 'invalid_token', 401],
    ];
    t.clock.advance('5m');
    refusals.push([await ask('{ who }', token), 'token_expired', 401]);
    for (const [{ data, errors }, code, status] of refusals) {
      expect(data).toBeNull();
      expect(errors).toEqual([
        expect.objectContaining({ extensions: expect.objectContaining({ code, http: { status } }) }),
      ]);
    }
    expect((await ask('{ nothing }')).errors[0].extensions?.code).not.toBe('missing_token');
  });

  it('subscriptions: authenticated once, by the parameters of the connection or by a header', async () => {
    await start();
    const { access_token: token } = await t.login();
    for (const [params, sent] of [
      [bearer(token), {}],
      [{ authorization: `bearer ${token}` }, {}],
      [undefined, bearer(token)],
    ] as const) {
      const { refusal, subscribe } = await connect(params, sent);
      expect(refusal).toBeNull();
      const { length } = t.statements;
      const { results } = subscribe('subscription { ticks }');
      await expect.poll(() => results.length).toBeGreaterThan(3);
      const mine = subscribe('subscription { mine }');
      await mine.done;
      expect(mine.results).toEqual([{ data: { mine: 'alice' } }]);
      expect(t.statements.length).toBe(length);
    }
  });

  it('D2: nobody connects without a token, with two, or with what is none', async () => {
    await start();
    const { access_token: token, refresh_token: refreshToken } = await t.login();
    const { length } = t.statements;
    const shown: [Record<string, unknown> | undefined, Record<string, string>, string, number][] = [
      [undefined, {}, 'missing_token', 4401],
      [{}, {}, 'missing_token', 4401],
      [{ Authorization: 'Basic YTpi' }, {}, 'missing_token', 4401],
      [{ headers: bearer(token), user: { id: 1 }, knox: {} }, {}, 'missing_token', 4401],
      [bearer('nonsense'), {}, 'invalid_token', 4401],
      [bearer(refreshToken), {}, 'invalid_token', 4401],
      [bearer(''), {}, 'invalid_token', 4401],
      [{ authorization: { toString: 'x' } }, {}, 'invalid_request', 4400],
      [{ authorization: `Bearer ${token}`, Authorization: `Bearer ${token}` }, {}, 'invalid_request', 4400],
      [bearer(token), bearer(token), 'invalid_request', 4400],
    ];
    for (const [params, sent, code, closeCode] of shown)
      expect([params, (await connect(params, sent)).refusal]).toEqual([params, { code, closeCode }]);
    // Mercurius takes no such message at all.
    const hidden = JSON.parse(`{"__proto__":{"authorization":"Bearer ${token}"}}`);
    expect((await connect(hidden)).refusal?.closeCode).toBe(isApollo ? 4401 : 4004);
    t.clock.advance('5m');
    expect((await connect(bearer(token))).refusal).toEqual({ code: 'token_expired', closeCode: 4401 });
    expect(t.statements.length).toBe(length);
    expect(open()).toBe(0);
  });

  it('D2: what the context is made of must be known', async () => {
    await start();
    const { context, onConnect } = t.app.get(JwtKnoxGraphqlAuth);
    const contexts: any[] = [undefined, null, {}, { req: null }, { req: {} }, { extra: { socket: {} } }, 'text'];
    for (const one of contexts) expect(() => context(one)).toThrow('Authentication is required');
    for (const one of [undefined, null, {}, { extra: null }, { extra: { socket: {} } }])
      expect(await onConnect(one)).toBe(false);
  });

  it('D1: the same verdict over HTTP and in a connection as by the guard of a route', async () => {
    await start({}, { keys: configuredKeys });
    const { access_token: access, refresh_token: refresh } = await t.login();
    const booty: Booty = { access, refresh, server: 'http://127.0.0.1:9' };
    const corpus = FORGERIES.map(({ make }) => make(booty)).filter((text) => /^[\x21-\x7e]+$/.test(text));
    const good = Object.entries(rightful).map(([kid, signer]) =>
      forge(access, signer, { header: headers[kid as keyof typeof headers] }),
    );
    const verdicts: Record<string, number> = {};
    for (const token of [...good, ...corpus, refresh]) {
      const { status, body } = await t.http.get('/notes', { token });
      const verdict = status === 200 ? 'in' : body.code;
      const { data, errors } = await ask('{ who }', token);
      expect(data ? 'in' : errors[0].extensions.code).toBe(verdict);
      const { refusal, client } = await connect(bearer(token));
      expect(refusal?.code ?? 'in').toBe(verdict);
      await client.dispose();
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    }
    expect(verdicts.in).toBe(good.length);
    expect(verdicts.invalid_token).toBeGreaterThan(200);
  }, 60_000);

  it('a session that ends closes its connection, and no other, whoever ends it', async () => {
    await start({ recheck: '30s' });
    const logins = [await t.login(), await t.login(), await t.login('bob')];
    const [first, second, third] = await Promise.all(logins.map((one) => connect(bearer(one.access_token))));
    const { results } = third!.subscribe('subscription { ticks }');
    await t.http.post('/auth/logout', { token: logins[0].access_token });
    expect(await first!.end).toEqual({ code: 'session_ended', closeCode: 4403 });
    await t.source.getRepository(JwtKnoxSession).delete({ id: logins[1].session_id });
    t.clock.advance('30s');
    expect(await second!.end).toEqual({ code: 'session_ended', closeCode: 4403 });
    const { length } = results;
    await expect.poll(() => results.length).toBeGreaterThan(length);
    expect(open()).toBe(1);
  });

  it('a further connection_init with a fresh token prolongs it; otherwise it is closed with 4401', async () => {
    await start();
    const { access_token: token, refresh_token: refreshToken } = await t.login();
    const [renewing, idle] = [await connect(bearer(token)), await connect(bearer(token))];
    t.clock.advance('5m');
    const { body } = await t.http.post('/auth/refresh', { json: { refresh_token: refreshToken } });
    renewing.send({ type: 'connection_init', payload: bearer(body.access_token) });
    await expect.poll(() => renewing.told.filter(({ type }) => type === 'connection_ack').length).toBe(2);
    t.clock.advance('30s');
    expect(await idle.end).toEqual({ code: 'token_expired', closeCode: 4401 });
    const { results } = renewing.subscribe('subscription { ticks }');
    await expect.poll(() => results.length).toBeGreaterThan(1);
    t.clock.advance('5m');
    expect(await renewing.end).toEqual({ code: 'token_expired', closeCode: 4401 });
  });

  it('a token of another session does not prolong it', async () => {
    await start();
    const [mine, another] = [await t.login(), await t.login()];
    const { send, told, end, subscribe } = await connect(bearer(mine.access_token));
    send({ type: 'connection_init', payload: bearer(another.access_token) });
    if (!isApollo) return expect((await end).code).toBe('invalid_request');
    await expect.poll(() => told.find(({ type }) => type === 'pong')?.payload.code).toBe('invalid_request');
    const { results } = subscribe('subscription { ticks }');
    await expect.poll(() => results.length).toBeGreaterThan(1);
  });

  it('who connects and says nothing is disconnected', async () => {
    await start();
    const socket = new WebSocket((await t.app.getUrl()).replace('http', 'ws') + '/graphql', 'graphql-transport-ws');
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: 'subscription { ticks }' } }));
    const [answers, closed]: [string[], Promise<unknown>] = [
      [],
      new Promise((resolve) => socket.once('close', resolve)),
    ];
    socket.on('message', (text) => answers.push(String(text)));
    await closed;
    expect(answers.filter((text) => text.includes('"next"'))).toEqual([]);
  });

  it('cookies open connections of the own pages, and of no other site', async () => {
    await start({}, { transport: new CookieTransport() });
    const own = { origin: await t.app.getUrl(), 'user-agent': 'Mozilla/5.0' };
    const json = { username: 'alice', password: 'alice-password' };
    const login = await t.http.post('/auth/login', { json, headers: own });
    const cookie = [login.headers['set-cookie'] ?? []]
      .flat()
      .map((one) => one.split(';')[0])
      .join('; ');
    expect((await connect(undefined, { ...own, cookie })).refusal).toBeNull();
    const foreign = { ...own, cookie, origin: 'http://evil.example' };
    expect((await connect(undefined, foreign)).refusal).toEqual({ code: 'cross_origin_refused', closeCode: 4403 });
    expect((await ask('{ who }', undefined, foreign)).errors[0].extensions).toMatchObject({
      code: 'cross_origin_refused',
      http: { status: 403 },
    });
  });

  it('an Apollo Client queries, subscribes and hears of the end', async () => {
    await start();
    const { access_token: token } = await t.login();
    const origin = await t.app.getUrl();
    const ws = createClient({
      url: origin.replace('http', 'ws') + '/graphql',
      webSocketImpl: WebSocket,
      connectionParams: bearer(token),
      retryAttempts: 0,
    });
    clients.push(ws);
    const http = new HttpLink({ uri: `${origin}/graphql`, headers: bearer(token) });
    const link = ApolloLink.split(({ operationType }) => operationType === 'subscription', new GraphQLWsLink(ws), http);
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const { data } = await client.query<{ about: string }>({
      query: gql`
        {
          about
        }
      `,
    });
    expect(data?.about).toBe('notes');
    const seen: unknown[] = [];
    const over = new Promise<any>((resolve) => {
      client
        .subscribe({
          query: gql`
            subscription {
              ticks
            }
          `,
        })
        .subscribe({ next: (one) => (seen.push(one.data), one.error && resolve(one.error)), error: resolve });
    });
    await expect.poll(() => seen.length).toBeGreaterThan(2);
    await t.http.post('/auth/logout', { token });
    expect(inspect(await over, { depth: 5 })).toMatch(/4403/);
  });
});
