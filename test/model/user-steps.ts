import type { Step } from './explore';
import { carryOut, helpOf, isNoteUnderWay, type Judged, marksOf, use, verdictOf } from './refreshing';
import { type Message, MISHAPS, type State, type World } from './world';

/** Two tabs, and a request that was given up. */
const MOST_MESSAGES = 3;
/** Where the keys of a backup come back, every rotation makes another state: histories must end. */
const MOST_GENERATIONS = 3;

const nameOf = (tab: number) => `tab ${tab + 1}`;

/** What the user's tabs, and the network between them and the servers, may do next. */
export function userSteps(world: World, state: State): Step<State>[] {
  const steps: Step<State>[] = [];
  if (state.isTurnedAway) return steps;
  for (const tab of idleTabs(world, state)) steps.push(...sends(world, state, tab));
  state.wire.forEach((message, index) => {
    if (message.stage === 'sent') steps.push(...arrives(world, state, index), ...givesUp(state, index));
    if (message.stage === 'read') steps.push(isCarriedOut(world, state, index, message.judged!.server));
    if (message.stage === 'answered') steps.push(...isAnswered(world, state, index));
  });
  for (const { gen } of state.stores) {
    const uses = [gen, gen - 1].flatMap((one) => world.server.clocks.map((_, by) => [one, by] as const));
    for (const [generation, by] of uses) {
      if (!world.server.noteOf(state.row, generation, by)) continue;
      const next = use(world, state, generation, by);
      steps.push({ label: `the user uses the access token of R${generation}`, next });
    }
  }
  return steps;
}

const without = (wire: readonly Message[], index: number) => wire.filter((_, one) => one !== index);
const withOther = (wire: readonly Message[], index: number, message: Message) =>
  wire.map((one, at) => (at === index ? message : one));

/** Of tabs that share all they have, the first one. */
function idleTabs({ tabs, keysIn }: World, { wire }: State): number[] {
  const idle = [...tabs.keys()].filter((tab) => !wire.some((one) => one.tab === tab && !one.isAbandoned));
  return keysIn === 'tab'
    ? idle
    : idle.filter((tab, index) => idle.findIndex((one) => tabs[one] === tabs[tab]) === index);
}

/** A tab draws a key, or takes the one that was kept, keeps it, and sends. */
function sends(world: World, state: State, tab: number): Step<State>[] {
  const { wire, stores, freshAttempt } = state;
  const store = world.tabs[tab]!;
  const isBounded = world.mishaps.includes(MISHAPS.restored) && state.row.gen >= MOST_GENERATIONS;
  if (isBounded || wire.length >= MOST_MESSAGES) return [];
  const token = stores[store]!;
  const send = (attempt: number | null, change: Partial<State> = {}): Step<State>[] => {
    const message: Message = { tab, token, attempt, stage: 'sent', isAbandoned: false };
    const label = `${nameOf(tab)} sends R${token.gen}${attempt === null ? '' : `, key ${attempt}`}`;
    return [{ label, next: { ...state, ...change, wire: [...wire, message] } }];
  };
  if (!world.keysIn) return send(null);
  const place = world.keysIn === 'tab' ? tab : store;
  const kept = state.pending[place]!;
  if (kept !== null) return send(kept);
  const pending = state.pending.with(place, freshAttempt);
  return send(freshAttempt, { pending, freshAttempt: freshAttempt + 1 });
}

function givesUp(state: State, index: number): Step<State>[] {
  const message = state.wire[index]!;
  if (message.isAbandoned || state.wire.some((one) => one.isAbandoned)) return [];
  const wire = withOther(state.wire, index, { ...message, isAbandoned: true });
  const label = `${nameOf(message.tab)} gives up, its request is still under way`;
  return [{ label, next: { ...state, wire }, because: [MISHAPS.late] }];
}

