import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CurrentUser, JwtKnoxGuard } from '../../lib';
import { createJwtKnoxClient, JwtKnoxClientError, type JwtKnoxClient } from '../../lib/client/index.mjs';
import { createApp, environments, NotesController, type TestApp } from '../support/create-app';
import { type Browser, Network, openBrowser, transportFor, USES } from '../support/tabs';
import type { User } from '../support/users';
import { eventually } from '../support/eventually';

const alice = { username: 'alice', password: 'alice-password' };

@Controller('echo')
@UseGuards(JwtKnoxGuard)
class EchoController {
  @Post() echo(@CurrentUser() { username }: User, @Body() body: object) {
    return { username, body };
  }
}

/** What a tab is told, in order. */
function told(tab: JwtKnoxClient): (string | null)[] {
  const heard: (string | null)[] = [];
  tab.onChange((sessionId) => void heard.push(sessionId));
  return heard;
}

// The adapter knows nothing of locks: browsers that have none meet one of them.
const CASES = environments.flatMap((environment) =>
  USES.filter(({ hasLocks }) => hasLocks || environment.platform.name === 'express').map((use) => ({
    environment,
    use,
  })),
);

describe.each(CASES)('the client: $use.title, $environment.title', ({ environment, use }) => {
  const { mode } = use;
  let t: TestApp;
  let network: Network;
  let browser: Browser;
  let tab: JwtKnoxClient;

  beforeAll(async () => {
    network = new Network();
    t = await createApp(environment.platform, environment.kind, {
      options: transportFor(mode),
      controllers: [NotesController, EchoController],
      prepare: network.prepare,
      // What the network refuses never reaches the library.
      unchecked: () => network.hasRefused,
    });
    await t.users.add('alice');
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    await t.tokens.revokeAll('1');
    Object.assign(network, { refreshes: 0, loses: () => false, refuses: undefined, hasRefused: false });
    t.events.length = 0;
    browser = openBrowser(t, use);
    tab = browser.open();
  });

  const url = (path: string) => new URL(path, browser.baseUrl);
  const liveSessions = async () => (await t.tokens.list('1')).map(({ id }) => id);

  it('logs in, calls as the user, and logs out', async () => {
    const heard = told(tab);
    const id = await tab.login({ ...alice, device_name: 'Desk' });
    expect(await (await tab.fetch('/notes')).json()).toMatchObject({ username: 'alice', sessionId: id });
    expect(await tab.session()).toMatchObject({ id, device_name: 'Desk', current: true });
    await tab.logout();
    expect(await liveSessions()).toEqual([]);
    expect((await tab.fetch('/notes')).status).toBe(401);
    expect(await tab.session()).toBeNull();
    expect(heard).toEqual([id, null]);
    await tab.logout();
  });

  it('rejects with the code of the server when a login is refused', async () => {
    const refused = tab.login({ ...alice, password: 'wrong' });
    await expect(refused).rejects.toThrow(JwtKnoxClientError);
    await expect(refused).rejects.toMatchObject({ status: 401, code: 'invalid_credentials' });
    expect(browser.storage.state.sessionId).toBeUndefined();
  });

  it('lists the sessions, and ends one, the others, and all', async () => {
    const [second, third] = [openBrowser(t, use).open(), openBrowser(t, use).open()];
    const ids = [await second.login(alice), await third.login(alice)];
    t.clock.advance('1s');
    ids.push(await tab.login(alice));
    expect((await tab.sessions()).map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(await tab.sessions({ limit: 1 })).toMatchObject([{ id: ids[2], current: true }]);
    await tab.revoke(ids[0]!);
    expect(await second.session()).toBeNull();
    expect(await tab.logoutOther()).toBe(1);
    expect(await liveSessions()).toEqual([ids[2]]);
    await expect(tab.revoke(ids[0]!)).rejects.toMatchObject({ status: 404 });
    await third.login(alice);
    const heard = told(tab);
    expect(await tab.logoutAll()).toBe(2);
    expect(await liveSessions()).toEqual([]);
    expect(await tab.session()).toBeNull();
    expect(heard).toEqual([ids[2], null]);
  });

  it('knows that it is logged out when it ends its own session by id', async () => {
    const id = await tab.login(alice);
    const heard = told(tab);
    await tab.revoke(id);
    await eventually(() => expect(heard).toEqual([id, null]));
  });

  it('B3: tells all tabs of a login and a logout in one of them, and no other browser', async () => {
    const tabs = [tab, browser.open(), browser.open()];
    const heard = tabs.map(told);
    const elsewhere = openBrowser(t, use).open();
    const other = await elsewhere.login(alice);
    const heardElsewhere = told(elsewhere);
    const id = await tabs[1]!.login(alice);
    await eventually(() => expect(heard).toEqual(tabs.map(() => [id])));
    await tabs[2]!.logout();
    await eventually(() => expect(heard).toEqual(tabs.map(() => [id, null])));
    expect((await tab.fetch('/notes')).status).toBe(401);
    expect(heardElsewhere).toEqual([other]);
    expect((await elsewhere.fetch('/notes')).status).toBe(200);
  });

  it('tells every listener what is known, until it is taken away', async () => {
    const id = await tab.login(alice);
    const late = told(browser.open());
    await eventually(() => expect(late).toEqual([id]));
    const heard: unknown[] = [];
    const stop = tab.onChange((sessionId) => heard.push(sessionId));
    await eventually(() => expect(heard).toEqual([id]));
    stop();
    await tab.logout();
    expect(heard).toEqual([id]);
  });

  it('B4: refreshes once for 80 requests of four tabs, and all are answered', async () => {
    const tabs = [tab, browser.open(), browser.open(), browser.open()];
    await tab.login(alice);
    t.clock.advance('6m');
    const answers = await Promise.all(
      tabs.flatMap((one) =>
        Array.from({ length: 20 }, async () => (await one.fetch('/notes')).json() as Promise<{ username: string }>),
      ),
    );
    expect(answers.filter(({ username }) => username === 'alice')).toHaveLength(80);
    expect(network.refreshes).toBe(1);
    expect(t.events.filter(({ name }) => name === 'session.refreshed')).toHaveLength(1);
  });

  it('learns at the next request that its session was ended elsewhere', async () => {
    const id = await tab.login(alice);
    const heard = told(tab);
    await t.tokens.revokeAll('1');
    expect((await tab.fetch('/notes')).status).toBe(401);
    await eventually(() => expect(heard).toEqual([id, null]));
  });

  describe('a refresh', () => {
    it('that the server cannot answer now is no logout', async () => {
      const id = await tab.login(alice);
      const heard = told(tab);
      t.clock.advance('6m');
      network.refuses = { status: 503, headers: { 'retry-after': '30' } };
      const answers = await Promise.all([tab.fetch('/notes'), tab.fetch('/notes')]);
      expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
        [503, '30'],
        [503, '30'],
      ]);
      await expect(tab.sessions()).rejects.toMatchObject({ status: 503, retryAfter: 30 });
      network.refuses = { status: 401 }; // a gateway that asks for its own password
      expect((await tab.fetch('/notes')).status).toBe(401);
      network.refuses = undefined;
      expect((await tab.fetch('/notes')).status).toBe(200);
      expect(heard).toEqual([id]);
    });

    it('waits as long as a short Retry-After says, and asks again', async () => {
      await tab.login(alice);
      t.clock.advance('6m');
      network.refuses = { status: 503, headers: { 'retry-after': '1' } };
      const began = performance.now();
      const answer = tab.fetch('/notes');
      await eventually(() => expect(network.refreshes).toBe(1));
      network.refuses = undefined;
      expect((await answer).status).toBe(200);
      expect(performance.now() - began).toBeGreaterThan(990);
      expect(network.refreshes).toBe(2);
    });

    it('keeps its key before it is sent, and forgets it with the answer', async () => {
      const sent: { header: string | null; kept: unknown }[] = [];
      const fetchAndLook: typeof fetch = (input, init) => {
        const header = new Headers(init?.headers).get('idempotency-key');
        if (header) sent.push({ header, kept: browser.storage.state.attempt });
        return browser.fetch(input, init);
      };
      const client = createJwtKnoxClient({ ...browser, mode, fetch: fetchAndLook });
      await client.login(alice);
      network.loses = (refresh) => refresh < 3;
      for (let round = 0; round < 2; round++) {
        t.clock.advance('6m');
        expect((await client.fetch('/notes')).status).toBe(200);
        expect(browser.storage.state.attempt).toBeUndefined();
      }
      const keys = sent.map(({ header }) => header);
      expect(sent.map(({ kept }) => kept)).toEqual(keys);
      expect(keys).toEqual([keys[0], keys[0], keys[0], keys[3]]);
      expect(keys[3]).not.toBe(keys[0]);
      expect(keys.every((key) => /^[0-9a-f]{32}$/.test(key!))).toBe(true);
    });

    it('is repeated with its key after a restart, however late', async () => {
      const id = await tab.login(alice);
      t.clock.advance('6m');
      network.loses = () => true;
      await expect(tab.fetch('/notes')).rejects.toThrow();
      const { attempt } = browser.storage.state;
      expect(attempt).toEqual(expect.any(String));
      network.loses = () => false;
      t.clock.advance('3h');
      const restarted = browser.open();
      expect(await (await restarted.fetch('/notes')).json()).toMatchObject({ sessionId: id });
      expect(t.events.filter(({ name }) => name === 'refresh.retried').at(-1)!.event).toMatchObject({
        why: 'idempotency',
      });
      expect(t.events.filter(({ name }) => name === 'refresh.reused')).toEqual([]);
      expect(browser.storage.state.attempt).toBeUndefined();
    });

    it('does not bring a session back that is logged out meanwhile', async () => {
      await tab.login(alice);
      t.clock.advance('6m');
      const [answer] = await Promise.all([tab.fetch('/notes'), browser.open().logout()]);
      expect([200, 401]).toContain(answer.status);
      expect(browser.storage.state).toEqual({ version: expect.any(String), sessionId: null });
      expect((await tab.fetch('/notes')).status).toBe(401);
    });
  });

  it('logs out with an access token that has expired', async () => {
    await tab.login(alice);
    t.clock.advance('6m');
    await tab.logout();
    expect(await liveSessions()).toEqual([]);
  });

  it('keeps the session when a logout is not answered', async () => {
    const id = await tab.login(alice);
    const gateway: typeof fetch = async () => new Response('staging', { status: 401 });
    const client = createJwtKnoxClient({ ...browser, mode, fetch: gateway });
    await expect(client.logout()).rejects.toMatchObject({ status: 401, code: undefined });
    expect(await tab.session()).toMatchObject({ id });
  });

  describe('a request whose access token has expired', () => {
    beforeEach(async () => {
      await tab.login(alice);
      t.clock.advance('6m');
    });
    const echoed = (body: object) => ({ username: 'alice', body });
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' };

    it('is repeated with its body', async () => {
      expect(await (await tab.fetch('/echo', json)).json()).toEqual(echoed({ n: 1 }));
    });

    it('is repeated when it is a Request', async () => {
      expect(await (await tab.fetch(new Request(url('/echo'), json))).json()).toEqual(echoed({ n: 1 }));
    });

    it('is not repeated when its body was a stream; the next one is answered', async () => {
      const send = () =>
        tab.fetch('/echo', { ...json, body: new Blob(['{"n":1}']).stream(), duplex: 'half' } as RequestInit);
      expect((await send()).status).toBe(401);
      expect(await (await send()).json()).toEqual(echoed({ n: 1 }));
    });
  });

  it('B1: keeps no token in a storage that it does not need, and shows none', async () => {
    await tab.login(alice);
    const { accessToken, refreshToken, ...rest } = browser.storage.state;
    expect(rest).toEqual({ version: expect.any(String), sessionId: expect.any(String) });
    expect([typeof accessToken, typeof refreshToken]).toEqual(
      mode === 'cookie' ? ['undefined', 'undefined'] : ['string', 'string'],
    );
    expect(JSON.stringify(tab)).toBe('{}');
  });
});

