import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstOf } from '../../test/support/lengths.js';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';
import type { Answer, Message } from './support/http-client.js';

const STRANGERS = 100;
const ENV = { THROTTLE: 'off', PASSWORD_COST: 'normal', HASHING_AT_ONCE: '1' };
const WAITING = 4;

const stranger = (index: number) => ({ username: `stranger${index}`, password: 'a-guess' });

/** Sends logins of strangers all at once. */
function flood(app: AppProcess, count = STRANGERS): Promise<Answer>[] {
  return Array.from({ length: count }, (_, index) => app.http.send('POST', '/auth/login', { json: stranger(index) }));
}

const statusesOf = (answers: Answer[]) => new Set(answers.map(({ status }) => status));
const refusedOf = (answers: Answer[]) => answers.filter(({ status }) => status === 503);

/** What a refusal must be: the code, and when to come again. */
function expectTooBusy(answers: Answer[]): void {
  expect(answers.length).toBeGreaterThan(0);
  for (const { body, headers } of answers) expect([body.code, headers['retry-after']]).toEqual(['too_busy', '1']);
}

describe.each(firstOf(['express', 'fastify'], 1))('many strangers who log in at once, on %s', (adapter) => {
  let app: AppProcess;
  let admin: string;
  beforeAll(async () => {
    app = await AppProcess.start({ ...ENV, HTTP_ADAPTER: adapter, HASHING_WAITING: String(WAITING) });
    admin = (await app.login('admin')).access_token;
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  it('are hashed as far as the limits go and refused beyond, and a user who tries again gets in', async () => {
    const strangers = flood(app);
    const tries: number[] = [];
    while (tries.at(-1) !== 200) {
      const json = { username: 'alice', password: 'alice-password' };
      tries.push((await app.http.send('POST', '/auth/login', { json })).status);
    }
    const answers = await Promise.all(strangers);
    expect(statusesOf(answers)).toEqual(new Set([401, 503]));
    const refused = refusedOf(answers);
    expectTooBusy(refused);
    expect(STRANGERS - refused.length).toBeGreaterThanOrEqual(1 + WAITING);
    expect(new Set(tries.slice(0, -1))).toEqual(new Set(tries.length > 1 ? [503] : []));
  });

  it('do not see by the refusal who has an account', async () => {
    const guess = (username: string) =>
      app.http.send('POST', '/auth/login', { json: { username, password: 'a-guess' } });
    const strangers = flood(app);
    await Promise.race(strangers.map(async (one) => ((await one).status === 503 ? one : new Promise(() => undefined))));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => guess(index % 2 ? 'alice' : 'nobody')));
    const refused = refusedOf(answers);
    expect(refused.length).toBeGreaterThan(10);
    expect(new Set(refused.map(({ text }) => text)).size).toBe(1);
    await Promise.all(strangers);
  });

  it('make new users and password changes wait in the same queue, which are refused beyond it too', async () => {
    const { access_token: token } = await app.login('bob');
    const strangers = flood(app);
    const many = (send: (index: number) => Promise<Answer>) =>
      Promise.all(Array.from({ length: 20 }, (_, i) => send(i)));
    const create = (index: number) =>
      app.http.send('POST', '/users', { token: admin, json: { username: `new${index}`, password: 'a-password' } });
    const change = { current_password: 'not-his-password', new_password: 'another-password' };
    const [created, changed] = await Promise.all([
      many(create),
      many(() => app.http.send('PUT', '/me/password', { token, json: change })),
    ]);
    expectTooBusy(refusedOf(created));
    expectTooBusy(refusedOf(changed));
    for (const { status } of created) expect([201, 503]).toContain(status);
    for (const { status } of changed) expect([403, 503]).toContain(status);
    await Promise.all(strangers);
  });
});

describe.each(firstOf(['express', 'fastify'], 1))(
  'a client that closes its connection while it waits, on %s',
  (adapter) => {
    let app: AppProcess;
    let admin: string;
    beforeAll(async () => {
      app = await AppProcess.start({ ...ENV, HTTP_ADAPTER: adapter, HASHING_WAITING: '1000' });
      admin = (await app.login('admin')).access_token;
    }, START_TIMEOUT);
    afterAll(() => app.stop());

    const create = (username: string, rest: Message = {}) =>
      app.http.send('POST', '/users', { token: admin, json: { username, password: 'a-password' }, ...rest });
    const userOf = (username: string) =>
      app.http.send('PATCH', `/users/${username}`, { token: admin, json: { is_active: true } });

    it('is not hashed for: no user is made and no session started, unlike for one that stays', async () => {
      const strangers = flood(app, 60);
      await Promise.race(strangers);
      const gone = new AbortController();
      const { signal } = gone;
      const closed = [
        create('ghost', { signal }),
        app.http.send('POST', '/auth/login', { json: { username: 'bob', password: 'bob-password' }, signal }),
      ];
      const stays = [create('carol'), app.login('alice')] as const;
      await app.http.send('GET', '/health');
      gone.abort();
      for (const { status } of await Promise.allSettled(closed)) expect(status).toBe('rejected');
      expect((await stays[0]).status).toBe(201);
      expect(await app.accepts((await stays[1]).access_token)).toBe(true);
      expect(statusesOf(await Promise.all(strangers))).toEqual(new Set([401]));
      expect((await userOf('ghost')).status).toBe(404);
      expect((await userOf('bob')).body.last_login_at).toBeNull();
      expect((await userOf('alice')).body.last_login_at).not.toBeNull();
    });
  },
);

describe('control: without a limit on those who wait', () => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await AppProcess.start({ ...ENV, HASHING_WAITING: '1000000' });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  it('all strangers are hashed, and a user waits for most of them', async () => {
    let answered = 0;
    const strangers = flood(app).map((one) => one.finally(() => answered++));
    await Promise.race(strangers);
    await app.login('alice');
    expect(answered).toBeGreaterThan(STRANGERS / 2);
    expect(statusesOf(await Promise.all(strangers))).toEqual(new Set([401]));
  });
});
