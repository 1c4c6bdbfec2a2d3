import { deepStrictEqual as deepEqual, equal, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type ContractCase, HOUR, rotationOf, T, wins } from './session-repository.cases';

/** The access key after the first one. */
const STATE = {
  accessDigest: '1'.repeat(64),
  previousAccessDigest: '0'.repeat(64),
  accessSalt: '2'.repeat(64),
  accessKeyAt: T + 60,
  accessKeyIndex: 1,
};

/** What every repository promises of keys, places under a limit, and fences, by the title of its test. */
export const KEY_CASES: Record<string, ContractCase> = {
  'changes the access key with a rotation': async (repository, newRecord) => {
    const record = newRecord({ accessKeyIndex: 0, accessKeyAt: T });
    await repository.insert(record);
    const { at, ...rotation } = { ...rotationOf(record, T + 60), ...STATE };
    const other = { at, ...rotation, replaces: '7'.repeat(64) };
    equal(await repository.rotate(record.id, record.refreshDigest!, other), false);
    const change = { at, ...rotation, replaces: record.accessDigest };
    equal(await repository.rotate(record.id, record.refreshDigest!, change), true);
    deepEqual((await repository.findById(record.id))?.record, {
      ...record,
      ...rotation,
      rotatedAt: at,
      lastUsedAt: at,
    });
  },

  'changes the access key once, and only the key that was read': async (repository, newRecord) => {
    for (const accessKeyIndex of [0, null]) {
      const record = newRecord({ accessKeyIndex });
      await repository.insert(record);
      const change = { ...STATE, replaces: record.accessDigest };
      // New keys after a proof of credentials have the index of the first ones.
      equal(await repository.moveAccessKey(record.id, { ...change, replaces: '7'.repeat(64) }), false);
      equal(await wins(Array.from({ length: 6 }, () => repository.moveAccessKey(record.id, change))), 1);
      deepEqual((await repository.findById(record.id))?.record, { ...record, ...STATE });
    }
    const dead = newRecord({ accessKeyIndex: 0, expiresAt: T + 60 });
    await repository.insert(dead);
    equal(await repository.moveAccessKey(dead.id, { ...STATE, replaces: dead.accessDigest }), false);
    equal(await repository.moveAccessKey(randomUUID(), { ...STATE, replaces: dead.accessDigest }), false);
  },

  'gives new keys once, to a living session of the generation that was read': async (repository, newRecord) => {
    const given = {
      previousRefreshDigest: 'a'.repeat(64),
      refreshSalt: 'b'.repeat(64),
      rotationKeyDigest: 'c'.repeat(64),
    };
    const record = newRecord({ ...given, generation: 3, rotatedAt: T, previousAccessDigest: 'd'.repeat(64) });
    await repository.insert(record);
    const keys = { ...STATE, accessKeyIndex: 0, previousAccessDigest: null, refreshDigest: '4'.repeat(64) };
    const renewal = { ...keys, generation: 4, authenticatedAt: T + 70, expiresAt: T + 3 * HOUR };
    equal(await repository.renewKeys(record.id, { ...renewal, generation: 5, at: T + 60 }), false);
    equal(await repository.renewKeys(record.id, { ...renewal, at: T + HOUR }), false);
    const calls = Array.from({ length: 6 }, () => repository.renewKeys(record.id, { ...renewal, at: T + 60 }));
    equal(await wins(calls), 1);
    const gone = { previousRefreshDigest: null, refreshSalt: null, rotationKeyDigest: null, rotatedAt: null };
    deepEqual((await repository.findById(record.id))?.record, { ...record, ...renewal, ...gone, lastUsedAt: T + 60 });
  },

  'changes no access key of keys that were renewed meanwhile': async (repository, newRecord) => {
    const record = newRecord({ accessKeyIndex: 0 });
    await repository.insert(record);
    const keys = { ...STATE, accessDigest: '5'.repeat(64), accessKeyIndex: 0, previousAccessDigest: null };
    const renewal = { ...keys, refreshDigest: '4'.repeat(64), generation: 1, authenticatedAt: T, expiresAt: T + HOUR };
    equal(await repository.renewKeys(record.id, { ...renewal, at: T + 60 }), true);
    equal(await repository.moveAccessKey(record.id, { ...STATE, replaces: record.accessDigest }), false);
    equal((await repository.findById(record.id))?.record.accessDigest, keys.accessDigest);
  },

  'finds the logins in slots, and the oldest living ones without': async (repository, newRecord, users) => {
    const seated = [newRecord({ slot: 1 }), newRecord({ slot: 2, expiresAt: T })];
    const loose = [4, 1, 3, 2].map((age) => newRecord({ createdAt: T - age, slot: age === 3 ? 9 : null }));
    const others = [
      newRecord({ expiresAt: T }),
      newRecord({ kind: 'program', slot: 1 }),
      newRecord({ userId: users[1]!, slot: 1 }),
    ];
    for (const record of [...seated, ...loose, ...others]) await repository.insert(record);
    const found = await repository.findSlots(users[0]!, { limit: 2, aliveAt: T, most: 3 });
    const oldest = loose.toSorted((a, b) => a.createdAt - b.createdAt).slice(0, 3);
    const byId = (rows: { id: string }[]) => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    deepEqual(byId(found), byId([...seated, ...oldest]));
    deepEqual(await repository.findSlots(users[2]!, { limit: 2, aliveAt: T, most: 3 }), []);
  },

  'ends a session in its slot once, and frees the slot': async (repository, newRecord) => {
    for (const slot of [1, null]) {
      const record = newRecord({ slot });
      await repository.insert(record);
      equal(await repository.vacate(record.id, 2), false);
      equal(await wins(Array.from({ length: 6 }, () => repository.vacate(record.id, slot))), 1);
      deepEqual((await repository.findById(record.id))?.record, { ...record, slot: null, expiresAt: 0 });
      equal(await repository.rotate(record.id, record.refreshDigest!, rotationOf(record, T - HOUR)), false);
      if (slot !== null) equal(await repository.insert(newRecord({ slot })), true);
    }
  },

  'ends an expired session in its slot only while it is expired': async (repository, newRecord) => {
    const record = newRecord({ slot: 1, expiresAt: T + 10 });
    await repository.insert(record);
    equal(await repository.vacate(record.id, 1, T + 9), false);
    equal(await repository.vacate(record.id, 1, T + 10), true);
  },

  'reinstates what was ended, unless its slot is taken': async (repository, newRecord) => {
    const [first, second] = [newRecord({ slot: 1 }), newRecord({ slot: 2 })];
    for (const record of [first, second]) {
      await repository.insert(record);
      equal(await repository.reinstate(record.id, record.slot, record.expiresAt), false);
      equal(await repository.vacate(record.id, record.slot), true);
    }
    equal(await wins([1, 2, 3].map(() => repository.reinstate(first.id, 1, first.expiresAt))), 1);
    deepEqual((await repository.findById(first.id))?.record, first);
    await repository.insert(newRecord({ slot: 2 }));
    equal(await repository.reinstate(second.id, 2, second.expiresAt), false);
    await repository.deleteById(second.id);
    equal(await repository.reinstate(second.id, 3, second.expiresAt), false);
  },

  'deletes surplus sessions, and none that has taken a slot': async (repository, newRecord, users) => {
    const rows = [
      newRecord({ slot: 1 }),
      newRecord({ slot: 6 }),
      newRecord(),
      newRecord(),
      newRecord({ userId: users[1]! }),
    ];
    for (const record of rows) await repository.insert(record);
    const ids = rows.filter((_, index) => index !== 3).map(({ id }) => id);
    equal(await repository.deleteSurplus(users[0]!, ids, 5), 2);
    equal(await repository.deleteSurplus(users[0]!, [], 5), 0);
    const left = (await repository.findByUser(users[0]!)).map(({ id }) => id);
    deepEqual(left.toSorted(), [rows[0]!.id, rows[3]!.id].toSorted());
    ok(await repository.findById(rows[4]!.id));
  },

  'finds the users with more living logins than the limit': async (repository, newRecord, users) => {
    for (let i = 0; i < 3; i++) await repository.insert(newRecord());
    for (let i = 0; i < 3; i++)
      await repository.insert(newRecord({ userId: users[1]!, kind: i ? 'login' : 'program' }));
    for (let i = 0; i < 3; i++) await repository.insert(newRecord({ userId: users[2]!, expiresAt: T + i }));
    deepEqual(await repository.findCrowded(2, T, 10), [users[0]!]);
    deepEqual(await repository.findCrowded(2, T + HOUR, 10), []);
    equal((await repository.findCrowded(1, T, 2)).length, 2);
  },

  'fences what arrived before a raise, of this scope only': async (repository) => {
    const before = await repository.readCounter();
    equal(await repository.isFenced(['user', '*'], before), false);
    await repository.raiseFence('user');
    const after = await repository.readCounter();
    ok(after > before);
    equal(await repository.isFenced(['user', '*'], before), true);
    equal(await repository.isFenced(['user', '*'], after), false);
    equal(await repository.isFenced(['other', '*'], before), false);
    await repository.raiseFence('*');
    equal(await repository.isFenced(['other', '*'], after), true);
  },

  'never lowers a fence, however many are raised at once': async (repository) => {
    const before = await repository.readCounter();
    await Promise.all(Array.from({ length: 12 }, (_, i) => repository.raiseFence(i % 2 ? 'user' : 'other')));
    equal(await repository.readCounter(), before + 12);
    await repository.raiseFence('user');
    equal(await repository.isFenced(['user'], before + 12), true);
  },
  'prolongs a row by its refresh key, and changes nothing else': async (repository, newRecord) => {
    const record = newRecord();
    await repository.insert(record);
    const to = { expiresAt: T + 2 * HOUR, at: T + 60_000 };
    equal(await repository.prolong(record.id, 'e'.repeat(64), to), false);
    equal(await repository.prolong(record.id, record.refreshDigest!, { ...to, at: record.expiresAt }), false);
    deepEqual((await repository.findById(record.id))?.record, record);
    equal(await repository.prolong(record.id, record.refreshDigest!, to), true);
    const prolonged = { ...record, expiresAt: to.expiresAt, lastUsedAt: to.at };
    deepEqual((await repository.findById(record.id))?.record, prolonged);
    equal(await repository.prolong(newRecord().id, record.refreshDigest!, to), false);
  },
};
