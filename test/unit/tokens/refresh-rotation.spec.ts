import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRefresh, type PresentedRefresh, type RefreshDecision } from '../../../lib/tokens/refresh-rotation';

const T = 1_764_000_000_000;
const POLICY = { rotate: true, reuseInterval: 10_000, clockMargin: 15_000 };

/** A row of generation 5, rotated at T; `used` says whether the successor was ever used. */
const row = (used: boolean) => ({ generation: 5, rotatedAt: T, lastUsedAt: used ? T + 1 : T });
const fresh = { generation: 0, rotatedAt: null, lastUsedAt: T };

const current: PresentedRefresh = { generation: 5, key: 'current', isMember: true };
const previous: PresentedRefresh = { generation: 4, key: 'previous', isMember: true };
const older: PresentedRefresh = { generation: 3, key: 'unknown', isMember: true };

describe('the decision of a refresh', () => {
  it.each<[string, Parameters<typeof decideRefresh>[0], PresentedRefresh, number, RefreshDecision]>([
    ['(a) a session that was never rotated', fresh, { ...current, generation: 0 }, T, 'rotate'],
    ['(a) the current key at the end of the interval', row(true), current, T + 10_000, 'rotate'],
    ['(b) the current key within the interval', row(false), current, T + 9_999, 'same'],
    ['(b) the current key, by a clock that lags a little', row(false), current, T - 15_000, 'same'],
    ['(a) the current key, by a clock that lags far behind', row(false), current, T - 15_001, 'rotate'],
    ['(c) the previous key within the interval, successor used', row(true), previous, T + 9_999, 'successor'],
    [
      '(c) the previous key, by a clock that lags a little, successor used',
      row(true),
      previous,
      T - 15_000,
      'successor',
    ],
    ['(d) the previous key, by a clock that lags far behind, successor used', row(true), previous, T - 15_001, 'reuse'],
    ['(c) the same, successor unused', row(false), previous, T - 15_001, 'successor'],
    ['(c) the previous key long after, successor unused', row(false), previous, T + 600_000, 'successor'],
    ['(d) the previous key after the interval, successor used', row(true), previous, T + 10_000, 'reuse'],
    ['(d) an older key', row(false), older, T, 'reuse'],
    ['(d) an older key with a wrong generation below the current', row(true), { ...older, generation: 4 }, T, 'reuse'],
    ['(e) an older key without the session key', row(true), { ...older, isMember: false }, T, 'invalid'],
    ['(e) an unknown key of the current generation', row(true), { ...older, generation: 5 }, T, 'invalid'],
    ['(e) a generation from the future', row(true), { ...older, generation: 6 }, T, 'invalid'],
    ['(e) the current key with a later generation', row(true), { ...current, generation: 6 }, T + 20_000, 'invalid'],
  ])('%s', (_title, session, presented, now, decision) => {
    expect(decideRefresh(session, presented, now, POLICY)).toBe(decision);
  });

  it('never rotates with rotate: false', () => {
    expect(decideRefresh(row(true), current, T + 1e9, { ...POLICY, rotate: false })).toBe('same');
  });

  it('rotates at every use with an interval of 0, whatever the clocks say', () => {
    for (const now of [T - 1, T, T + 1])
      expect(decideRefresh(row(false), current, now, { ...POLICY, reuseInterval: 0 })).toBe('rotate');
    expect(decideRefresh(row(false), previous, T, { ...POLICY, reuseInterval: 0 })).toBe('successor');
    expect(decideRefresh(row(true), previous, T, { ...POLICY, reuseInterval: 0 })).toBe('reuse');
  });

  const anyRow = fc.record({
    generation: fc.integer({ min: 0, max: 6 }),
    rotatedAt: fc.option(fc.integer({ min: T - 50_000, max: T + 50_000 })),
    lastUsedAt: fc.integer({ min: T - 50_000, max: T + 50_000 }),
  });
  const anyPresented = fc.record({
    generation: fc.integer({ min: 0, max: 7 }),
    key: fc.constantFrom<PresentedRefresh['key']>('current', 'previous', 'unknown'),
    isMember: fc.boolean(),
  });
  const anyPolicy = fc.record({
    rotate: fc.boolean(),
    reuseInterval: fc.integer({ min: 0, max: 60_000 }),
    clockMargin: fc.integer({ min: 0, max: 60_000 }),
  });
  const property = (
    check: (row: any, presented: PresentedRefresh, now: number, policy: any, decision: RefreshDecision) => void,
  ) =>
    fc.assert(
      fc.property(
        anyRow,
        anyPresented,
        fc.integer({ min: T - 60_000, max: T + 60_000 }),
        anyPolicy,
        (session, presented, now, policy) =>
          check(session, presented, now, policy, decideRefresh(session, presented, now, policy)),
      ),
      { numRuns: 5_000 },
    );

  it('ends a session only for proven members of a generation that has passed', () => {
    property((session, presented, _now, _policy, decision) => {
      if (decision === 'reuse')
        expect([presented.isMember, presented.generation < session.generation]).toEqual([true, true]);
    });
  });

  it('gives tokens only for the current key or the one before it', () => {
    property((session, presented, _now, _policy, decision) => {
      if (decision === 'rotate' || decision === 'same')
        expect([presented.key, presented.generation]).toEqual(['current', session.generation]);
      if (decision === 'successor')
        expect([presented.key, presented.generation]).toEqual(['previous', session.generation - 1]);
    });
  });

  it('never refuses the current key of the current generation', () => {
    property((session, presented, _now, _policy, decision) => {
      if (presented.key === 'current' && presented.generation === session.generation)
        expect(['rotate', 'same']).toContain(decision);
    });
  });

  it('never calls it a replay while the successor is unused', () => {
    property((session, presented, _now, _policy, decision) => {
      const unused = session.rotatedAt !== null && session.lastUsedAt <= session.rotatedAt;
      if (presented.key === 'previous' && presented.generation === session.generation - 1 && unused)
        expect(decision).toBe('successor');
    });
  });
});
