import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type EntityManager } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sessionRecord } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession, TypeOrmSessionRepository } from '../../lib/typeorm';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import type { ServerKind } from '../host/database-servers';
import { Gate } from '../host/gate';
import { createDatabase, databaseKinds, type TestDatabase } from '../support/databases';
import { Outage } from '../support/outage';
import { eventually } from '../support/eventually';

const TIMEOUT_MS = 400;
/** What a busy machine may take beside it. */
const SLACK_MS = 20_000;
const POOL_SIZE = 2;
const ID = '00000000-0000-4000-8000-000000000001';
const sessionOf = (userId: string, id = ID) =>
  sessionRecord({
    id, userId, accessDigest: 'a'.repeat(64), refreshDigest: 'b'.repeat(64), createdAt: 1, authenticatedAt: 1, expiresAt: 9, lastUsedAt: 1,
  }); // prettier-ignore
const ROTATION = {
  refreshDigest: 'c'.repeat(64), previousRefreshDigest: 'b'.repeat(64), refreshSalt: 'd'.repeat(64), rotationKeyDigest: null,
  generation: 1, at: 2, expiresAt: 9, lastUserAgent: null, lastIpAddress: null,
}; // prettier-ignore
const ACCESS_KEY = {
  accessDigest: 'e'.repeat(64), previousAccessDigest: null, accessSalt: 'f'.repeat(64), accessKeyAt: 2, accessKeyIndex: 1,
}; // prettier-ignore

/** Every call of the storage that a request or an operator may make. */
const CALLS: Record<string, (storage: TypeOrmSessionRepository) => Promise<unknown>> = {
  findById: (storage) => storage.findById(ID),
  findByIds: (storage) => storage.findByIds([ID]),
  findByUser: (storage) => storage.findByUser('alice'),
  findSlots: (storage) => storage.findSlots('alice', { limit: 2, aliveAt: 1, most: 2 }),
  insert: (storage) => storage.insert(sessionOf('bob', '00000000-0000-4000-8000-000000000002')),
  vacate: (storage) => storage.vacate(ID, null),
  reinstate: (storage) => storage.reinstate(ID, 1, 9),
  rotate: (storage) => storage.rotate(ID, 'b'.repeat(64), ROTATION),
  prolong: (storage) => storage.prolong(ID, 'b'.repeat(64), { expiresAt: 10, at: 2 }),
  touch: (storage) => storage.touch(ID, 0, 5),
  moveAccessKey: (storage) => storage.moveAccessKey(ID, { ...ACCESS_KEY, replaces: 'a'.repeat(64) }),
  inspect: (storage) => storage.inspect(),
  rename: (storage) => storage.rename(ID, 'alice', 'Phone'),
  narrow: (storage) => storage.narrow(ID, null, 'a'),
  renewKeys: (storage) =>
    storage.renewKeys(ID, {
      ...ACCESS_KEY, refreshDigest: null, previousAccessDigest: null, generation: 1, authenticatedAt: 2, at: 2, expiresAt: 9,
    }), // prettier-ignore
  bindKey: (storage) =>
    storage.bindKey(ID, 'b'.repeat(64), {
      ...ROTATION, boundKind: 'dbsc', boundKey: '{}', boundKeyThumbprint: 'x', boundAt: 2, boundProofAt: null,
    }), // prettier-ignore
  acceptProof: (storage) => storage.acceptProof(ID, { madeAt: 1, at: 2 }),
  noteRefusal: (storage) => storage.noteRefusal(ID, { at: 2, since: 1 }),
  forgetRefusal: (storage) => storage.forgetRefusal(ID, 'alice', 2),
  deleteById: (storage) => storage.deleteById(ID),
  deleteByUser: (storage) => storage.deleteByUser('alice'),
  deleteSurplus: (storage) => storage.deleteSurplus('alice', [ID], 1),
  findCrowded: (storage) => storage.findCrowded(1, 1, 10),
  deleteCreatedBefore: (storage) => storage.deleteCreatedBefore(5),
  deleteExpired: (storage) => storage.deleteExpired(20, 10),
  statistics: (storage) => storage.statistics(1),
  readCounter: (storage) => storage.readCounter(),
  raiseFence: (storage) => storage.raiseFence('*'),
  isFenced: (storage) => storage.isFenced(['*'], 0),
};

const cases = (databaseKinds.filter((kind) => kind !== 'sqlite') as ServerKind[]).flatMap((kind) =>
  [true, false].map((preparedStatements) => ({ kind, preparedStatements })),
);

it('covers every call that the contract has', () => {
  const own = Object.getOwnPropertyNames(TypeOrmSessionRepository.prototype);
  const answers = new Set([
    'constructor', 'setupProblems', 'location', 'spellingOf', 'primaryDatabase', 'isUnavailable', 'columnProblems', 'within',
  ]); // prettier-ignore
  const inner = new Set([
    'fenceStatements',
    'built',
    'reads',
    'writes',
    'userIds',
    'update',
    'updateClaiming',
    'delete',
  ]);
  expect(own.filter((name) => !answers.has(name) && !inner.has(name)).toSorted()).toEqual(
    Object.keys(CALLS).toSorted(),
  );
});

