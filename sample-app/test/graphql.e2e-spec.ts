import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

describe.each(['express', 'fastify'])('notes by GraphQL, on %s', (adapter) => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ HTTP_ADAPTER: adapter, GRAPHQL: 'on' });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  const ask = async (query: string, token?: string) =>
    (await app.http.send('POST', '/graphql', { json: { query }, ...(token !== undefined && { token }) })).body;
  const codeOf = ({ errors }: any) => errors?.[0]?.extensions?.code;

  it('are for logged-in users, and the same as at /notes', async () => {
    for (const query of ['{ me }', '{ notes { text } }', 'mutation { addNote(text: "x") { id } }'])
      expect([query, codeOf(await ask(query))]).toEqual([query, 'missing_token']);
    const { access_token: token } = await app.login('alice');
    const added = await ask('mutation { addNote(text: "By GraphQL") { id text createdAt } }', token);
    expect(added.data.addNote).toMatchObject({ text: 'By GraphQL', createdAt: expect.stringMatching(/Z$/) });
    const { data } = await ask('{ me notes { id text } }', token);
    expect([data.me, data.notes[0]]).toEqual(['alice', { id: added.data.addNote.id, text: 'By GraphQL' }]);
    const rest = (await app.http.send('GET', '/notes', { token })).body;
    expect(rest.map(({ id, text }: any) => ({ id, text }))).toEqual(data.notes);
    const { access_token: bob } = await app.login('bob');
    expect(JSON.stringify(await ask('{ notes { text } }', bob))).not.toContain('By GraphQL');
  });

  it('a token for a program may do what its scopes say, and no text is added that is none', async () => {
    const { access_token: token } = await app.login('alice');
    const order = { name: 'Backup', scopes: ['notes:read'], expires_in: 3_600, password: 'alice-password' };
    const { token: program } = (await app.http.send('POST', '/auth/tokens', { token, json: order })).body;
    const before = (await ask('{ notes { id } }', program)).data.notes;
    expect(codeOf(await ask('mutation { addNote(text: "x") { id } }', program))).toBe('insufficient_scope');
    for (const text of ['', 'x'.repeat(1_001)])
      expect((await ask(`mutation { addNote(text: "${text}") { id } }`, token)).errors).toHaveLength(1);
    expect((await ask('{ notes { id } }', token)).data.notes).toEqual(before);
  });

  it('a subscription brings new notes of its user, and ends with the session', async () => {
    const [{ access_token: token }, other, { access_token: bob }] = [
      await app.login('alice'),
      await app.login('alice'),
      await app.login('bob'),
    ];
    const url = `${app.url.replace('http', 'ws')}/graphql`;
    const client = (authorization: string): Client =>
      createClient({ url, webSocketImpl: WebSocket, connectionParams: { authorization }, retryAttempts: 0 });
    const refused = await told(client('Bearer nonsense'), () => undefined);
    expect(refused).toMatchObject({ code: 4401 });
    const live = client(`Bearer ${other.access_token}`);
    const heard: string[] = [];
    const over = told(live, (text) => heard.push(text));
    // Until it listens, what is added is none of its business.
    const add = (text: string, by: string) => app.http.send('POST', '/notes', { token: by, json: { text } });
    await expect.poll(async () => (await add('Ready?', token), heard.length), { timeout: 10_000 }).toBeGreaterThan(0);
    await add("Bob's", bob);
    await ask('mutation { addNote(text: "By GraphQL") { id } }', token);
    await expect.poll(() => heard).toContain('By GraphQL');
    expect(heard).not.toContain("Bob's");
    await app.http.send('DELETE', `/auth/sessions/${other.session_id}`, { token });
    expect(await over).toMatchObject({ code: 4403, reason: 'session_ended' });
  });
});

describe('without GRAPHQL=on', () => {
  it('there is no such route', async () => {
    const app = await AppProcess.start();
    try {
      const { access_token: token } = await app.login('alice');
      expect((await app.http.send('POST', '/graphql', { token, json: { query: '{ me }' } })).status).toBe(404);
    } finally {
      await app.stop();
    }
  });
});

/** Subscribes; resolves with why that is over. */
function told(client: Client, hear: (text: string) => void): Promise<unknown> {
  return new Promise((resolve) => {
    const next = ({ data }: any) => hear(data.noteAdded.text);
    const query = 'subscription { noteAdded { text } }';
    client.subscribe({ query }, { next, error: resolve, complete: () => resolve('complete') });
  });
}
