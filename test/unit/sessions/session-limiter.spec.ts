import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SessionRecord, sessionRecord } from '../../../lib/contracts/session';
import { type Placement, chooseSlot } from '../../../lib/sessions/session-limiter';
import { often } from '../../support/lengths';

const NOW = 1_000;
type Policy = 'reject' | 'evict-oldest';

/** What matters of a row: its seat, its age and whether it lives. */
interface Seat {
  slot: number | null;
  createdAt: number;
  alive: boolean;
}

const rowsOf = (seats: readonly Seat[]): SessionRecord[] =>
  seats.map(({ slot, createdAt, alive }, index) =>
    sessionRecord({
      id: `session-${index}`,
      userId: 'alice',
      accessDigest: '',
      createdAt,
      authenticatedAt: createdAt,
      // At NOW itself a session has expired.
      expiresAt: alive ? NOW + 1 : NOW,
      lastUsedAt: createdAt,
      slot,
    }),
  );

const isAlive = (row: SessionRecord) => row.expiresAt > NOW;
const isSeated = (row: SessionRecord, limit: number) => row.slot !== null && row.slot >= 1 && row.slot <= limit;

/** Who is there after the placement was carried out; null stands for the new session. */
function after(rows: readonly SessionRecord[], placement: Placement): (SessionRecord | null)[] {
  if (placement.kind === 'reject') return [...rows];
  if (placement.kind === 'insert') return [...rows, null];
  const leaving = [placement.holder, ...placement.surplus].map(({ id }) => id);
  return [...rows.filter(({ id }) => !leaving.includes(id)), null];
}

/** The sessions that this placement reports as evicted. */
function evictedBy(placement: Placement): SessionRecord[] {
  if (placement.kind !== 'replace') return [];
  return placement.expired ? placement.surplus : [placement.holder, ...placement.surplus];
}

/** Everything that must hold of any placement, whoever is there. */
function check(seats: readonly Seat[], limit: number, policy: Policy, pick?: (choices: number) => number): Placement {
  const rows = rowsOf(seats);
  const before = structuredClone(rows);
  const placement = chooseSlot(rows, { limit, onLimit: policy }, NOW, pick);
  const alive = rows.filter(isAlive);
  const evicted = evictedBy(placement);

  expect(rows, 'pure: the rows are as they were').toEqual(before);
  if (placement.kind === 'reject') {
    expect(policy === 'reject' && alive.length >= limit, 'rejects under that policy and a full house only').toBe(true);
    return placement;
  }
  expect(policy === 'reject' && alive.length >= limit, 'lets nobody into a full house that rejects').toBe(false);
  expect(Number.isInteger(placement.slot) && placement.slot >= 1 && placement.slot <= limit, 'slot in 1..limit').toBe(
    true,
  );
  const rest = after(rows, placement);
  expect(rest.filter((row) => row === null || isAlive(row)).length, 'no more alive than the limit').toBeLessThanOrEqual(
    limit,
  );
  const others = rest.filter((row) => row !== null);
  expect(
    others.some((row) => row.slot === placement.slot),
    'the slot is free by then',
  ).toBe(false);
  expect(
    evicted.filter((row) => !isAlive(row)),
    'who has expired is not evicted',
  ).toEqual([]);
  expect(new Set(evicted).size, 'nobody is evicted twice').toBe(evicted.length);
  expect(evicted.length, 'as few as can be are evicted').toBe(Math.max(0, alive.length - limit + 1));
  if (placement.kind === 'replace') expect(placement.expired).toBe(!isAlive(placement.holder));
  const stay = alive.filter((row) => !evicted.includes(row));
  for (const gone of evicted) {
    for (const one of stay) {
      const [goneSeated, oneSeated] = [isSeated(gone, limit), isSeated(one, limit)];
      expect(goneSeated && !oneSeated, 'rows without a seat go first').toBe(false);
      if (goneSeated === oneSeated) expect(gone.createdAt, 'then the oldest').toBeLessThanOrEqual(one.createdAt);
    }
  }
  return placement;
}

const policies: Policy[] = ['reject', 'evict-oldest'];

