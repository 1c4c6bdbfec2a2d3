import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sessionRecord } from '../../../lib';
import { SessionMemory } from '../../../lib/cache/session-memory';

const counts = { hits: 0, misses: 0, fills: 0, spoiled: 0, connects: 0, losses: 0 };

/** What a replica answers may be from before a change. */
describe('users whose reads may go to replicas', () => {
  let now: number;
  let memory: SessionMemory;
  beforeEach(() => {
    now = 1_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    memory = new SessionMemory({ maxEntries: 2, maxAge: 60_000, userRest: 5_000 }, counts);
    return () => vi.restoreAllMocks();
  });

  const isKept = async (id: string) => {
    await memory.readUser(id, async () => id, (user) => ({ user, validSince: null }) as never); // prettier-ignore
    return memory.user(id) !== undefined;
  };

  it.each<[string, () => void]>([
    ['a change of theirs', () => memory.forgetUser('1')],
    ['what may have been missed', () => memory.forgetAll()],
    ['more changes than are remembered', () => ['1', '2', '3'].forEach((id) => memory.forgetUser(id))],
  ])('are not kept again within that time after %s', async (_what, happens) => {
    expect(await isKept('1')).toBe(false);
    now += 5_000;
    expect(await isKept('1')).toBe(true);
    happens();
    expect(await isKept('1')).toBe(false);
    now += 4_999;
    expect(await isKept('1')).toBe(false);
    now += 1;
    expect(await isKept('1')).toBe(true);
  });

  it('are kept at once where there are none', async () => {
    memory = new SessionMemory({ maxEntries: 2, maxAge: 60_000, userRest: 0 }, counts);
    memory.forgetUser('1');
    expect(await isKept('1')).toBe(true);
  });
});

describe("the end of a user's sessions that nobody listed", () => {
  let now: number;
  let memory: SessionMemory;
  beforeEach(() => {
    now = 1_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    memory = new SessionMemory({ maxEntries: 4, maxAge: 60_000, userRest: 0 }, { ...counts });
    now += 1;
    return () => vi.restoreAllMocks();
  });

  const rowOf = (id: string, userId: string) => {
    const keys = { accessDigest: 'a'.repeat(64), refreshDigest: 'b'.repeat(64) };
    const times = { createdAt: 1, authenticatedAt: 1, expiresAt: 1e12, lastUsedAt: 1 };
    return { record: sessionRecord({ id, userId, ...keys, ...times, userAgent: null }) };
  };
  /** Keeps what is read of a session; something happens meanwhile. */
  const read = (id: string, userId: string, meanwhile: () => void = () => undefined) =>
    memory.readSession(id, async () => {
      now += 1;
      meanwhile();
      now += 1;
      return rowOf(id, userId) as never;
    });
  const end = (userId: string) => memory.forgetScope({ realm: '', userId });
  const kept = () => ['a', 'b', 'c', 'd'].filter((id) => memory.session(id)).join('');

  it('forgets what was read of them before, and keeps what is read after it', async () => {
    for (const [id, userId] of [
      ['a', '1'],
      ['b', '1'],
      ['c', '2'],
    ] as const)
      await read(id, userId);
    now += 1;
    end('1');
    expect(kept()).toBe('c');
    now += 1;
    await read('a', '1');
    expect(kept()).toBe('ac');
  });

  it('forgets what is being read of them, and nothing else: whose a row is, is known when it is there', async () => {
    await read('a', '1', () => end('1'));
    await read('b', '2', () => end('1'));
    expect(kept()).toBe('b');
    await read('a', '1');
    expect(kept()).toBe('ab');
  });

  it('takes a read of the same moment for one from before it', async () => {
    end('1');
    await memory.readSession('a', async () => rowOf('a', '1') as never);
    expect(kept()).toBe('');
  });

  it('forgets all, where more users are ended than are remembered', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await read(id, `of ${id}`);
    for (const userId of ['1', '2', '3', '4']) end(userId);
    expect(kept()).toBe('abcd');
    now += 1;
    end('5');
    expect(kept()).toBe('');
  });

  it('remembers no user for longer than something is kept, and forgets nobody for that', async () => {
    for (const userId of ['1', '2', '3', '4']) end(userId);
    now += 60_001;
    await read('a', 'another');
    now += 1;
    end('5');
    expect(kept()).toBe('a');
  });

  it('forgets all where it is about all users', async () => {
    await read('a', '1');
    memory.forgetScope({ realm: '', createdBefore: 2 });
    expect(kept()).toBe('');
  });
});