describe.each(cases)('on $kind, preparedStatements: $preparedStatements', ({ kind, preparedStatements }) => {
  let database: TestDatabase;
  let direct: DataSource;
  let gate: Gate;
  let source: DataSource;
  let storage: TypeOrmSessionRepository;
  const entities = [JwtKnoxSession, JwtKnoxFence];

  beforeAll(async () => {
    database = await createDatabase(kind);
    const options = { ...database.options, entities, migrations: jwtKnoxMigrations, migrationsRun: true };
    direct = await new DataSource({ ...options, poolSize: 1 } as DataSource['options']).initialize();
  });
  afterAll(async () => {
    await direct.destroy();
    await database.drop();
  });
  beforeEach(async () => {
    const through = new URL((database.options as { url: string }).url);
    gate = new Gate(Number(through.port));
    await gate.open();
    through.port = String(gate.port);
    const options = { ...database.options, url: through.href, entities, poolSize: POOL_SIZE };
    source = await new DataSource(options as DataSource['options']).initialize();
    const rows = source.getRepository(JwtKnoxSession);
    storage = new TypeOrmSessionRepository(rows, { preparedStatements, timeout: TIMEOUT_MS });
    await direct.query('DELETE FROM jwt_knox_sessions');
    // Its time is short, and a busy machine may need longer.
    await eventually(() => storage.insert(sessionOf('alice')));
    await fillPool();
  });
  afterEach(async () => {
    gate.close();
    await source.destroy();
  });

  const times = <T>(count: number, work: () => Promise<T>) => Array.from({ length: count }, work);
  const fillPool = () => eventually(() => Promise.all(times(2 * POOL_SIZE, () => storage.findById(ID))));
  /** The gate hears of a closed connection a moment later. */
  const sizeToBe = (size: number) => eventually(() => expect(gate.size).toBe(size));
  const timed = async (work: Promise<unknown>) => {
    const began = performance.now();
    const [result] = await Promise.allSettled([work]);
    return { result: result!, took: performance.now() - began };
  };

  it.each(Object.keys(CALLS))('closes a silent connection that %s waits on', async (name) => {
    await fillPool();
    expect(gate.silence()).toBe(POOL_SIZE);
    const calls = times(POOL_SIZE, () => timed(CALLS[name]!(storage)));
    for (const { result, took } of await Promise.all(calls)) {
      expect(took).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      expect(storage.isUnavailable((result as PromiseRejectedResult).reason)).toBe(true);
    }
    await sizeToBe(0);
    await eventually(() => CALLS[name]!(storage));
    await sizeToBe(1);
  });

  it('serves those that wait for a connection, on new ones', async () => {
    // A busy machine may be late with a new connection once, and not each time.
    await eventually(async () => {
      await fillPool();
      gate.silence();
      const calls = await Promise.all(times(3 * POOL_SIZE, () => timed(storage.findById(ID))));
      for (const { took } of calls) expect(took).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      expect(calls.map(({ result }) => result.status)).toEqual([
        ...times(POOL_SIZE, () => 'rejected' as never),
        ...times(2 * POOL_SIZE, () => 'fulfilled' as never),
      ]);
    });
    // One new connection may have served them all.
    await eventually(() => expect(gate.size).toBeLessThanOrEqual(POOL_SIZE));
  });

  it('keeps as many connections as the pool has, over 20 outages', { timeout: 120_000 }, async () => {
    for (let outage = 0; outage < 20; outage++) {
      gate.silence();
      const calls = await Promise.all(times(2 * POOL_SIZE, () => timed(storage.deleteById(ID))));
      expect(calls.some(({ result }) => result.status === 'rejected')).toBe(true);
      await eventually(() => expect(gate.size).toBeLessThanOrEqual(POOL_SIZE));
    }
  });

  it('closes a connection whose answer breaks off', async () => {
    gate.silence({ midway: true });
    const calls = await Promise.all(times(POOL_SIZE, () => timed(storage.findById(ID))));
    expect(calls.every(({ result, took }) => result.status === 'rejected' && took < TIMEOUT_MS + SLACK_MS)).toBe(true);
    expect((await eventually(() => storage.findById(ID)))?.record.id).toBe(ID);
  });

  it('does not close the connection of a transaction of your own', async () => {
    let refused: unknown;
    const hold = async (manager: EntityManager) => {
      const { repository } = storage.within(manager)!;
      gate.silence();
      const call = repository.findById(ID).catch((error: unknown) => (refused = error));
      await delay(3 * TIMEOUT_MS);
      expect(refused).toBeUndefined();
      expect(gate.size).toBe(POOL_SIZE);
      gate.turn('shut');
      await call;
    };
    await source.transaction(hold).catch(() => undefined);
    expect(refused).toBeDefined();
  });

  describe('while another client holds the table', () => {
    let outage: Outage;
    beforeEach(async () => {
      outage = await Outage.prepare(database);
      await outage.freeze('jwt_knox_sessions');
    });
    afterEach(async () => {
      await outage.end();
    });

    it('leaves no statement behind that waits at the server', async () => {
      const { result } = await timed(storage.deleteById(ID));
      expect(result.status).toBe('rejected');
      let left = -1;
      for (let look = 0; look < 30 && left !== 0; look++) {
        await delay(50);
        left = (await outage.waiting()).length;
      }
      expect(left).toBe(0);
      await outage.thaw();
      expect(await storage.deleteById(ID)).toBe(true);
    });

    it('lets an operator wait as long as it was told', async () => {
      const count = storage.statistics(1, undefined, 20 * TIMEOUT_MS);
      await delay(3 * TIMEOUT_MS);
      await outage.thaw();
      expect((await count).sessions.all).toBe(1);
      expect(gate.size).toBe(POOL_SIZE);
    });
  });
});
