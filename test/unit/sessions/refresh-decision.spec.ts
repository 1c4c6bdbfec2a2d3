import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideRefresh,
  type PresentedRefresh,
  type RefreshDecision,
  type RotationPolicy,
  type RotationState,
} from '../../../lib/sessions/refresh-decision';
import { often } from '../../support/lengths';

const T = 1_764_000_000_000;
const INTERVAL = 10_000;
const WINDOW = 300_000;
const MARGIN = 15_000;
const POLICY = { rotate: true, reuseInterval: INTERVAL, retryWindow: WINDOW, clockMargin: MARGIN };

/** The rules as docs/05-refresh-tokens.md tells them, written once more, one line for each reason: `c window` forgives. */
function law(row: RotationState, presented: PresentedRefresh, now: number, policy: RotationPolicy): string {
  const { generation, key, isMember, attemptDigest } = presented;
  const { rotatedAt, lastUsedAt, rotationKeyDigest } = row;
  const isFromFarAhead = rotatedAt !== null && rotatedAt > now + policy.clockMargin;
  const isWithin = (span: number) => rotatedAt !== null && span > 0 && !isFromFarAhead && now < rotatedAt + span;
  const bearsCurrent = isMember && key === 'current' && generation === row.generation;
  const bearsPrevious = isMember && key === 'previous' && generation + 1 === row.generation && rotatedAt !== null;
  const rules: [string, boolean][] = [
    ['b', bearsCurrent && (!policy.rotate || isWithin(policy.reuseInterval))],
    ['a', bearsCurrent],
    ['c idempotency', bearsPrevious && attemptDigest !== null && attemptDigest === rotationKeyDigest],
    ['c interval', bearsPrevious && isWithin(policy.reuseInterval)],
    [
      'c window',
      bearsPrevious && attemptDigest === null && rotationKeyDigest === null && lastUsedAt <= rotatedAt && isWithin(policy.retryWindow),
    ],
    ['d', isMember && generation < row.generation],
  ]; // prettier-ignore
  return rules.find(([, applies]) => applies)?.[0] ?? 'e';
}

const RULE = { rotate: 'a', same: 'b', replay: 'd', invalid: 'e' } as const;
const ruleOf = (decision: RefreshDecision) =>
  decision.kind === 'successor' ? `c ${decision.why}` : RULE[decision.kind];

type Case = [row: RotationState, presented: PresentedRefresh, now: number, policy: RotationPolicy];

/** Every combination of the values on either side of each boundary. */
function* allCases(): Generator<Case> {
  const spans = [[0, 0], [0, WINDOW], [INTERVAL, 0], [INTERVAL, WINDOW], [MARGIN + 5, WINDOW]] as const; // prettier-ignore
  const edges = [0, INTERVAL, WINDOW, -MARGIN, MARGIN + 5, 86_400_000].flatMap((edge) => [edge - 1, edge, edge + 1]);
  const policies = spans.flatMap(([reuseInterval, retryWindow]) =>
    [true, false].map((rotate) => ({ rotate, reuseInterval, retryWindow, clockMargin: MARGIN })),
  );
  const rotations = [null, T].flatMap((rotatedAt) =>
    [T - 1, T, T + 1].flatMap((lastUsedAt) =>
      [null, 'k', 'l'].map((rotationKeyDigest) => ({ generation: 5, rotatedAt, lastUsedAt, rotationKeyDigest })),
    ),
  );
  const all: PresentedRefresh[] = (['current', 'previous', 'unknown'] as const).flatMap((key) =>
    [0, 3, 4, 5, 6].flatMap((generation) =>
      [true, false].flatMap((isMember) =>
        [null, 'k', 'm'].map((attemptDigest) => ({ generation, key, isMember, attemptDigest })),
      ),
    ),
  );
  for (const policy of policies)
    for (const row of rotations)
      for (const presented of all) for (const edge of edges) yield [row, presented, T + edge, policy];
}

/** A row of generation 5, rotated at T; `used` says whether the successor was ever used. */
const row = (used: boolean, rotationKeyDigest: string | null = null) => ({
  generation: 5,
  rotatedAt: T,
  lastUsedAt: used ? T + 1 : T,
  rotationKeyDigest,
});
const fresh = { generation: 0, rotatedAt: null, lastUsedAt: T, rotationKeyDigest: null };

const current: PresentedRefresh = { generation: 5, key: 'current', isMember: true, attemptDigest: null };
const previous: PresentedRefresh = { generation: 4, key: 'previous', isMember: true, attemptDigest: null };
const older: PresentedRefresh = { generation: 3, key: 'unknown', isMember: true, attemptDigest: null };
const keyed: PresentedRefresh = { ...previous, attemptDigest: 'k' };

const MONTHS = 90 * 86_400_000;

