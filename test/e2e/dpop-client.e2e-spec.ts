import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, SystemClock } from '../../lib';
import { deviceBinding, type DeviceBindingOptions } from '../../lib/binding';
import { type DpopKeyStore, dpopFetch } from '../../lib/client/dpop.mjs';
import { createJwtKnoxClient } from '../../lib/client/index.mjs';
import { memoryKeys } from '../../lib/client/key-store.mjs';
import { FakeClock } from '../../lib/testing';
import { createApp, environments, NotesController, type TestApp } from '../support/create-app';
import { freePort } from '../host/free-port';

const alice = { username: 'alice', password: 'alice-password' };

describe.each(environments)('the client with DPoP: $title', ({ platform, kind }) => {
  let t: TestApp;
  let baseUrl: string;
  /** What was sent, in order: the path and the scheme of the Authorization header. */
  let sent: string[];
  const start = async (binding: DeviceBindingOptions | null, clock: Clock = new SystemClock()) => {
    const port = await freePort();
    const publicOrigin = `http://127.0.0.1:${port}`;
    baseUrl = `${publicOrigin}/auth`;
    sent = [];
    t = await createApp(platform, kind, {
      port,
      options: { publicOrigin, clock },
      extras: binding ? { features: [deviceBinding({ dbsc: 'off', ...binding })] } : {},
      controllers: [NotesController],
    });
    await t.users.add('alice');
  };
  afterEach(() => t.close());

  const counting: typeof fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : String(input));
    const headers = new Headers(init?.headers);
    sent.push(
      [pathname, headers.get('authorization')?.split(' ')[0], headers.has('dpop') && 'proof'].filter(Boolean).join(' '),
    );
    return fetch(input, init);
  };
  const open = (keys: DpopKeyStore = memoryKeys(), storage?: any) =>
    createJwtKnoxClient({ baseUrl, mode: 'bearer', storage, fetch: dpopFetch({ baseUrl, keys, fetch: counting }) });
  const shared = () => {
    const items = new Map<string, string>();
    return {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
      state: () => JSON.parse([...items].find(([key]) => !key.endsWith(':lock'))![1]),
    };
  };

  it.each(['prefer', 'nonce'] as const)(
    'logs in, asks, proves the password and logs out, with dpop: %s',
    async (dpop) => {
      await start({ dpop });
      const storage = shared();
      const client = open(memoryKeys(), storage);
      const id = await client.login(alice);
      expect((await t.tokens.list('1')).map((one) => [one.id, one.boundKind])).toEqual([[id, 'dpop']]);
      const notes = `${new URL(baseUrl).origin}/notes`;
      expect(await client.fetch(notes).then((answer) => answer.json())).toMatchObject({ sessionId: id });
      await client.reauthenticate(alice.password);
      expect((await client.session())?.id).toBe(id);
      // What another tab copied out of the storage is worth nothing: no proof, no key.
      const { accessToken, refreshToken } = storage.state();
      expect(await t.statusOf(accessToken)).toBe(401);
      const stolen = await t.http.post('/auth/refresh', { json: { refresh_token: refreshToken } });
      expect([stolen.status, stolen.body.code]).toEqual([401, 'binding_required']);
      await client.logout();
      expect(await t.tokens.list('1')).toEqual([]);
      expect(sent.every((one) => one.endsWith('proof'))).toBe(true);
      expect(sent.some((one) => one === '/notes DPoP proof')).toBe(true);
    },
  );

  it('refreshes with a proof when the access token has expired, and repeats the request', async () => {
    const clock = new FakeClock();
    await start({ dpop: 'nonce' }, clock);
    const real = Date.now;
    Date.now = () => clock.now();
    try {
      const client = open();
      const id = await client.login(alice);
      clock.advance('6m');
      expect((await client.session())?.id).toBe(id);
      expect(sent).toContain('/auth/refresh proof');
      expect(t.events.find(({ name }) => name === 'session.refreshed')?.event.session.boundKind).toBe('dpop');
    } finally {
      Date.now = real;
    }
  });

  it('a second tab takes the key of the first, and a request is repeated with its body', async () => {
    await start({ dpop: 'nonce' });
    const [keys, storage] = [memoryKeys(), shared()];
    const id = await open(keys, storage).login(alice);
    const other = open(keys, storage);
    expect((await other.session())?.id).toBe(id);
    const request = new Request(`${baseUrl}/reauthenticate`, {
      method: 'POST', body: JSON.stringify({ password: alice.password }), headers: { 'content-type': 'application/json' },
    }); // prettier-ignore
    const stranger = open(keys, storage);
    expect((await stranger.fetch(request)).status).toBe(200);
    // Its first proof had no nonce: the request was sent twice.
    expect(sent.filter((one) => one.startsWith('/auth/reauthenticate'))).toHaveLength(2);
  });

  it('where nothing is bound, it asks as it always does', async () => {
    await start(null);
    const client = open();
    const id = await client.login(alice);
    expect((await client.session())?.id).toBe(id);
    expect(sent).toEqual(['/auth/login proof', '/auth/session Bearer']);
  });

  it('a clock that is hours apart from that of the server is put right by its answer', async () => {
    await start({});
    const real = Date.now;
    let asked = 0;
    const client = createJwtKnoxClient({
      baseUrl,
      mode: 'bearer',
      fetch: dpopFetch({
        baseUrl,
        fetch: async (input, init) => {
          asked++;
          // The server shares this process: while it works, the clock is right.
          Date.now = real;
          return fetch(input, init).finally(() => (Date.now = () => real() + 3 * 3_600_000));
        },
      }),
    });
    Date.now = () => real() + 3 * 3_600_000;
    try {
      const id = await client.login(alice);
      expect(asked).toBe(2);
      expect((await client.session())?.id).toBe(id);
      expect(asked).toBe(3);
    } finally {
      Date.now = real;
    }
  });

  it('other origins, and tokens of others, are sent as they are', async () => {
    await start({});
    const keys = memoryKeys();
    await open(keys).login(alice);
    const send = dpopFetch({ baseUrl, keys, fetch: counting });
    sent.length = 0;
    await send(`${new URL(baseUrl).origin}/notes/about`, { headers: { authorization: 'Basic eDp5' } });
    await send(`${new URL(baseUrl).origin}/notes`, { headers: { authorization: 'Bearer no.token.atall' } });
    await send(`${new URL(baseUrl).origin}/notes`, { method: 'POST' });
    expect(sent).toEqual(['/notes/about Basic', '/notes Bearer', '/notes']);
  });
});
