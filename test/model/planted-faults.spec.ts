import { describe, expect, it } from 'vitest';
import type { RetryReason } from '../../lib/contracts/events';
import type {
  decideRefresh,
  PresentedRefresh,
  RefreshDecision,
  RotationState,
} from '../../lib/sessions/refresh-decision';
import { findAll, LOOKS, type Scenario } from './findings';
import { honestScenarios, racingScenarios, SETTINGS, thiefScenarios } from './scenarios';
import { type Rules, THE_RULES } from './session-server';
import { MISHAPS } from './world';

const { lost, windowPasses, noteUnderWay, restored, leaked, inStep, inWindow } = MISHAPS;
const { noKeys, noLock, twoStores, clocksApart } = SETTINGS;

type Decide = typeof decideRefresh;
const { decide } = THE_RULES;

/** The rules, as they are for another row, token or policy. */
const seeing =
  (
    change: (row: RotationState, token: PresentedRefresh) => { row?: object; token?: object; policy?: object },
  ): Decide =>
  (row, presented, now, policy) => {
    const other = change(row, presented);
    return decide({ ...row, ...other.row }, { ...presented, ...other.token }, now, { ...policy, ...other.policy });
  };

/** The rules, with other reasons to forgive the key before the current one. */
const forgiving =
  (why: (row: RotationState, token: PresentedRefresh, isWithinInterval: boolean) => RetryReason | null): Decide =>
  (row, presented, now, policy) => {
    const isPrevious = presented.key === 'previous' && presented.generation === row.generation - 1;
    if (!isPrevious || !presented.isMember) return decide(row, presented, now, policy);
    const reason = why(row, presented, now - row.rotatedAt! < policy.reuseInterval);
    return reason ? { kind: 'successor', why: reason } : { kind: 'replay' };
  };

/** The rules, with one decision for another. */
const turning =
  (from: RefreshDecision['kind'], to: 'replay' | 'invalid', isMeant = (_token: PresentedRefresh) => true): Decide =>
  (row, presented, now, policy) => {
    const decision = decide(row, presented, now, policy);
    return decision.kind === from && isMeant(presented) ? { kind: to } : decision;
  };

const byGeneration = (row: RotationState, { generation }: PresentedRefresh) =>
  generation === row.generation ? 'current' : generation === row.generation - 1 ? 'previous' : 'unknown';

interface Fault {
  title: string;
  rules: Partial<Rules>;
  /** Where it shows: in the first scenario of this setting, or the one that is picked. */
  in: 'user' | 'thief' | 'strict thief' | 'race';
  setting?: string[];
  pick?: (scenario: Scenario) => boolean;
  /** What is found, and was not before. */
  what: string;
  circumstances?: string[];
  /** What must be able to happen besides. */
  also?: string[];
  history?: RegExp;
}

const scenariosOf = (where: Fault['in'], rules: Rules) => {
  if (where === 'user') return honestScenarios(rules);
  if (where === 'race') return racingScenarios(rules);
  return thiefScenarios({ rules, isStrict: where === 'strict thief' });
};
const withMishap =
  (mishap: string) =>
  ({ world }: Scenario) =>
    world.mishaps.includes(mishap);
const GOES_ON = 'goes on beside the victim';
const LOGGED_OUT = 'is logged out';
const USELESS = 'a use does not count';
const FAMILIES = 'there are two families';