describe('the client', () => {
  const [{ platform }] = environments as [(typeof environments)[number]];
  let t: TestApp;
  let baseUrl: string;
  beforeAll(async () => {
    t = await createApp(platform, 'sqlite');
    await t.users.add('alice');
    baseUrl = `http://127.0.0.1:${(t.app.getHttpServer().address() as AddressInfo).port}/auth`;
  });
  afterAll(() => t.close());

  it('sends its tokens to no other origin, and leaves an Authorization header of the caller alone', async () => {
    const received: IncomingHttpHeaders[] = [];
    const foreign = createServer((request, response) => {
      received.push(request.headers);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"code":"token_expired"}');
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => foreign.once('listening', resolve));
      const client = createJwtKnoxClient({ baseUrl, mode: 'bearer' });
      await client.login(alice);
      const address = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`;
      expect((await client.fetch(address)).status).toBe(401);
      expect((await client.fetch(new Request(address, { headers: { 'x-own': '1' } }))).status).toBe(401);
      expect(received.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
      expect(received[1]!['x-own']).toBe('1');
      expect((await client.fetch('/notes', { headers: { authorization: 'Bearer other' } })).status).toBe(401);
      expect((await client.fetch('/notes')).status).toBe(200);
    } finally {
      foreign.close();
    }
  });

  it('keeps its tokens in memory when it is given no storage, with a session of its own', async () => {
    const [one, other] = [1, 2].map(() => createJwtKnoxClient({ baseUrl, mode: 'bearer' }));
    const id = await one!.login(alice);
    expect(await other!.session()).toBeNull();
    await other!.login(alice);
    await other!.logout();
    t.clock.advance('6m');
    expect(await one!.session()).toMatchObject({ id });
  });

  it('says what to write instead when the server answers in the other mode', async () => {
    const client = createJwtKnoxClient({ baseUrl, mode: 'cookie' });
    await expect(client.login(alice)).rejects.toThrow("Use mode: 'bearer'");
  });

  it('is created where a page is rendered, without an origin', () => {
    expect(() => createJwtKnoxClient({ baseUrl: '/auth', mode: 'cookie' })).not.toThrow();
  });

  it('is logged out when the only token that it has expires', async () => {
    const single = await createApp(platform, 'sqlite', { options: { refreshToken: false } });
    try {
      await single.users.add('alice');
      const { port } = single.app.getHttpServer().address() as AddressInfo;
      const client = createJwtKnoxClient({ baseUrl: `http://127.0.0.1:${port}/auth`, mode: 'bearer' });
      const id = await client.login(alice);
      const heard = told(client);
      single.clock.advance('11h');
      expect((await client.fetch('/notes')).status).toBe(401);
      await eventually(() => expect(heard).toEqual([id, null]));
    } finally {
      await single.close();
    }
  });
});
