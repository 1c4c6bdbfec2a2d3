import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { KnoxSession } from '../../lib';
import { sessionRecord } from '../../lib/contracts/session';
import { createApp, type TestApp } from '../support/create-app';
import { databaseKinds } from '../support/databases';
import { platforms } from '../support/platforms';

const ROWS = 20_000;
const CHUNK = 800;
const LIMIT = 5;

describe.each(databaseKinds)('a limit that is introduced for a user with 20,000 sessions: %s', (kind) => {
  let t: TestApp;
  let userId: string;

  async function start(onLimit: 'reject' | 'evict-oldest'): Promise<void> {
    t = await createApp(platforms[0]!, kind, { options: { session: { limitPerUser: LIMIT, onLimit } } });
    userId = String((await t.users.add('alice')).id);
    const now = t.clock.now();
    const times = { authenticatedAt: now, expiresAt: now + 86_400_000, lastUsedAt: now };
    for (let first = 0; first < ROWS; first += CHUNK) {
      const rows: KnoxSession[] = Array.from({ length: CHUNK }, (_, index) => {
        const createdAt = now - ROWS + first + index;
        return sessionRecord({ id: randomUUID(), userId, accessDigest: 'a'.repeat(64), createdAt, ...times });
      });
      await t.source.createQueryBuilder().insert().into(KnoxSession).values(rows).updateEntity(false).execute();
    }
    t.statements.length = 0;
    t.clock.advance('1s');
  }
  afterEach(() => t.close());

  const count = () => t.source.getRepository(KnoxSession).count();

  it('a login is answered at once, in a few statements, and deletes a hundred surplus rows at the most', async () => {
    await start('evict-oldest');
    let rows = ROWS;
    for (let login = 0; login < LIMIT - 1; login++) {
      const { access_token: token } = await t.login();
      const answered = t.statements.length;
      expect(await t.statusOf(token)).toBe(204);
      expect(answered).toBeLessThan(20);
      // One came; the one whose place it took went, and of those who are too many a hundred.
      rows += 1 - 1 - 100;
      await expect.poll(count).toBe(rows);
      t.statements.length = 0;
      t.clock.advance('1s');
    }
  });

  it('the newest sessions stay, and the oldest go first', async () => {
    await start('evict-oldest');
    await t.login();
    await expect.poll(count).toBe(ROWS - 100);
    const [oldest] = await t.source.getRepository(KnoxSession).find({ order: { createdAt: 'ASC' }, take: 1 });
    expect(oldest!.createdAt).toBe(t.clock.now() - 1_000 - ROWS + 101);
  });

  it('a login that is rejected is so at once, and deletes nothing', async () => {
    await start('reject');
    const json = { username: 'alice', password: 'alice-password' };
    const { status, body } = await t.http.post('/auth/login', { json });
    expect([status, body.code]).toEqual([403, 'session_limit_reached']);
    expect(t.statements.length).toBeLessThan(10);
    expect(await count()).toBe(ROWS);
  });
});
