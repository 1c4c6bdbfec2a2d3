import { deepStrictEqual as deepEqual, equal, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { SessionRecord } from '../contracts/session';
import type { Rotation, SessionRepository } from '../contracts/session.repository';

/** One promise of the contract. `newRecord` makes a session of the first user, with the changes given. */
export type ContractCase = (
  repository: SessionRepository,
  newRecord: (change?: Partial<SessionRecord>) => SessionRecord,
  users: string[],
) => Promise<void>;

/** The present of all cases, epoch ms. */
export const T = 1_764_000_000_000;
export const HOUR = 3_600_000;

/** A rotation of this session to the next generation. */
export function rotationOf(record: SessionRecord, at: number): Rotation {
  const previousRefreshDigest = record.refreshDigest!;
  return {
    refreshDigest: 'c'.repeat(64),
    previousRefreshDigest,
    refreshSalt: 'd'.repeat(64),
    rotationKeyDigest: 'e'.repeat(64),
    generation: 1,
    at,
    expiresAt: T + 2 * HOUR,
    lastUserAgent: 'Firefox',
    lastIpAddress: '192.0.2.1',
  };
}

/** How many of the calls answered true. */
export async function wins(calls: Promise<boolean>[]): Promise<number> {
  return (await Promise.all(calls)).filter(Boolean).length;
}

/** What every repository promises of sessions, by the title of its test. */
export const SESSION_CASES: Record<string, ContractCase> = {
  'gives back every member as it was written': async (repository, newRecord) => {
    const full = newRecord({
      kind: 'impersonation',
      previousAccessDigest: '9'.repeat(64),
      accessSalt: '8'.repeat(64),
      accessKeyAt: T - 1,
      accessKeyIndex: 4,
      previousRefreshDigest: 'a'.repeat(64),
      refreshSalt: 'b'.repeat(64),
      rotationKeyDigest: 'c'.repeat(64),
      rotatedAt: T + 5,
      generation: 7,
      idleTimeout: HOUR,
      maxExpiresAt: T + 9 * HOUR,
      lastUserAgent: 'Safari 🧭',
      lastIpAddress: '192.0.2.7',
      scopes: 'orders:read orders:write',
      audience: 'billing',
      acr: 'urn:example:strong',
      amr: 'pwd otp',
      actorId: 'staff-1',
      actorRealm: 'staff',
      actorSessionId: randomUUID(),
      claims: { color: 'réd', list: [1, { deep: null }] },
      boundKind: 'dpop',
      boundKey: '{"kty":"EC"}',
      boundKeyThumbprint: 'thumb',
      boundAt: T + 1,
      boundProofAt: T + 2,
      boundRefusedAt: T + 3,
      slot: 3,
    });
    const bare = newRecord({ refreshDigest: null, userAgent: null, ipAddress: null, deviceName: null });
    for (const record of [full, bare]) {
      equal(await repository.insert(record), true);
      deepEqual((await repository.findById(record.id))?.record, record);
      equal(await repository.spellingOf(record.userId), record.userId);
    }
  },

  'finds nothing under an unknown id': async (repository, newRecord) => {
    await repository.insert(newRecord());
    equal(await repository.findById(randomUUID()), null);
  },

  'holds moments far in the future exactly': async (repository, newRecord) => {
    const record = newRecord({ expiresAt: 253_402_300_799_999 });
    await repository.insert(record);
    equal((await repository.findById(record.id))?.record.expiresAt, 253_402_300_799_999);
  },

  'lists the sessions of one user, newest first, page by page': async (repository, newRecord, users) => {
    const mine = [3, 1, 2, 2].map((offset) => newRecord({ createdAt: T + offset }));
    for (const record of [...mine, newRecord({ userId: users[1]! })]) await repository.insert(record);
    const sorted = mine
      .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      .map((record) => record.id);
    const ids = async (...query: Parameters<SessionRepository['findByUser']>) =>
      (await repository.findByUser(...query)).map((row) => row.id);
    deepEqual(await ids(users[0]!), sorted);
    deepEqual(await ids(users[0]!, { limit: 2 }), sorted.slice(0, 2));
    deepEqual(await ids(users[0]!, { before: { createdAt: T + 2, id: sorted[1]! } }), sorted.slice(2));
    deepEqual(await ids(users[0]!, { before: { createdAt: T + 2 } }), sorted.slice(3));
    deepEqual(await ids(users[2]!), []);
  },

  'leaves out what has expired, when asked to': async (repository, newRecord, users) => {
    const [dead, alive] = [newRecord({ expiresAt: T }), newRecord({ expiresAt: T + 1 })];
    await repository.insert(dead);
    await repository.insert(alive);
    deepEqual(
      (await repository.findByUser(users[0]!, { aliveAt: T })).map((row) => row.id),
      [alive.id],
    );
    equal((await repository.findByUser(users[0]!)).length, 2);
  },

  'leaves out what is idle, when asked to': async (repository, newRecord, users) => {
    const single = { refreshDigest: null, idleTimeout: HOUR, lastUsedAt: T };
    const idle = newRecord(single);
    const others = [
      newRecord({ ...single, lastUsedAt: T + 1 }),
      newRecord({ ...single, idleTimeout: HOUR + 1 }),
      newRecord({ ...single, idleTimeout: null }),
      newRecord({ idleTimeout: HOUR, lastUsedAt: T }),
    ];
    for (const record of [idle, ...others]) await repository.insert(record);
    const found = await repository.findByUser(users[0]!, { idleAt: T + HOUR });
    deepEqual(new Set(found.map((row) => row.id)), new Set(others.map((row) => row.id)));
  },

  'gives a slot to one session only': async (repository, newRecord, users) => {
    equal(await wins(Array.from({ length: 8 }, () => repository.insert(newRecord({ slot: 1 })))), 1);
    equal(await repository.insert(newRecord({ slot: 2 })), true);
    equal(await repository.insert(newRecord({ slot: 1, userId: users[1]! })), true);
    equal(await wins(Array.from({ length: 3 }, () => repository.insert(newRecord({ slot: null })))), 3);
  },

  'rotates once, and only from the presented key': async (repository, newRecord) => {
    const record = newRecord();
    await repository.insert(record);
    const rotation = rotationOf(record, T + 60);
    equal(await repository.rotate(record.id, 'e'.repeat(64), rotation), false);
    equal(
      await wins(Array.from({ length: 8 }, () => repository.rotate(record.id, record.refreshDigest!, rotation))),
      1,
    );
    const { at, ...change } = rotation;
    deepEqual((await repository.findById(record.id))?.record, { ...record, ...change, rotatedAt: at, lastUsedAt: at });
  },

  'rotates no row that has expired or is gone': async (repository, newRecord) => {
    const record = newRecord();
    const rotation = rotationOf(record, T + HOUR);
    equal(await repository.rotate(record.id, record.refreshDigest!, rotation), false);
    await repository.insert(record);
    equal(await repository.rotate(record.id, record.refreshDigest!, rotation), false);
    equal(await repository.rotate(record.id, record.refreshDigest!, { ...rotation, at: T + HOUR - 1 }), true);
  },

  'moves the last use forward, never back': async (repository, newRecord) => {
    const record = newRecord();
    await repository.insert(record);
    await repository.touch(record.id, 0, T + 50);
    await repository.touch(record.id, 0, T + 20);
    await repository.touch(record.id, 1, T + 90);
    deepEqual((await repository.findById(record.id))?.record, { ...record, lastUsedAt: T + 50 });
  },

  'renames the device of a session of this user, and changes nothing else': async (repository, newRecord, users) => {
    const record = newRecord({ deviceName: 'Phone' });
    await repository.insert(record);
    equal(await repository.rename(record.id, users[1]!, 'Stolen'), false);
    equal(await repository.rename(randomUUID(), users[0]!, 'Lost'), false);
    deepEqual((await repository.findById(record.id))?.record, record);
    for (const deviceName of ['Téléphone 📱', 'Téléphone 📱', null]) {
      equal(await repository.rename(record.id, users[0]!, deviceName), true);
      deepEqual((await repository.findById(record.id))?.record, { ...record, deviceName });
    }
  },

  'deletes one session, once, and only under the conditions given': async (repository, newRecord, users) => {
    const record = newRecord({ generation: 2 });
    await repository.insert(record);
    equal(await repository.deleteById(record.id, { userId: users[1]! }), false);
    equal(await repository.deleteById(record.id, { generation: 1 }), false);
    ok(await repository.findById(record.id));
    equal(
      await wins(
        Array.from({ length: 6 }, () => repository.deleteById(record.id, { userId: users[0]!, generation: 2 })),
      ),
      1,
    );
    equal(await repository.findById(record.id), null);
  },

  'deletes what was created before a moment': async (repository, newRecord) => {
    const [early, late] = [newRecord({ createdAt: T - 1 }), newRecord({ createdAt: T })];
    await repository.insert(early);
    await repository.insert(late);
    equal(await repository.deleteCreatedBefore(T), 1);
    ok(await repository.findById(late.id));
  },

  'purges expired sessions in batches, two purgers at once': async (repository, newRecord) => {
    for (let i = 0; i < 10; i++) await repository.insert(newRecord({ expiresAt: T - i }));
    const alive = newRecord({ expiresAt: T + 1 });
    await repository.insert(alive);
    equal(await repository.deleteExpired(T, 4), 4);
    const counts = await Promise.all([repository.deleteExpired(T, 100), repository.deleteExpired(T, 100)]);
    const rest = await repository.deleteExpired(T, 100);
    equal(counts[0] + counts[1] + rest, 6);
    deepEqual(
      (await repository.findByUser(alive.userId)).map((row) => row.id),
      [alive.id],
    );
  },

  'counts sessions, users and user agents': async (repository, newRecord, users) => {
    const empty = await repository.statistics(T);
    deepEqual(empty, {
      users: { all: 0, active: 0, expired: 0 },
      sessions: { all: 0, active: 0, expired: 0 },
      maxActivePerUser: 0,
      byUserAgent: [],
    });
    const rows = [
      newRecord({ userAgent: 'a' }),
      newRecord({ userAgent: 'a' }),
      newRecord({ userAgent: null, expiresAt: T }),
      newRecord({ userAgent: 'b', userId: users[1]! }),
      newRecord({ userAgent: 'b', userId: users[2]!, expiresAt: T - 1 }),
    ];
    for (const row of rows) await repository.insert(row);
    deepEqual(await repository.statistics(T), {
      users: { all: 3, active: 2, expired: 2 },
      sessions: { all: 5, active: 3, expired: 2 },
      maxActivePerUser: 2,
      byUserAgent: [
        { userAgent: 'a', active: 2 },
        { userAgent: 'b', active: 1 },
      ],
    });
    equal((await repository.statistics(T, users[1]!)).sessions.all, 1);
  },
};