describe('the place of a new session', () => {
  it('is right for every set of up to three rows, in every order of age', () => {
    const kinds = [null, 0, 1, 2, 3].flatMap((slot) => [true, false].map((alive) => ({ slot, alive })));
    const ages = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1], [1, 1, 1], [1, 1, 2]]; // prettier-ignore
    let sets = 0;
    const grow = (chosen: (typeof kinds)[number][], from: number): void => {
      for (const limit of [1, 2, 3]) {
        for (const policy of policies) {
          for (const age of ages) {
            const seats = chosen.map((one, index) => ({ ...one, createdAt: age[index]! }));
            check(seats, limit, policy, () => 0);
            sets++;
          }
        }
      }
      if (chosen.length === 3) return;
      for (let next = from; next < kinds.length; next++) {
        // Two rows of one user never hold the same slot: the unique index sees to it.
        const { slot } = kinds[next]!;
        if (slot === null || chosen.every((one) => one.slot !== slot)) grow([...chosen, kinds[next]!], next);
      }
    };
    grow([], 0);
    expect(sets).toBeGreaterThan(5_000);
  });

  it('is right for any rows under any limit', () => {
    const seat = fc.record({
      slot: fc.option(fc.integer({ min: -1, max: 12 })),
      createdAt: fc.nat({ max: 6 }),
      alive: fc.boolean(),
    });
    const seats = fc.uniqueArray(seat, { maxLength: 16, selector: ({ slot }) => slot ?? Symbol('none') });
    fc.assert(
      fc.property(seats, fc.integer({ min: 1, max: 10 }), fc.constantFrom(...policies), (rows, limit, policy) => {
        check(rows, limit, policy);
      }),
      { numRuns: often(500, 3_000) },
    );
  });

  it('may be any of the free slots, and no other', () => {
    const seats = [1, 3].map((slot) => ({ slot, createdAt: 1, alive: true }));
    const offered = [0, 1, 2].map((choice) => {
      const seen: number[] = [];
      const placement = check(seats, 5, 'reject', (choices) => (seen.push(choices), choice));
      expect(seen).toEqual([3]);
      return placement;
    });
    expect(offered).toEqual([2, 4, 5].map((slot) => ({ kind: 'insert', slot })));
  });

  it('offers no more free slots than there is room, beside rows from before the limit', () => {
    const offers = (seats: Seat[], limit: number) => {
      let choices = 0;
      check(seats, limit, 'reject', (count) => ((choices = count), 0));
      return Array.from({ length: choices }, (_, choice) => check(seats, limit, 'reject', () => choice));
    };
    const old: Seat[] = [1, 2].map((createdAt) => ({ slot: null, createdAt, alive: true }));
    const seated: Seat = { slot: 1, createdAt: 3, alive: true };
    expect(offers(old, 3)).toEqual([{ kind: 'insert', slot: 1 }]);
    expect(offers(old, 4)).toEqual([1, 2].map((slot) => ({ kind: 'insert', slot })));
    expect(offers([...old, seated], 4)).toEqual([{ kind: 'insert', slot: 2 }]);
    // Who has expired takes no room.
    expect(offers([...old, { slot: null, createdAt: 3, alive: false }], 4)).toHaveLength(2);
  });

  it('keeps the limit for simultaneous logins that saw the same rows, or each a later state', () => {
    const seat = fc.record({
      slot: fc.option(fc.integer({ min: 1, max: 8 })),
      createdAt: fc.nat({ max: 6 }),
      alive: fc.boolean(),
    });
    const seats = fc.uniqueArray(seat, { maxLength: 10, selector: ({ slot }) => slot ?? Symbol('none') });
    const logins = fc.array(fc.record({ lag: fc.nat({ max: 8 }), choice: fc.nat() }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(seats, fc.integer({ min: 1, max: 6 }), logins, (given, limit, tries) => {
        const states = [rowsOf(given)];
        for (const { lag, choice } of tries) {
          const latest = states.at(-1)!;
          const seen = states[Math.max(0, states.length - 1 - lag)]!;
          const placement = chooseSlot(seen, { limit, onLimit: 'reject' }, NOW, (choices) => choice % choices);
          // The unique index lets one in where several meet; taking over an expired seat is another statement.
          if (placement.kind !== 'insert' || latest.some(({ slot }) => slot === placement.slot)) continue;
          const [row] = rowsOf([{ slot: placement.slot, createdAt: 9, alive: true }]);
          states.push([...latest, { ...row!, id: `login-${states.length}` }]);
        }
        const alive = (rows: SessionRecord[]) => rows.filter(isAlive).length;
        expect(alive(states.at(-1)!)).toBeLessThanOrEqual(Math.max(limit, alive(states[0]!)));
      }),
      { numRuns: often(400, 2_000) },
    );
  });

  it('is picked at random, so that simultaneous logins seldom meet', () => {
    const slots = new Set(
      Array.from({ length: 400 }, () => JSON.stringify(chooseSlot([], { limit: 5, onLimit: 'reject' }, NOW))),
    );
    expect(slots.size).toBe(5);
  });

  it('settles after one login: a second placement finds at most the limit alive', () => {
    const seat = fc.record({
      slot: fc.option(fc.integer({ min: 1, max: 8 })),
      createdAt: fc.nat({ max: 6 }),
      alive: fc.boolean(),
    });
    const seats = fc.uniqueArray(seat, { maxLength: 12, selector: ({ slot }) => slot ?? Symbol('none') });
    fc.assert(
      fc.property(seats, fc.integer({ min: 1, max: 5 }), (given, limit) => {
        const first = check(given, limit, 'evict-oldest');
        if (first.kind === 'reject') throw new Error('evict-oldest never rejects');
        const next = after(rowsOf(given), first).map((row) => ({
          slot: row ? row.slot : first.slot,
          createdAt: row?.createdAt ?? 9,
          alive: row === null || isAlive(row),
        }));
        const second = check(next, limit, 'evict-oldest');
        expect(evictedBy(second).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('by example', () => {
  const seat = (slot: number | null, createdAt: number, alive = true): Seat => ({ slot, createdAt, alive });
  const place = (seats: Seat[], limit: number, policy: Policy = 'evict-oldest') => {
    const placement = check(seats, limit, policy, () => 0);
    if (placement.kind !== 'replace') return placement;
    const { holder, surplus, ...rest } = placement;
    return { ...rest, holder: holder.id, surplus: surplus.map(({ id }) => id) };
  };

  it('the first login takes a seat', () => expect(place([], 3)).toEqual({ kind: 'insert', slot: 1 }));

  it('a full house rejects', () => expect(place([seat(1, 1), seat(2, 2)], 2, 'reject')).toEqual({ kind: 'reject' }));

  it('a full house of which one has expired does not', () => {
    const expected = { kind: 'replace', holder: 'session-1', slot: 2, expired: true, surplus: [] };
    expect(place([seat(1, 1), seat(2, 2, false)], 2, 'reject')).toEqual(expected);
  });

  it('the oldest makes room', () => {
    const expected = { kind: 'replace', holder: 'session-1', slot: 2, expired: false, surplus: [] };
    expect(place([seat(1, 5), seat(2, 3), seat(3, 4)], 3)).toEqual(expected);
  });

  it('a session from before the limit makes room before an older one that has a seat', () => {
    const expected = { kind: 'replace', holder: 'session-1', slot: 2, expired: false, surplus: [] };
    expect(place([seat(1, 1), seat(null, 9)], 2)).toEqual(expected);
  });

  it('a limit that was lowered is met at once, by the seats above it', () => {
    const seats = [seat(1, 1), seat(2, 2), seat(3, 3), seat(4, 4)];
    expect(place(seats, 2)).toEqual({
      kind: 'replace',
      holder: 'session-0',
      slot: 1,
      expired: false,
      surplus: ['session-2', 'session-3'],
    });
  });

  it('an expired seat is taken over while those without one leave', () => {
    const seats = [seat(1, 1, false), seat(null, 3), seat(2, 2)];
    expect(place(seats, 2)).toEqual({
      kind: 'replace',
      holder: 'session-0',
      slot: 1,
      expired: true,
      surplus: ['session-1'],
    });
  });
});

describe('control', () => {
  it('the checks find a placement that ignores the limit, and one that evicts the dead', () => {
    const rows = rowsOf([{ slot: 1, createdAt: 1, alive: true }, { slot: 2, createdAt: 2, alive: false }]); // prettier-ignore
    const careless: Placement = { kind: 'insert', slot: 3 };
    expect(after(rows, careless).filter((row) => row === null || isAlive(row))).toHaveLength(2);
    const mistaken: Placement = { kind: 'replace', holder: rows[1]!, slot: 2, expired: false, surplus: [] };
    expect(evictedBy(mistaken).filter((row) => !isAlive(row))).toHaveLength(1);
  });
});