const FAULTS: Fault[] = [
  { title: 'an unused successor is given out without limit, keys or none', in: 'thief', what: GOES_ON, circumstances: [inWindow], rules: { decide: forgiving((row, _token, isWithin) => (isWithin ? 'interval' : row.lastUsedAt <= row.rotatedAt! ? 'window' : null)) } },
  { title: 'only the key of the request is asked for', in: 'thief', what: GOES_ON, circumstances: [inWindow], rules: { decide: seeing((_row, token) => (token.attemptDigest === null ? { row: { rotationKeyDigest: null } } : {})) } },
  { title: 'only the key of the rotation is asked for', in: 'thief', what: GOES_ON, circumstances: [inWindow], rules: { decide: seeing((row) => (row.rotationKeyDigest === null ? { token: { attemptDigest: null } } : {})) } },
  { title: 'no key is the same as no key', in: 'thief', setting: [noKeys], what: GOES_ON, rules: { decide: forgiving((row, token, isWithin) => (token.attemptDigest === row.rotationKeyDigest ? 'idempotency' : isWithin ? 'interval' : null)) } },
  { title: 'the window has no end', in: 'thief', setting: [noKeys], what: 'somebody is forgiven too late', also: [windowPasses, clocksApart], rules: { decide: seeing(() => ({ policy: { retryWindow: Infinity } })) } },
  { title: 'there is no window', in: 'user', setting: [noKeys], what: LOGGED_OUT, circumstances: [noKeys, lost], rules: { decide: seeing(() => ({ policy: { retryWindow: 0 } })) } },
  { title: 'there is no interval', in: 'user', setting: [noLock], what: LOGGED_OUT, rules: { decide: seeing((_row, { key }) => (key === 'previous' ? { policy: { reuseInterval: 0 } } : {})) } },
  { title: 'no retry is known by its key', in: 'user', pick: withMishap(leaked), what: LOGGED_OUT, circumstances: [lost], rules: { decide: seeing((_row, { attemptDigest }) => ({ token: { attemptDigest: attemptDigest && 'another' } })) } },
  { title: 'the window is open though the successor was used', in: 'thief', setting: [noKeys], what: USELESS, also: [inWindow, noteUnderWay], rules: { decide: seeing(({ rotatedAt }) => ({ row: { lastUsedAt: rotatedAt ?? 0 } })) } },
  { title: 'the generation decides, whatever the key', in: 'thief', pick: withMishap(leaked), what: FAMILIES, also: [leaked, inStep], rules: { decide: seeing((row, token) => ({ token: { key: byGeneration(row, token) } })) } },
  { title: 'an unknown key is a replay, whatever the generation', in: 'user', pick: withMishap(restored), what: LOGGED_OUT, circumstances: [restored], history: /: replay$/, rules: { decide: turning('invalid', 'replay', ({ isMember }) => isMember) } },
  { title: 'nobody must be a member', in: 'user', pick: withMishap(leaked), what: LOGGED_OUT, circumstances: [leaked], rules: { decide: seeing(() => ({ token: { isMember: true } })) } },
  { title: 'a replay is refused, and the session goes on', in: 'thief', what: 'the victim is turned away without an alarm', rules: { decide: turning('replay', 'invalid') } },
  { title: 'a rotation from far ahead is a recent one', in: 'thief', setting: [clocksApart], pick: ({ world }) => world.server.clocks[1]! > 60_000, what: GOES_ON, rules: { decide: seeing(() => ({ policy: { clockMargin: Infinity } })) } },
  { title: 'an interval of 0 forgives on a clock that lags', in: 'strict thief', setting: [clocksApart], what: GOES_ON, rules: { decide: (row, token, now, policy) => (token.key === 'previous' && now < row.rotatedAt! ? { kind: 'successor', why: 'interval' } : decide(row, token, now, policy)) } },
  { title: 'the note of a delivery is dropped', in: 'thief', setting: [noKeys], what: USELESS, also: [inWindow, noteUnderWay], rules: { notesArrive: false } },
  { title: 'the note of a delivery is dropped while an older one is under way', in: 'thief', setting: [noKeys], what: USELESS, also: [inWindow, noteUnderWay], rules: { notesHavePlaces: false } },
  { title: 'the note of a delivery is written to a later generation', in: 'user', setting: [noKeys], what: LOGGED_OUT, circumstances: [noKeys, lost, noteUnderWay], rules: { notesAreConditional: false } },
  { title: 'an old access token proves a delivery', in: 'user', setting: [noKeys], what: LOGGED_OUT, circumstances: [noKeys, lost], rules: { provesDelivery: (token, row) => token <= row } },
  { title: 'a use is noted by the clock alone', in: 'thief', setting: [noKeys, clocksApart], what: USELESS, also: [inWindow], rules: { usedAt: (now) => now } },
  { title: 'a rotation is written over whatever is there', in: 'race', setting: [twoStores], what: FAMILIES, rules: { rotationsAreConditional: false } },
  { title: 'a rotation that came too late is answered', in: 'race', setting: [twoStores], what: FAMILIES, rules: { isDecidedAgain: false } },
  { title: 'the salt of a rotation is not kept', in: 'race', also: [lost], setting: [twoStores], what: FAMILIES, rules: { isSaltStored: false } },
]; // prettier-ignore

describe('the histories show it', () => {
  it.each(FAULTS.map((fault) => [fault.title, fault] as const))('if %s', (_title, fault) => {
    const { setting = [], pick = () => true, what, circumstances = setting } = fault;
    const looks = Object.entries(fault.in === 'user' ? LOOKS.user : LOOKS.thief).filter(([name]) => name === what);
    const mishaps = [...circumstances, ...(fault.also ?? [])];
    const show = (rules: Rules) => {
      const ofSetting = scenariosOf(fault.in, rules).filter(({ because }) => because.join() === setting.join());
      const { because, world } = ofSetting.find(pick)!;
      const { found } = findAll([{ because, world: { ...world, mishaps } }], Object.fromEntries(looks));
      return found
        .filter((one) => one.what === what && (fault.history ?? /./).test(one.history))
        .map((one) => one.circumstances.toSorted());
    };
    expect(show({ ...THE_RULES, ...fault.rules })).toContainEqual(circumstances.toSorted());
    expect(show(THE_RULES)).not.toContainEqual(circumstances.toSorted());
  });
});
