import { createClient } from 'graphql-ws';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { JwtKnoxError } from '../../lib';
import { graphql } from '../../lib/graphql';
import { sockets } from '../../lib/websockets';
import { createApp, everyEnvironment, NotesController, type TestApp } from '../support/create-app';
import { GuardedGateway, GuardedStreamController, graphqlApi, WhoResolver } from '../support/door-parts';
import { configuredKeys, forge, headers, rightful } from '../support/forge';
import { FORGERIES } from '../support/forgeries';
import { often } from '../support/lengths';
import { type SocketKind, socketKinds } from '../support/socket-clients';

/** Each how many-th forgery goes through all doors. */
const EVERY = often(3, 1);

/** What a door says of a token: `in`, or the code of the refusal. */
type Door = (token: string) => Promise<string>;

/** How often each verdict was given, by door and by environment. */
const counted = new Map<string, Map<string, Record<string, number>>>();

describe.each(everyEnvironment)('D1: one corpus through every door: $title', ({ title, platform, kind }) => {
  let t: TestApp;
  afterEach(() => t?.close());

  const start = async (sort: SocketKind) => {
    t = await createApp(platform, kind, {
      options: { keys: configuredKeys },
      extras: { features: [sockets(), ...(sort === 'socket.io' ? [graphql()] : [])] },
      controllers: [NotesController, GuardedStreamController],
      imports: sort === 'socket.io' ? [graphqlApi] : [],
      providers: [GuardedGateway, ...(sort === 'socket.io' ? [WhoResolver] : [])],
      prepare: (app) => void app.useWebSocketAdapter(socketKinds[sort].adapter(app)),
    });
    await t.users.add('alice');
    return t.login();
  };

  const doorsOf = async (sort: SocketKind): Promise<Record<string, Door>> => {
    const address = await t.app.getUrl();
    const byRoute = async (path: string, token: string) => {
      const { status, body } = await t.http.get(path, { token });
      return status < 300 ? 'in' : body.code;
    };
    const bySocket = async (token: string) => {
      const { refusal, client } = await socketKinds[sort].connect(address, { token });
      client.close();
      return refusal?.code ?? 'in';
    };
    const common = {
      route: (token: string) => byRoute('/notes', token),
      verify: (token: string) => byRoute('/auth/verify', token),
      stream: (token: string) => byRoute('/stream', token),
      service: (token: string) =>
        t.tokens.authenticate(token).then(
          () => 'in',
          (error: JwtKnoxError) => error.code,
        ),
      [sort]: bySocket,
    };
    if (sort === 'ws') return common;
    return {
      ...common,
      query: async (token) => {
        const { body } = await t.http.post('/graphql', { json: { query: '{ who }' }, token });
        return body.data?.who ? 'in' : body.errors[0].extensions.code;
      },
      subscription: (token) => subscribed(`${address.replace('http', 'ws')}/graphql`, token),
    };
  };

  it.each(['ws', 'socket.io'] as const)(
    'the same verdicts, beside sockets of %s',
    async (sort) => {
      const { access_token: access, refresh_token: refresh } = await start(sort);
      const doors = await doorsOf(sort);
      const tokens = corpusOf(access, refresh);
      const { differences, verdicts } = await judge(doors, tokens);
      expect(differences).toEqual([]);
      for (const [door, found] of Object.entries(verdicts)) {
        expect(Object.values(found).reduce((sum, one) => sum + one)).toBe(tokens.length);
        expect(found.in).toBe(Object.keys(rightful).length);
        const ofDoor = counted.get(`${door}, beside ${sort}`) ?? new Map();
        counted.set(`${door}, beside ${sort}`, ofDoor.set(title, found));
      }
      // None is let in any more once the session has ended, good or bad.
      await t.http.post('/auth/logout', { token: access });
      const ended = await judge(doors, corpusOf(access, refresh).slice(0, Object.keys(rightful).length));
      expect([ended.differences, ended.verdicts.route]).toEqual([[], { invalid_token: Object.keys(rightful).length }]);
    },
    300_000,
  );

  it('control: a door that lets in what others refuse is found, for every token', async () => {
    const { access_token: access, refresh_token: refresh } = await start('ws');
    const { route } = await doorsOf('ws');
    const tokens = corpusOf(access, refresh);
    const planted: Door = async (token) => (token.includes('.') ? 'in' : route!(token));
    const { differences } = await judge({ route: route!, planted }, tokens);
    const isBad = (token: string, index: number) => index >= Object.keys(rightful).length && token.includes('.');
    expect(differences).toHaveLength(tokens.filter(isBad).length);
    expect(differences.length).toBeGreaterThan(50);
  });
});

describe('D1: the verdicts of all environments', () => {
  afterAll(() => {
    for (const [door, environment] of counted) {
      const [[, verdicts]] = [...environment] as [[string, Record<string, number>]];
      console.log(`D1 ${door}: ${JSON.stringify(verdicts)} in each of ${environment.size} environments`);
    }
  });

  it('are the same, door by door and counted', () => {
    expect(counted.size).toBe(12);
    for (const ofDoor of counted.values()) {
      expect([...ofDoor.keys()]).toEqual(everyEnvironment.map(({ title }) => title));
      expect(new Set([...ofDoor.values()].map((one) => JSON.stringify(Object.entries(one).toSorted()))).size).toBe(1);
    }
  });
});

/** The good ones first. A token is a word: what a header, a subprotocol or a parameter cannot carry proves nothing of a door. */
function corpusOf(access: string, refresh: string): string[] {
  const good = Object.entries(rightful).map(([kid, signer]) =>
    forge(access, signer, { header: headers[kid as keyof typeof headers] }),
  );
  const bad = FORGERIES.map(({ make }) => make({ access, refresh, server: 'http://127.0.0.1:9' }));
  const sent = bad.filter((_, index) => index % EVERY === 0);
  return [...good, ...sent.filter((text) => /^[\w.~!#$%&'*+^`|-]+$/.test(text)), refresh];
}

/** What each door says of each token, and where one differs from the route. */
async function judge(doors: Record<string, Door>, tokens: string[]) {
  const verdicts: Record<string, Record<string, number>> = {};
  const differences: { door: string; expected: string; said: string; token: string }[] = [];
  for (const token of tokens) {
    const said = await Promise.all(
      Object.entries(doors).map(async ([name, door]) => [name, await door(token)] as const),
    );
    const expected = said.find(([name]) => name === 'route')![1];
    for (const [door, verdict] of said) {
      const ofDoor = (verdicts[door] ??= {});
      ofDoor[verdict] = (ofDoor[verdict] ?? 0) + 1;
      if (verdict !== expected) differences.push({ door, expected, said: verdict, token });
    }
  }
  return { verdicts, differences };
}

function subscribed(url: string, token: string): Promise<string> {
  const connectionParams = { authorization: `Bearer ${token}` };
  const client = createClient({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
  return new Promise<string>((resolve) => {
    const error = (event: any) => resolve(event.reason);
    const next = ({ data }: any) => resolve(data?.mine === 'alice' ? 'in' : 'nobody');
    client.subscribe({ query: 'subscription { mine }' }, { next, error, complete: () => resolve('nothing') });
  }).finally(() => client.dispose());
}