function arrives(world: World, state: State, index: number): Step<State>[] {
  const message = state.wire[index]!;
  return world.server.clocks.map((_, server) => {
    const decision = world.server.decide(state.row, { ...message, server });
    const plan = { decision, read: state.row, server, isNoteUnderWay: isNoteUnderWay(state) };
    const judged: Message = { ...message, stage: 'read', judged: plan };
    const next = { ...state, wire: withOther(state.wire, index, judged) };
    if (!world.hasRaces) return isCarriedOut(world, next, index, server);
    return { label: `R${message.token.gen} of ${nameOf(message.tab)} arrives`, next };
  });
}

function isCarriedOut(world: World, state: State, index: number, server: number): Step<State> {
  const { judged: plan, ...message } = state.wire[index]!;
  const judged: Judged = { request: { ...message, server }, by: 'user', ...plan! };
  const outcome = carryOut(world, state, judged);
  const label = `R${message.token.gen} of ${nameOf(message.tab)}${verdictOf(world.server, judged)}`;
  // A request that is still under way while newer tokens come and go is late.
  const isOvertaken = state.wire.some(({ stage, token }) => stage === 'sent' && token.gen < message.token.gen);
  const because = [
    ...helpOf(world.server, judged),
    ...(state.notes.length > 0 ? [MISHAPS.noteUnderWay] : []),
    ...(isOvertaken ? [MISHAPS.late] : []),
  ];
  const step = (wire: readonly Message[], more: Partial<Step<State>> = {}): Step<State> => {
    return { label, next: { ...outcome.state, wire }, because, ...more };
  };
  if (outcome.isReplay) return step([], { outcome: 'ended' });
  if (outcome.isDecidedAgain) return step(withOther(state.wire, index, { ...message, stage: 'sent' }));
  const is = marksOf(world.server, judged);
  if (!outcome.answer) {
    if (message.isAbandoned) return step(without(state.wire, index));
    if (!world.hasThief) return step([], { outcome: 'refused' });
    return step(without(state.wire, index), {
      next: { ...outcome.state, wire: [], isTurnedAway: true },
      is: ['turned away'],
    });
  }
  if (message.isAbandoned) return step(without(state.wire, index), { is });
  const answered: Message = { ...message, stage: 'answered', answer: outcome.answer };
  return step(withOther(state.wire, index, answered), { is });
}

function isAnswered(world: World, state: State, index: number): Step<State>[] {
  const message = state.wire[index]!;
  const answer = message.answer!;
  const { gen } = state.stores[world.tabs[message.tab]!]!;
  const wire = without(state.wire, index);
  const what = `the answer R${answer.gen} to ${nameOf(message.tab)}`;
  const isOld = answer.gen < gen;
  const overwrites: Step<State>[] = isOld
    ? [{ label: `${what} is stored`, next: stored(world, state, index), because: [MISHAPS.overwritten] }]
    : [];
  if (message.isAbandoned) return overwrites;
  const given = { ...state, wire: withOther(state.wire, index, { ...message, isAbandoned: true }) };
  const isTaken = state.wire.some((one) => one.isAbandoned);
  return [
    isOld
      ? { label: `${what} is ignored`, next: { ...forgets(state, message), wire } }
      : { label: `${what} arrives`, next: stored(world, state, index) },
    { label: `${what} is lost`, next: { ...state, wire }, because: [MISHAPS.lost] },
    ...(isTaken ? [] : [{ label: `${what} comes too late`, next: given, because: [MISHAPS.lost] }]),
    ...overwrites,
  ];
}

/** The answer is stored, and with it the keys go that belong to the token before. */
function stored(world: World, state: State, index: number): State {
  const message = state.wire[index]!;
  const store = world.tabs[message.tab]!;
  const isOther = message.answer!.gen !== state.stores[store]!.gen;
  const isOfStore = (place: number) => (world.keysIn === 'tab' ? world.tabs[place] : place) === store;
  const kept = forgets(state, message);
  return {
    ...kept,
    stores: state.stores.with(store, message.answer!),
    pending: isOther ? kept.pending.map((one, place) => (isOfStore(place) ? null : one)) : kept.pending,
    wire: without(state.wire, index),
  };
}

/** The key of a refresh goes with its answer; that of another refresh stays. */
function forgets(state: State, { attempt }: Message): State {
  return { ...state, pending: state.pending.map((one) => (one === attempt ? null : one)) };
}
