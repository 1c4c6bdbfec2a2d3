import { allowing, type Edge, Histories, shortestWay, smallestSets } from './explore';
import { loops, shortestLoop } from './loops';
import { modelOf } from './refresh-model';
import type { State, World } from './world';

/** A world, and the circumstances that are so in it from the beginning. */
export interface Scenario {
  because: readonly string[];
  world: World;
}

/** The least that must come together for something to happen, and the shortest history in which it does. */
export interface Finding {
  what: string;
  circumstances: string[];
  history: string;
}

export interface Findings {
  states: number;
  found: Finding[];
}

/** The shortest history in which something happens, with no other circumstances than those of the mask; null for none. */
type Look = (histories: Histories<State>, mask: number) => string | null;

const meets = (goal: (edge: Edge) => boolean): Look => reaches([goal]);

/** One after the other. */
function reaches(goals: readonly ((edge: Edge) => boolean)[]): Look {
  return (histories, mask) => {
    const advance = (phase: number, edge: Edge) => (goals[phase]!(edge) ? phase + 1 : phase);
    const way = shortestWay(histories, { allows: allowing(mask), advance, goal: goals.length });
    return way && histories.tell(way).join('; ');
  };
}

/** Again and again, for ever. A round without a successor, which would emit `refresh.retried`, is preferred. */
function goesOn(needs: readonly string[], without?: string): Look {
  return (histories, mask) => {
    const allows = (edge: Edge) => allowing(mask)(edge) && !(without && edge.is.has(without));
    if (!loops(histories, allows, needs)) return null;
    const untold = (edge: Edge) => allows(edge) && !edge.is.has('successor');
    const isUntold = loops(histories, untold, needs);
    const { way, round } = shortestLoop(histories, isUntold ? untold : allows, needs)!;
    const told = histories.tell([...way, ...round]);
    return `${told.slice(0, way.length).join('; ')} | ${told.slice(way.length).join('; ')}`;
  };
}

/** To be found in every way in which it can happen. */
export const LOOKS = {
  user: { 'is logged out': meets(({ outcome }) => outcome === 'ended' || outcome === 'refused') },
  thief: {
    'is not found when the victim refreshes': reaches([
      ({ is }) => is.has('thief refreshes'),
      ({ is }) => is.has('user refreshes'),
    ]),
    'goes on beside the victim': goesOn(['thief refreshes', 'user refreshes', 'rotate']),
    'goes on alone': goesOn(['thief refreshes', 'rotate'], 'user refreshes'),
  },
  nobody: {},
} satisfies Record<string, Record<string, Look>>;

/** The mask of all circumstances. */
const ALL = -1;

/** To be found nowhere. */
const NEVER: Readonly<Record<string, (edge: Edge) => boolean>> = {
  'there are two families': ({ outcome }) => outcome === 'two families',
  'tokens are forged': ({ outcome }) => outcome === 'forged',
  'the victim is turned away without an alarm': ({ is }) => is.has('turned away'),
  'a use does not count': ({ is }) => is.has('a use that does not count'),
  'somebody is forgiven too late': ({ is }) => is.has('too late'),
};

const isWithin = (some: readonly string[], all: readonly string[]) => some.every((one) => all.includes(one));

/** Whether it is found already, under no more circumstances than these. */
const isKnown = (found: readonly Finding[], what: string, circumstances: readonly string[]) =>
  found.some((one) => one.what === what && isWithin(one.circumstances, circumstances));

/** Adds what is new in a scenario. Returns the number of its states. */
function lookInto({ because, world }: Scenario, looks: Readonly<Record<string, Look>>, found: Finding[]): number {
  const isNew = (circumstances: readonly string[]) => {
    const names = Object.keys(looks);
    return names.length === 0 || names.some((what) => !isKnown(found, what, circumstances));
  };
  if (!isNew(because)) return 0;
  // What is enough on its own tells nothing new together with others.
  const mishaps = world.mishaps.filter((one) => isNew([...because, one]));
  const histories = new Histories(modelOf({ ...world, mishaps }));
  const circumstancesOf = (mask: number) => [...new Set([...because, ...histories.namesOf(mask)])];
  for (const [what, look] of Object.entries(looks)) {
    const happens = (mask: number) => !isKnown(found, what, circumstancesOf(mask)) && look(histories, mask) !== null;
    for (const mask of smallestSets(histories.circumstances.length, happens))
      found.push({ what, circumstances: circumstancesOf(mask), history: look(histories, mask)! });
  }
  for (const [what, goal] of Object.entries(NEVER)) {
    if (!histories.edges.some((edges) => edges.some(goal))) continue;
    found.push({ what, circumstances: [...because], history: meets(goal)(histories, ALL)! });
  }
  return histories.size;
}

/** Every smallest set of circumstances, over all scenarios, under which one of `looks` happens. */
export function findAll(scenarios: readonly Scenario[], looks: Readonly<Record<string, Look>>): Findings {
  const found: Finding[] = [];
  const states = scenarios.map((scenario) => lookInto(scenario, looks, found)).reduce((sum, one) => sum + one);
  const isSmallest = ({ what, circumstances }: Finding) =>
    !found.some(
      (other) =>
        other.what === what &&
        other.circumstances.length < circumstances.length &&
        isWithin(other.circumstances, circumstances),
    );
  return { states, found: found.filter(isSmallest) };
}
