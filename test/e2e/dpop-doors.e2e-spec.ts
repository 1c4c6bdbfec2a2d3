import { afterEach, describe, expect, it } from 'vitest';
import { deviceBinding } from '../../lib/binding';
import { graphql } from '../../lib/graphql';
import { sockets } from '../../lib/websockets';
import { createApp, everyEnvironment, NotesController, type TestApp } from '../support/create-app';
import { GuardedGateway, GuardedStreamController, graphqlApi, WhoResolver } from '../support/door-parts';
import { DpopDevice, ORIGIN } from '../support/dpop-device';
import { socketKinds } from '../support/socket-clients';

type Headers = Record<string, string>;

/** How each door is asked: `in`, or the code of the refusal. */
const DOORS: Record<string, { method: string; path: string; ask(t: TestApp, headers: Headers): Promise<string> }> = {
  'a route': {
    method: 'GET',
    path: '/notes',
    ask: (t, headers) =>
      t.http.get('/notes', { headers }).then(({ status, body }) => (status < 300 ? 'in' : body.code)),
  },
  'a stream of events': {
    method: 'GET',
    path: '/stream',
    ask: (t, headers) =>
      t.http.get('/stream', { headers }).then(({ status, body }) => (status < 300 ? 'in' : body.code)),
  },
  'a query of GraphQL': {
    method: 'POST',
    path: '/graphql',
    async ask(t, headers) {
      const { body } = await t.http.post('/graphql', { json: { query: '{ who }' }, headers });
      return body.data?.who ? 'in' : body.errors[0].extensions.code;
    },
  },
  'a socket': {
    method: 'GET',
    path: '/socket.io/',
    async ask(t, headers) {
      const { refusal, client } = await socketKinds['socket.io'].connect(await t.app.getUrl(), { headers });
      client.close();
      return refusal?.code ?? 'in';
    },
  },
};

describe.each(everyEnvironment)('a token bound by DPoP at every door: $title', ({ platform, kind }) => {
  let t: TestApp;
  afterEach(() => t.close());

  const start = async () => {
    t = await createApp(platform, kind, {
      options: { publicOrigin: ORIGIN },
      extras: { features: [sockets(), graphql(), deviceBinding({ dbsc: 'off' })] },
      controllers: [NotesController, GuardedStreamController],
      imports: [graphqlApi],
      providers: [GuardedGateway, WhoResolver],
      prepare: (app) => void app.useWebSocketAdapter(socketKinds['socket.io'].adapter(app)),
    });
    await t.users.add('alice');
    const device = new DpopDevice(() => t.clock.now());
    const headers = { dpop: device.proof('POST', '/auth/login') };
    const json = { username: 'alice', password: 'alice-password' };
    return { device, ...(await t.http.post('/auth/login', { json, headers })).body };
  };

  it.each(Object.keys(DOORS))('K2: %s takes it with a proof of its key for this very request, and in no other way', async (name) => {
    const { device, access_token: token } = await start();
    const { method, path, ask } = DOORS[name]!;
    const proven = device.headers(method, path, token);
    const stranger = new DpopDevice(() => t.clock.now());
    const said = {
      right: await ask(t, proven),
      replayed: await ask(t, proven),
      bearer: await ask(t, { authorization: `Bearer ${token}` }),
      unproven: await ask(t, { authorization: `DPoP ${token}` }),
      ofAnotherKey: await ask(t, stranger.headers(method, path, token)),
      ofAnotherPath: await ask(t, device.headers(method, '/elsewhere', token)),
      ofAnotherMethod: await ask(t, device.headers('DELETE', path, token)),
      ofAnotherToken: await ask(t, device.headers(method, path, token, { ath: 'x'.repeat(43) })),
      rightAgain: await ask(t, device.headers(method, path, token)),
    };
    expect(said).toEqual({
      right: 'in',
      replayed: 'invalid_dpop_proof',
      bearer: 'invalid_token',
      unproven: 'invalid_dpop_proof',
      ofAnotherKey: 'invalid_token',
      ofAnotherPath: 'invalid_dpop_proof',
      ofAnotherMethod: 'invalid_dpop_proof',
      ofAnotherToken: 'invalid_dpop_proof',
      rightAgain: 'in',
    });
  }); // prettier-ignore
});