describe('the decision of a refresh', () => {
  it.each<[string, RotationState, PresentedRefresh, number, string]>([
    ['the first refresh of a session', fresh, { ...current, generation: 0 }, T, 'a'],
    ['the current key at the end of the interval', row(true), current, T + INTERVAL, 'a'],
    ['the current key within the interval', row(false), current, T + INTERVAL - 1, 'b'],
    ['the current key with another attempt, within the interval', row(true, 'k'), { ...current, attemptDigest: 'm' }, T, 'b'],
    ['the current key, by a clock that lags a little', row(false), current, T - MARGIN, 'b'],
    ['the current key, by a clock that lags far behind', row(false), current, T - MARGIN - 1, 'a'],
    ['a second tab within the interval, successor used', row(true), previous, T + INTERVAL - 1, 'c interval'],
    ['a second tab with an attempt of its own', row(true, 'k'), { ...previous, attemptDigest: 'm' }, T + 1, 'c interval'],
    ['a second tab, by a clock that lags a little', row(true), previous, T - MARGIN, 'c interval'],
    ['the attempt that rotated, at once', row(false, 'k'), keyed, T, 'c idempotency'],
    ['the attempt that rotated, months later', row(false, 'k'), keyed, T + MONTHS, 'c idempotency'],
    ['the attempt that rotated, successor used', row(true, 'k'), keyed, T + MONTHS, 'c idempotency'],
    ['the attempt that rotated, by a clock that lags far behind', row(true, 'k'), keyed, T - MONTHS, 'c idempotency'],
    ['a retry without keys at the end of the window', row(false), previous, T + WINDOW - 1, 'c window'],
    ['a retry without keys after the window', row(false), previous, T + WINDOW, 'd'],
    ['a retry without keys, successor used', row(true), previous, T + INTERVAL, 'd'],
    ['a retry without keys, by a clock that lags a little', row(false), previous, T - MARGIN, 'c interval'],
    ['a retry without keys, by a clock that lags far behind', row(false), previous, T - MARGIN - 1, 'd'],
    ['another attempt after the interval: the victim of a thief', row(false, 'k'), { ...previous, attemptDigest: 'm' }, T + INTERVAL, 'd'],
    ['no attempt after a rotation with one: the header left out', row(false, 'k'), previous, T + INTERVAL, 'd'],
    ['an attempt after a rotation without one', row(false), keyed, T + INTERVAL, 'd'],
    ['an older key', row(false), older, T, 'd'],
    ['an older key with the attempt of the last rotation', row(false, 'k'), { ...older, attemptDigest: 'k' }, T, 'd'],
    ['an older key with the generation of the previous one', row(true), { ...older, generation: 4 }, T, 'd'],
    ['an older key without the session key', row(true), { ...older, isMember: false }, T, 'e'],
    ['the current key without the session key', row(true), { ...current, isMember: false }, T, 'e'],
    ['an unknown key of the current generation', row(true), { ...older, generation: 5 }, T, 'e'],
    ['a generation from the future', row(true), { ...older, generation: 6 }, T, 'e'],
    ['the current key with a later generation', row(true), { ...current, generation: 6 }, T + 20_000, 'e'],
  ])('%s', (_title, session, presented, now, rule) => {
    expect(ruleOf(decideRefresh(session, presented, now, POLICY))).toBe(rule);
  }); // prettier-ignore

  it('is the law, for every combination of inputs around the boundaries', () => {
    const seen = new Map<string, number>();
    for (const one of allCases()) {
      const rule = ruleOf(decideRefresh(...one));
      if (rule !== law(...one)) expect([rule, ...one]).toEqual([law(...one), ...one]);
      seen.set(rule, (seen.get(rule) ?? 0) + 1);
    }
    expect([...seen.keys()].toSorted()).toEqual(['a', 'b', 'c idempotency', 'c interval', 'c window', 'd', 'e']);
    expect([...seen.values()].reduce((sum, one) => sum + one)).toBe(10 * 18 * 90 * 18);
  });

  it('never rotates with rotate: false', () => {
    expect(ruleOf(decideRefresh(row(true), current, T + 1e9, { ...POLICY, rotate: false }))).toBe('b');
  });

  it('with an interval of 0 rotates at every use and forgives a retry only, whatever the clocks say', () => {
    const strict = { ...POLICY, reuseInterval: 0 };
    for (const now of [T - MARGIN, T - 1, T, T + 1]) {
      expect(ruleOf(decideRefresh(row(false), current, now, strict))).toBe('a');
      expect(ruleOf(decideRefresh(row(true), previous, now, strict))).toBe('d');
      expect(ruleOf(decideRefresh(row(true, 'k'), { ...keyed, attemptDigest: 'm' }, now, strict))).toBe('d');
      expect(ruleOf(decideRefresh(row(false), previous, now, strict))).toBe('c window');
      expect(ruleOf(decideRefresh(row(false), previous, now, { ...strict, retryWindow: 0 }))).toBe('d');
      expect(ruleOf(decideRefresh(row(true, 'k'), keyed, now, { ...strict, retryWindow: 0 }))).toBe('c idempotency');
    }
  });
});

