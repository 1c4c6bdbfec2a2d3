import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseKinds } from '../../test/support/databases.js';
import { sampleDatabase } from './support/sample-database.js';
import { AppProcess, MAIN, START_TIMEOUT } from './support/app-process.js';

describe.each(databaseKinds)('two processes on one database: %s', (kind) => {
  const running: AppProcess[] = [];
  let env: Record<string, string>;
  let drop: () => Promise<void> | void;

  // The tests run what is built: in start.mjs one process would wait for the other.
  beforeAll(() => AppProcess.build(), START_TIMEOUT);
  beforeEach(async () => {
    ({ env, drop } = await sampleDatabase(kind));
  });
  afterEach(async () => {
    await stopAll();
    await drop();
  });

  const startTwo = async () => {
    const starts = await Promise.allSettled([AppProcess.start(env, MAIN), AppProcess.start(env, MAIN)]);
    running.push(...starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    for (const one of starts) if (one.status === 'rejected') throw one.reason;
    return running as [AppProcess, AppProcess];
  };
  const stopAll = () => Promise.all(running.splice(0).map((app) => app.stop()));

  it('both come up at once in an empty database, each user seeded once', async () => {
    const [one, two] = await startTwo();
    expect(one.url).not.toBe(two.url);
    for (const username of ['alice', 'bob', 'admin']) {
      const { access_token: token } = await one.login(username);
      expect((await two.http.send('GET', '/notes', { token })).body).toHaveLength(2);
    }
  });

  it('share sessions: what one starts or ends, the other knows at once', async () => {
    const [one, two] = await startTwo();
    const { access_token: token } = await one.login('alice');
    expect(await two.accepts(token)).toBe(true);
    expect((await two.http.send('POST', '/auth/logout', { token })).status).toBe(204);
    expect(await one.accepts(token)).toBe(false);
  });

  it('keep users, notes and sessions over a restart, and bring no deleted user back', async () => {
    const [first] = await startTwo();
    const { access_token: token } = await first.login('alice');
    await first.http.send('POST', '/notes', { token, json: { text: 'Still here 🗒️' } });
    const { access_token: admin } = await first.login('admin');
    await first.http.send('DELETE', '/users/bob', { token: admin });
    await stopAll();

    const [again] = await startTwo();
    expect((await again.http.send('GET', '/notes', { token })).body[0].text).toBe('Still here 🗒️');
    await expect(again.login('bob')).rejects.toThrow('401');
  });
});

describe('two `npm start` at once', () => {
  it('both listen, on ports of their own', async () => {
    const [one, two] = await Promise.all([AppProcess.start(), AppProcess.start()]);
    try {
      expect(one.url).not.toBe(two.url);
      for (const app of [one, two]) expect(await app.accepts((await app.login('alice')).access_token)).toBe(true);
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  });
});
