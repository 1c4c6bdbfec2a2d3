import { readFileSync } from 'node:fs';
import { WsAdapter } from '@nestjs/platform-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { SystemClock } from '../../lib';
import { graphql } from '../../lib/graphql';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { sockets } from '../../lib/websockets';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import { api, ApiModule, NotesResolver, subscriptions } from '../support/graphql-recipe';
import { platforms } from '../support/platforms';
import { chat, ChatGateway } from '../support/sockets-recipe';

describe.each([
  ['docs/21-websockets.md', 'test/support/sockets-recipe.ts'],
  ['docs/22-graphql.md', 'test/support/graphql-recipe.ts'],
  ['docs/26-observability.md', 'test/support/prometheus-recipe.ts'],
])('the examples of %s', (page, file) => {
  const source = readFileSync(file, 'utf8');
  const examples = [...source.matchAll(/\/\*\* Example: (.*) \*\/\n([\s\S]*?)\/\*\* End of example \*\//g)];

  it.each(examples.map(([, title, code]) => [title!, code!]))('%s: the page shows what runs here', (_title, code) => {
    expect(readFileSync(page, 'utf8')).toContain(code.trim());
  });
});

/** With the real clock: its clients wait for real tokens to expire. */
describe.each(platforms)('clients as the pages have them: $name', (platform) => {
  let t: TestApp;
  const start = async (settings: AppSettings) => {
    const options = { clock: new SystemClock(), accessToken: { ttl: '2s' }, refreshToken: { reuseInterval: 0 } };
    t = await createApp(platform, 'sqlite', { options, ...settings });
    await t.users.add('alice');
  };
  beforeAll(() => void vi.stubGlobal('WebSocket', WebSocket));
  afterAll(() => void vi.unstubAllGlobals());
  afterEach(() => t.close());
  const open = () => t.app.get(OpenChannels).size;
  const credentials = { username: 'alice', password: 'alice-password' };

  it('a chat renews its socket, and is closed by the logout', async () => {
    await start({
      extras: { features: [sockets()] },
      providers: [ChatGateway],
      prepare: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
    });
    const renewed = vi.spyOn(t.app.get(OpenChannels), 'renew');
    const heard: unknown[] = [];
    const { client, connect } = chat(await t.app.getUrl(), (message) => heard.push(message));
    await connect();
    expect(open()).toBe(0);
    await client.login(credentials);
    await connect();
    await expect.poll(open).toBe(1);
    // At once, and when the token has expired.
    await expect.poll(() => renewed.mock.calls.length, { timeout: 12_000 }).toBe(2);
    const [channel] = renewed.mock.calls[1]!;
    expect(channel.until).toBeGreaterThan(Date.now() + 29_000);
    await client.logout();
    await expect.poll(open).toBe(0);
    expect(heard).toEqual([]);
  }, 20_000);

  it('a user of the chat says something, and hears it', async () => {
    await start({
      options: {},
      extras: { features: [sockets()] },
      providers: [ChatGateway],
      prepare: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
    });
    const { access_token: token } = await t.login();
    const socket = new WebSocket((await t.app.getUrl()).replace('http', 'ws'), ['bearer', token]);
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe('bearer');
    const heard = new Promise((resolve) => socket.once('message', (text) => resolve(JSON.parse(String(text)))));
    socket.send(JSON.stringify({ event: 'say', data: 'hello' }));
    expect(await heard).toEqual({ event: 'said', data: { by: 'alice', text: 'hello' } });
    socket.terminate();
  });

  it('subscriptions are renewed, and end with the session', async () => {
    const isFastify = platform.name === 'fastify';
    await start({
      extras: { features: [graphql()] },
      imports: [isFastify ? api : ApiModule],
      providers: isFastify ? [NotesResolver] : [],
    });
    const renewed = vi.spyOn(t.app.get(OpenChannels), 'renew');
    const origin = await t.app.getUrl();
    let tokens = await t.login();
    const freshToken = async () => {
      if ((await t.statusOf(tokens.access_token)) === 401)
        tokens = (await t.http.post('/auth/refresh', { json: { refresh_token: tokens.refresh_token } })).body;
      return tokens.access_token as string;
    };
    const client = subscriptions(`${origin.replace('http', 'ws')}/graphql`, freshToken);
    const [heard, over]: [any[], Promise<void>] = [
      [],
      new Promise((resolve) => {
        const sink = { next: (one: unknown) => heard.push(one), error: () => resolve(), complete: resolve };
        client.subscribe({ query: 'subscription { added }' }, sink);
      }),
    ];
    const add = async () =>
      t.http.post('/graphql', { json: { query: 'mutation { add(text: "x") }' }, token: await freshToken() });
    await expect.poll(async () => ((await add()).status, heard.length), { timeout: 5_000 }).toBeGreaterThan(0);
    expect(heard[0]).toEqual({ data: { added: 'alice: x' } });
    // Mercurius says no moment: its client would renew by a timer of its own.
    if (!isFastify) await expect.poll(() => renewed.mock.calls.length, { timeout: 12_000 }).toBe(2);
    await t.tokens.revokeAll('1');
    await over;
    expect(open()).toBe(0);
    await client.dispose();
  }, 20_000);
});
