import { deepStrictEqual as deepEqual, equal, ok } from 'node:assert/strict';
import { type ContractCase, T } from './session-repository.cases';

/** What every repository promises of kinds of sessions and of what they may do, by the title of its test. */
export const KIND_CASES: Record<string, ContractCase> = {
  'deletes the sessions of one user, or all but one': async (repository, newRecord, users) => {
    const mine = [newRecord(), newRecord(), newRecord()];
    const other = newRecord({ userId: users[1]! });
    for (const record of [...mine, other]) await repository.insert(record);
    equal(await repository.deleteByUser(users[0]!, mine[1]!.id), 2);
    deepEqual(
      (await repository.findByUser(users[0]!)).map((row) => row.id),
      [mine[1]!.id],
    );
    equal(await repository.deleteByUser(users[0]!), 1);
    equal(await repository.deleteByUser(users[0]!), 0);
    ok(await repository.findById(other.id));
  },

  'lists, and deletes, sessions of some kinds only': async (repository, newRecord, users) => {
    const [login, program, acting] = [
      newRecord({ createdAt: T + 3 }),
      newRecord({ createdAt: T + 2, kind: 'program' }),
      newRecord({ createdAt: T + 1, kind: 'impersonation' }),
    ];
    for (const record of [login, program, acting]) equal(await repository.insert(record), true);
    const idsOf = async (kinds?: ('login' | 'program' | 'impersonation')[]) =>
      (await repository.findByUser(users[0]!, { kinds })).map(({ id }) => id);
    deepEqual(await idsOf(), [login.id, program.id, acting.id]);
    deepEqual(await idsOf(['program']), [program.id]);
    deepEqual(await idsOf(['login', 'impersonation']), [login.id, acting.id]);
    equal(await repository.deleteByUser(users[0]!, login.id, ['login', 'impersonation']), 1);
    deepEqual(await idsOf(), [login.id, program.id]);
    equal(await repository.deleteByUser(users[0]!, undefined, ['program']), 1);
    deepEqual(await idsOf(), [login.id]);
    equal(await repository.deleteById(login.id, { kinds: ['program', 'impersonation'] }), false);
    equal(await repository.deleteById(login.id, { userId: users[1]!, kinds: ['login'] }), false);
    deepEqual(await idsOf(), [login.id]);
    equal(await repository.deleteById(login.id, { userId: users[0]!, kinds: ['program', 'login'] }), true);
    deepEqual(await idsOf(), []);
  },

  'gives a slot to one session of each kind': async (repository, newRecord, users) => {
    const program = newRecord({ kind: 'program', slot: 1 });
    equal(await repository.insert(newRecord({ slot: 1 })), true);
    equal(await repository.insert(program), true);
    equal(await repository.insert(newRecord({ kind: 'program', slot: 1 })), false);
    const query = { limit: 2, aliveAt: T, most: 9, kind: 'program' } as const;
    deepEqual(
      (await repository.findSlots(users[0]!, query)).map(({ id }) => id),
      [program.id],
    );
  },

  'narrows what a session may do, where that is what was read': async (repository, newRecord) => {
    const all = newRecord({});
    equal(await repository.insert(all), true);
    const scopesOf = async () => (await repository.findById(all.id))?.record.scopes;
    equal(await repository.narrow(all.id, 'a', 'b'), false);
    equal(await repository.narrow(all.id, null, 'a b'), true);
    equal(await repository.narrow(all.id, null, 'c'), false);
    equal(await repository.narrow(all.id, 'a b', ''), true);
    equal(await repository.narrow(all.id, '', 'a'), true);
    equal(await scopesOf(), 'a');
    deepEqual((await repository.findById(all.id))?.record, { ...all, scopes: 'a' });
    equal(await repository.narrow(newRecord({}).id, null, ''), false);
  },
};
