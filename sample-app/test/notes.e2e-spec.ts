import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe.each(['express', 'fastify'])('notes on %s', (adapter) => {
  let app: AppProcess;
  let alice: string;
  let bob: string;
  beforeAll(async () => {
    app = await AppProcess.start({ HTTP_ADAPTER: adapter });
    [alice, bob] = [(await app.login('alice')).access_token, (await app.login('bob')).access_token];
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const list = async (token: string) => (await app.http.send('GET', '/notes', { token })).body as { text: string }[];
  const add = (json: unknown, token = alice) => app.http.send('POST', '/notes', { token, json });

  it('are for logged-in users', async () => {
    for (const method of ['GET', 'POST']) {
      const { status, body, headers } = await app.http.send(method, '/notes');
      expect([status, body.code, headers['www-authenticate']]).toEqual([
        401,
        'missing_token',
        'Bearer realm="jwt-knox"',
      ]);
    }
  });

  it("are everybody's own, newest first", async () => {
    const { status, body } = await add({ text: 'Ünïcödé 🗒️' });
    expect(status).toBe(201);
    expect(body).toEqual({ id: expect.any(String), text: 'Ünïcödé 🗒️', created_at: expect.stringMatching(/Z$/) });
    const texts = (await list(alice)).map(({ text }) => text);
    expect(texts).toEqual(['Ünïcödé 🗒️', 'Another note of alice', 'A note of alice']);
    expect((await list(bob)).map(({ text }) => text)).toEqual(['Another note of bob', 'A note of bob']);
  });

  it('S10: refuse whatever is not a text, and are none the more for it', async () => {
    const before = await list(alice);
    const texts = ['', 'a\0b', '\ud800', 7, true, null, undefined, [], ['a'], { a: 1 }, 'x'.repeat(1_001)];
    // Variation selectors, which some counts of characters leave out.
    texts.push('x\ufe0f'.repeat(1_000));
    for (const text of texts) expect([text, (await add({ text })).status]).toEqual([text, 400]);
    for (const json of [[], [{ text: 'a' }], null, 'text', 7, { __proto__: { text: 'a' } }]) {
      expect([json, (await add(json)).status]).toEqual([json, 400]);
    }
    expect(await list(alice)).toEqual(before);
  });

  it('take no owner from the client', async () => {
    const { sub } = JSON.parse(Buffer.from(bob.split('.')[1]!, 'base64url').toString());
    expect((await add({ text: 'Mine', userId: sub, user: { id: sub }, id: sub })).status).toBe(201);
    expect((await list(bob)).map(({ text }) => text)).not.toContain('Mine');
    expect((await list(alice))[0]!.text).toBe('Mine');
  });
});
