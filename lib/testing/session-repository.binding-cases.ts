import { deepStrictEqual as deepEqual, equal } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { KeyBinding } from '../contracts/session.repository';
import type { SessionRecord } from '../contracts/session';
import { type ContractCase, HOUR, rotationOf, T, wins } from './session-repository.cases';

function bindingOf(record: SessionRecord, at: number): KeyBinding {
  const boundKey = JSON.stringify({ crv: 'P-256', kty: 'EC', x: 'x'.repeat(43), y: 'y'.repeat(43) });
  const bound = { boundKind: 'dbsc', boundKey, boundKeyThumbprint: 't'.repeat(43), boundAt: at, boundProofAt: null };
  return { ...rotationOf(record, at), ...bound };
}

/** What every repository promises of sessions that are bound to a key of their device, by the title of its test. */
export const BINDING_CASES: Record<string, ContractCase> = {
  'K6 binds a living session once, and rotates its refresh key with it': async (repository, newRecord) => {
    const record = newRecord();
    await repository.insert(record);
    const binding = bindingOf(record, T + 60);
    equal(await repository.bindKey(record.id, '7'.repeat(64), binding), false);
    equal(await repository.bindKey(record.id, record.refreshDigest!, { ...binding, at: T + HOUR }), false);
    equal(await repository.bindKey(randomUUID(), record.refreshDigest!, binding), false);
    const calls = Array.from({ length: 6 }, () => repository.bindKey(record.id, record.refreshDigest!, binding));
    equal(await wins(calls), 1);
    const { at, ...change } = binding;
    deepEqual((await repository.findById(record.id))?.record, { ...record, ...change, rotatedAt: at, lastUsedAt: at });
    equal(await repository.bindKey(record.id, binding.refreshDigest, binding), false);
  },

  'K4 accepts a proof once, and none of a challenge made before': async (repository, newRecord) => {
    const record = newRecord({ boundKind: 'dbsc', boundAt: T });
    await repository.insert(record);
    const accept = (madeAt: number, at = madeAt) => repository.acceptProof(record.id, { madeAt, at });
    equal(await wins(Array.from({ length: 6 }, () => accept(T + 60))), 1);
    equal(await accept(T + 60), false);
    equal(await accept(T + 59), false);
    equal(await accept(T + 61, T + HOUR), false);
    equal(await accept(T + 61), true);
    deepEqual((await repository.findById(record.id))?.record, { ...record, boundProofAt: T + 61 });
  },

  'notes a refusal once in a while, for a bound session that lives': async (repository, newRecord) => {
    const [record, unbound] = [newRecord({ boundKind: 'dpop', boundAt: T }), newRecord()];
    await repository.insert(record);
    await repository.insert(unbound);
    const note = (at: number, id = record.id) => repository.noteRefusal(id, { at, since: at - 60 });
    equal(await note(T + 1, unbound.id), false);
    equal(await note(T + 1, randomUUID()), false);
    equal(await note(T + HOUR), false);
    equal(await wins(Array.from({ length: 6 }, () => note(T + 1))), 1);
    equal(await note(T + 60), false);
    equal(await note(T + 61), true);
    deepEqual((await repository.findById(record.id))?.record, { ...record, boundRefusedAt: T + 61 });
  },

  'forgets a refusal for its own user, and none that came later': async (repository, newRecord) => {
    const record = newRecord({ boundKind: 'dpop', boundAt: T });
    await repository.insert(record);
    equal(await repository.forgetRefusal(record.id, record.userId, T + HOUR), false);
    await repository.noteRefusal(record.id, { at: T + 61, since: T + 1 });
    equal(await repository.forgetRefusal(record.id, 'somebody else', T + 61), false);
    equal(await repository.forgetRefusal(randomUUID(), record.userId, T + 61), false);
    equal(await repository.forgetRefusal(record.id, record.userId, T + 60), false);
    equal(await wins(Array.from({ length: 6 }, () => repository.forgetRefusal(record.id, record.userId, T + 61))), 1);
    deepEqual((await repository.findById(record.id))?.record, record);
    equal(await repository.noteRefusal(record.id, { at: T + 62, since: T + 2 }), true);
  },

  'accepts no proof for a session that is not bound, or not there': async (repository, newRecord) => {
    const record = newRecord();
    await repository.insert(record);
    equal(await repository.acceptProof(record.id, { madeAt: T, at: T }), false);
    equal(await repository.acceptProof(randomUUID(), { madeAt: T, at: T }), false);
  },
};
