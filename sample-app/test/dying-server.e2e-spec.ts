import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, databaseKinds, type TestDatabase } from '../../test/support/databases.js';
import { AppProcess, MAIN, START_TIMEOUT } from './support/app-process.js';
import { DyingServer } from './support/dying-server.js';

describe.runIf(databaseKinds.includes('postgres'))('a PostgreSQL server that dies', () => {
  let database: TestDatabase;
  let server: DyingServer;
  let app: AppProcess;

  beforeAll(() => AppProcess.build(), START_TIMEOUT);
  beforeEach(async () => {
    database = await createDatabase('postgres');
    server = new DyingServer(new URL((database.options as { url: string }).url));
    app = await AppProcess.start({ DATABASE_URL: await server.open() }, MAIN);
  });
  afterEach(async () => {
    await app.stop();
    server.close();
    await database.drop();
  });

  it('while connections come up does not take the application with it', async () => {
    const { access_token: token } = await app.login('alice');
    server.isDying = true;
    // More at once than there are connections, so that new ones are made.
    const verify = () => app.http.send('GET', '/auth/verify', { token });
    for (let wave = 0; wave < 5; wave++) {
      for (const { status } of await Promise.all(Array.from({ length: 30 }, verify)))
        expect([204, 503]).toContain(status);
    }
    expect(server.ended).toBeGreaterThan(0);
    server.isDying = false;
    await expect.poll(async () => (await verify()).status).toBe(204);
  });
});