describe('whatever is presented, whenever', () => {
  const digest = fc.option(fc.constantFrom('k', 'l'));
  const moment = fc.integer({ min: T - 60_000, max: T + 60_000 });
  const anyCase = fc.record({
    row: fc.record({
      generation: fc.integer({ min: 0, max: 6 }),
      rotatedAt: fc.option(moment),
      lastUsedAt: moment,
      rotationKeyDigest: digest,
    }),
    presented: fc.record({
      generation: fc.integer({ min: 0, max: 7 }),
      key: fc.constantFrom<PresentedRefresh['key']>('current', 'previous', 'unknown'),
      isMember: fc.boolean(),
      attemptDigest: digest,
    }),
    now: moment,
    policy: fc.record({
      rotate: fc.boolean(),
      reuseInterval: fc.integer({ min: 0, max: 60_000 }),
      retryWindow: fc.integer({ min: 0, max: 120_000 }),
      clockMargin: fc.integer({ min: 0, max: 60_000 }),
    }),
  });
  type AnyCase = typeof anyCase extends fc.Arbitrary<infer One> ? One : never;
  const property = (check: (one: AnyCase, decision: RefreshDecision, rule: string) => void) =>
    fc.assert(
      fc.property(anyCase, (one) => {
        const decision = decideRefresh(one.row, one.presented, one.now, one.policy);
        check(one, decision, ruleOf(decision));
      }),
      { numRuns: often(1_000, 5_000) },
    );

  it('the law holds', () => {
    property(({ row: session, presented, now, policy }, _decision, rule) =>
      expect(rule).toBe(law(session, presented, now, policy)),
    );
  });

  it('a session ends only for proven members of a generation that has passed', () => {
    property(({ row: session, presented }, { kind }) => {
      if (kind === 'replay')
        expect([presented.isMember, presented.generation < session.generation]).toEqual([true, true]);
    });
  });

  it('tokens are given only to members, for the current key or the one before it', () => {
    property(({ row: session, presented }, { kind }) => {
      const { isMember, key, generation } = presented;
      if (kind === 'rotate' || kind === 'same')
        expect([isMember, key, generation]).toEqual([true, 'current', session.generation]);
      if (kind === 'successor') expect([isMember, key, generation]).toEqual([true, 'previous', session.generation - 1]);
    });
  });

  it('a member is never refused the current key of the current generation', () => {
    property(({ row: session, presented }, { kind }) => {
      const { isMember, key, generation } = presented;
      if (isMember && key === 'current' && generation === session.generation)
        expect(['rotate', 'same']).toContain(kind);
    });
  });

  it('the attempt that rotated gets its successor, whatever the time', () => {
    property(({ row: session, presented }, _decision, rule) => {
      const isRetry = presented.attemptDigest !== null && presented.attemptDigest === session.rotationKeyDigest;
      const bearsPrevious = presented.key === 'previous' && presented.generation === session.generation - 1;
      if (isRetry && bearsPrevious && presented.isMember && session.rotatedAt !== null)
        expect(rule).toBe('c idempotency');
    });
  });

  it('another attempt, or one key too few, is forgiven within the reuse interval at most', () => {
    property(({ row: session, presented, now, policy }, _decision, rule) => {
      if (presented.attemptDigest === session.rotationKeyDigest || !rule.startsWith('c')) return;
      expect(rule).toBe('c interval');
      expect(now - session.rotatedAt!).toBeLessThan(policy.reuseInterval);
      expect(session.rotatedAt! - now).toBeLessThanOrEqual(policy.clockMargin);
    });
  });

  it('nobody is forgiven longer than the window and the difference of clocks it bears, but a retry with its key', () => {
    property(({ row: session, now, policy }, decision) => {
      if (decision.kind !== 'successor' || decision.why === 'idempotency') return;
      const longest = Math.max(policy.reuseInterval, policy.retryWindow);
      expect(now - session.rotatedAt!).toBeLessThan(longest);
      expect(now - session.rotatedAt!).toBeGreaterThanOrEqual(-policy.clockMargin);
    });
  });

  it('a clock that moves on forgives no more than before', () => {
    const forgiving = (rule: string) => rule.startsWith('c') || rule === 'b';
    property(({ row: session, presented, now, policy }, _decision, rule) => {
      if (session.rotatedAt !== null && session.rotatedAt > now + policy.clockMargin) return;
      const later = ruleOf(decideRefresh(session, presented, now + 7_000, policy));
      if (!forgiving(rule)) expect(forgiving(later)).toBe(false);
    });
  });
});
