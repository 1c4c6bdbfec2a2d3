import type { Scenario } from './findings';
import { type Rules, SessionServer, THE_RULES } from './session-server';
import { MISHAPS, type World } from './world';

/** What is so from the beginning. */
export const SETTINGS = {
  noKeys: 'the client sends no key',
  noLock: 'two tabs share a store without a lock',
  twoStores: 'two tabs have a store each',
  strict: 'reuseInterval is 0',
  clocksApart: MISHAPS.clocksApart,
} as const;

const POLICY = { rotate: true, reuseInterval: 10_000, retryWindow: 300_000, clockMargin: 15_000 };
const STRICT = { ...POLICY, reuseInterval: 0 };

/** Of two servers: by less than `reuseInterval`, and by more than any margin. */
const CLOCKS = [
  [0, 5_000],
  [0, 3_600_000],
];

const { lost, late, slow, forgotten, overwritten, noteUnderWay, restored, leaked } = MISHAPS;
const { storeReadAgain, keyCopied, inStep, clocksApart, inWindow, windowPasses } = MISHAPS;

interface Setting extends Partial<Omit<World, 'server'>> {
  because?: (keyof typeof SETTINGS)[];
  policy?: typeof POLICY;
  clocks?: number[];
}

const scenarioOf = (rules: Rules, { because = [], policy = POLICY, clocks = [0], ...change }: Setting): Scenario => ({
  because: because.map((name) => SETTINGS[name]),
  world: {
    server: new SessionServer(policy, clocks, rules),
    tabs: [0],
    keysIn: 'store',
    hasThief: false,
    hasRaces: false,
    mishaps: [],
    ...change,
  },
});

/** How honest clients may be built. The first one is that of the documentation: a lock makes one of all tabs of a store. */
const CLIENTS: readonly Setting[] = [
  {},
  { because: ['noKeys'], keysIn: null },
  { because: ['noLock'], tabs: [0, 0], keysIn: 'tab' },
  { because: ['noLock'], tabs: [0, 0] },
  { because: ['noLock', 'noKeys'], tabs: [0, 0], keysIn: null },
];

/** Nothing needs to happen to these: with all that may, they have most histories of all. */
const TWO_STORES: readonly Setting[] = [{ because: ['twoStores'], tabs: [0, 1] }];

const also = (name: keyof typeof SETTINGS, setting: Setting): Setting => ({
  ...setting,
  because: [...(setting.because ?? []), name],
});

/** Honest users, with all that may happen to them. */
export function honestScenarios(rules: Rules = THE_RULES): Scenario[] {
  const mishaps = [lost, late, slow, windowPasses, forgotten, overwritten, leaked];
  const clients = CLIENTS.map((one) => ({
    mishaps: one.keysIn === null ? [...mishaps, noteUnderWay] : mishaps,
    ...one,
  }));
  return [
    { mishaps: [restored, lost] },
    ...TWO_STORES,
    ...clients,
    ...clients.map((one) => ({ ...one, hasRaces: true })),
    ...clients.map((one) => ({ ...also('strict', one), policy: STRICT })),
    ...CLOCKS.toReversed().flatMap((clocks) => clients.map((one) => ({ ...also('clocksApart', one), clocks }))),
  ].map((setting) => scenarioOf(rules, setting));
}

/** A thief beside a victim whose client sends keys, or none. */
export function thiefScenarios({
  rules = THE_RULES,
  isStrict = false,
}: { rules?: Rules; isStrict?: boolean } = {}): Scenario[] {
  const policy = isStrict ? STRICT : POLICY;
  const mishaps = [lost, late, slow, forgotten, storeReadAgain, keyCopied, inStep, clocksApart, inWindow, windowPasses];
  // Two clocks make many histories: the victim's bad luck is left to the others.
  const onTwoClocks = { mishaps: mishaps.filter((one) => one !== late && one !== forgotten) };
  const all: Setting[] = [
    { mishaps },
    { because: ['noKeys'], keysIn: null, mishaps: [...mishaps, noteUnderWay] },
    { because: ['noLock'], tabs: [0, 0], keysIn: 'tab', mishaps: [lost, clocksApart, inWindow] },
    { mishaps: [lost, leaked] },
    ...CLOCKS.flatMap((clocks): Setting[] => [
      { because: ['clocksApart'], clocks, ...onTwoClocks },
      { because: ['noKeys', 'clocksApart'], keysIn: null, clocks, ...onTwoClocks },
    ]),
  ];
  return all.map((setting) => scenarioOf(rules, { ...setting, hasThief: true, policy }));
}

/** Clients that get in each other's way as much as they can, between reading the row and writing it. */
export const racingScenarios = (rules: Rules = THE_RULES): Scenario[] =>
  [{ keysIn: 'store' }, { keysIn: null }].map((keys) =>
    scenarioOf(rules, {
      ...(keys as Setting),
      because: ['twoStores'],
      tabs: [0, 1],
      policy: STRICT,
      hasRaces: true,
      mishaps: [lost, late, slow],
    }),
  );
