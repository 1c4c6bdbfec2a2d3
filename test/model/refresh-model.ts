import type { Model, Step } from './explore';
import { isOfTheFamily } from './session-server';
import { thiefSteps } from './thief-steps';
import { userSteps } from './user-steps';
import { identityOf, LOGIN, MISHAPS, startOf, type State, type World } from './world';

/** The library, its clients and a thief, as what may happen from any state on. */
export function modelOf(world: World): Model<State> {
  const happens = ({ because = [] }: Step<State>) => because.every((one) => world.mishaps.includes(one));
  return {
    start: startOf(world),
    identity: (state) => identityOf(state, world),
    steps: (state) =>
      [
        ...userSteps(world, state),
        ...(world.hasThief ? thiefSteps(world, state) : []),
        ...courseOfThings(world, state),
        ...outsiderSteps(world, state),
      ]
        .filter(happens)
        .map((step) => (step.outcome === undefined && forks(step.next) ? { ...step, outcome: 'two families' } : step)),
  };
}

function courseOfThings({ server, mishaps }: World, state: State): Step<State>[] {
  const { row, wire, notes, pending } = state;
  const steps: Step<State>[] = [];
  notes.forEach((note, index) => {
    const next = { ...state, row: server.write(row, note), notes: notes.toSpliced(index, 1) };
    steps.push({ label: `the use of R${note.gen} is noted`, next });
  });
  const age = server.ages.find((one) => row.rotation && one > row.rotation.age);
  if (row.rotation && age) {
    const because = [
      ...(age >= server.policy.retryWindow ? [MISHAPS.windowPasses] : []),
      ...(wire.some(({ stage }) => stage !== 'answered') ? [MISHAPS.late] : []),
      ...(wire.some(({ stage, isAbandoned }) => stage === 'answered' && !isAbandoned) ? [MISHAPS.slow] : []),
      ...(notes.length > 0 ? [MISHAPS.noteUnderWay] : []),
    ];
    const next = { ...state, row: { ...row, rotation: { ...row.rotation, age } } };
    steps.push({ label: `the rotation is ${age / 1_000} s old`, next, because });
  }
  pending.forEach((attempt, place) => {
    if (attempt === null) return;
    const next = { ...state, pending: pending.with(place, null) };
    steps.push({ label: `key ${attempt} is forgotten`, next, because: [MISHAPS.forgotten] });
  });
  if (mishaps.includes(MISHAPS.restored) && !state.isRestored && row.rotation) {
    const next = { ...state, row: LOGIN, isRestored: true };
    steps.push({ label: 'the backup of the login is restored', next, because: [MISHAPS.restored] });
  }
  return steps;
}

/** Somebody with the signing key, but no key of the session. */
function outsiderSteps({ server, mishaps }: World, state: State): Step<State>[] {
  if (!mishaps.includes(MISHAPS.leaked)) return [];
  const { row } = state;
  return [row.gen - 1, row.gen, row.gen + 1].flatMap((gen) => {
    const request = { token: { gen, key: -1 }, attempt: null, server: 0, isMember: false };
    const { kind } = server.decide(row, request);
    const outcome = kind === 'replay' ? 'ended' : 'forged';
    if (kind === 'invalid') return [];
    return [{ label: `an outsider sends R${gen}: ${kind}`, next: state, because: [MISHAPS.leaked], outcome }];
  });
}

function forks({ row, stores, wire, thief, isRestored }: State): boolean {
  if (isRestored) return false;
  const answers = wire.flatMap(({ answer }) => answer ?? []);
  return [...stores, ...answers, ...(thief ? [thief.token] : [])].some((token) => !isOfTheFamily(row, token));
}
