import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JwtKnoxSession } from '../../lib/typeorm';
import { sessionRecord } from '../../lib/contracts/session';
import { createApp, type TestApp } from '../support/create-app';
import { createSharedDatabase, databaseKinds, type TestDatabase } from '../support/databases';
import { platforms } from '../support/platforms';

const ROWS = 20_000;
const CHUNK = 800;
const LIMIT = 5;

describe.each(databaseKinds)('a limit that is introduced for a user with 20,000 sessions: %s', (kind) => {
  let database: TestDatabase;
  let evicting: TestApp;
  let rejecting: TestApp;
  let begun: number;

  beforeAll(async () => {
    database = await createSharedDatabase(kind);
    const start = (onLimit: 'reject' | 'evict-oldest') =>
      createApp(platforms[0]!, kind, { database, options: { session: { limitPerUser: LIMIT, onLimit } } });
    [evicting, rejecting] = [await start('evict-oldest'), await start('reject')];
    const userId = String((await evicting.users.add('alice')).id);
    begun = evicting.clock.now();
    const times = { authenticatedAt: begun, expiresAt: begun + 86_400_000, lastUsedAt: begun };
    for (let first = 0; first < ROWS; first += CHUNK) {
      const rows: JwtKnoxSession[] = Array.from({ length: CHUNK }, (_, index) => {
        const createdAt = begun - ROWS + first + index;
        return sessionRecord({ id: randomUUID(), userId, accessDigest: 'a'.repeat(64), createdAt, ...times });
      });
      await evicting.source
        .createQueryBuilder()
        .insert()
        .into(JwtKnoxSession)
        .values(rows)
        .updateEntity(false)
        .execute();
    }
    for (const { clock } of [evicting, rejecting]) clock.set(begun + 1_000);
  });
  afterAll(async () => {
    await evicting.close();
    await rejecting.close();
    await database.drop();
  });

  const count = () => evicting.source.getRepository(JwtKnoxSession).count();

  it('a login that is rejected is so at once, and deletes nothing', async () => {
    rejecting.statements.length = 0;
    const json = { username: 'alice', password: 'alice-password' };
    const { status, body } = await rejecting.http.post('/auth/login', { json });
    expect([status, body.code]).toEqual([403, 'session_limit_reached']);
    expect(rejecting.statements.length).toBeLessThan(10);
    expect(await count()).toBe(ROWS);
  });

  it('a login is answered at once, in a few statements, and the oldest go: a hundred surplus rows at the most', async () => {
    let rows = ROWS;
    for (let login = 0; login < LIMIT - 1; login++) {
      evicting.statements.length = 0;
      const { access_token: token } = await evicting.login();
      expect(evicting.statements.length).toBeLessThan(20);
      expect(await evicting.statusOf(token)).toBe(204);
      // One came; the one whose place it took went, and of those who are too many a hundred.
      rows += 1 - 1 - 100;
      await expect.poll(count).toBe(rows);
      evicting.clock.advance('1s');
    }
    const sessions = evicting.source.getRepository(JwtKnoxSession);
    const [oldest] = await sessions.find({ order: { createdAt: 'ASC' }, take: 1 });
    expect(oldest!.createdAt).toBe(begun - ROWS + (LIMIT - 1) * 101);
  });
});
