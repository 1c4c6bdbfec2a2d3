import { deepStrictEqual as deepEqual, equal, ok } from 'node:assert/strict';
import type { SessionRecord } from '../contracts/session';
import { type ContractCase, T } from './session-repository.cases';

/** What every repository promises of the sessions of other realms, by the title of its test. */
export const REALM_CASES: Record<string, ContractCase> = {
  'is of a realm, and says where its sessions are': async (repository) => {
    equal(typeof repository.realm, 'string');
    ok(repository.location().length > 0);
  },

  'finds a session by its id in every realm, and lists those of its own': async (repository, newRecord, users) => {
    const { realm } = repository;
    const [mine, theirs] = [newRecord({ realm }), newRecord({ realm: 'elsewhere' })];
    for (const record of [mine, theirs]) equal(await repository.insert(record), true);
    deepEqual((await repository.findById(theirs.id))?.record, theirs);
    deepEqual(
      (await repository.findByUser(users[0]!)).map((row) => row.id),
      [mine.id],
    );
  },

  'finds several sessions by their ids, and leaves out those that are gone': async (repository, newRecord) => {
    const records = [newRecord(), newRecord(), newRecord()];
    for (const record of records) await repository.insert(record);
    await repository.deleteById(records[0]!.id);
    const [, second, third] = records;
    const found = await repository.findByIds(records.map(({ id }) => id));
    deepEqual(found.toSorted(byId), [second!, third!].toSorted(byId));
    deepEqual(await repository.findByIds([]), []);
  },

  'gives a slot in each realm': async (repository, newRecord, users) => {
    const { realm } = repository;
    const mine = newRecord({ realm, slot: 1 });
    equal(await repository.insert(mine), true);
    equal(await repository.insert(newRecord({ realm: 'elsewhere', slot: 1 })), true);
    equal(await repository.insert(newRecord({ realm: 'elsewhere', slot: 1 })), false);
    await repository.insert(newRecord({ realm: 'elsewhere', slot: 2 }));
    await repository.insert(newRecord({ realm: 'elsewhere' }));
    deepEqual(
      (await repository.findSlots(users[0]!, { limit: 2, aliveAt: T, most: 9 })).map((row) => row.id),
      [mine.id],
    );
    deepEqual(await repository.findCrowded(1, T, 9), []);
  },

  'counts the sessions of its realm': async (repository, newRecord, users) => {
    const { realm } = repository;
    await repository.insert(newRecord({ realm }));
    await repository.insert(newRecord({ realm: 'elsewhere' }));
    await repository.insert(newRecord({ realm: 'elsewhere', userId: users[1]! }));
    const { users: counted, sessions, maxActivePerUser } = await repository.statistics(T);
    deepEqual([counted.all, sessions.all, maxActivePerUser], [1, 1, 1]);
    equal((await repository.statistics(T, users[1]!)).sessions.all, 0);
  },

  'renames no device of another realm': async (repository, newRecord, users) => {
    const theirs = newRecord({ realm: 'elsewhere', deviceName: 'Phone' });
    await repository.insert(theirs);
    equal(await repository.rename(theirs.id, users[0]!, 'Stolen'), false);
    equal((await repository.findById(theirs.id))?.record.deviceName, 'Phone');
  },

  'deletes no session of another realm': async (repository, newRecord, users) => {
    const theirs = newRecord({ realm: 'elsewhere', createdAt: T - 9, expiresAt: T - 1 });
    await repository.insert(theirs);
    equal(await repository.deleteById(theirs.id), false);
    equal(await repository.deleteByUser(users[0]!), 0);
    equal(await repository.deleteSurplus(users[0]!, [theirs.id], 1), 0);
    equal(await repository.deleteCreatedBefore(T), 0);
    equal(await repository.deleteExpired(T, 9), 0);
    ok(await repository.findById(theirs.id));
  },
};

const byId = (one: SessionRecord, other: SessionRecord) => (one.id < other.id ? -1 : 1);
