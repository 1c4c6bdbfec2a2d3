import type { Step } from './explore';
import { carryOut, helpOf, isNoteUnderWay, type Judged, marksOf, use, verdictOf } from './refreshing';
import { MISHAPS, type State, type Thief, type World } from './world';

/** A thief who has copied the store once, and refreshes with what was in it. */
export function thiefSteps(world: World, state: State): Step<State>[] {
  const { thief, row } = state;
  const copies = copiesOf(state);
  if (!thief) return copies;
  // With the signing key the generation can be said to be any.
  const others = world.mishaps.includes(MISHAPS.leaked) ? [row.gen - 1, row.gen, row.gen + 1] : [];
  const tries = [...new Set([thief.token.gen, ...others])].flatMap((gen) =>
    refreshesOf(world, state, { ...thief.token, gen }),
  );
  const uses = world.server.clocks.flatMap((_, by) => {
    if (thief.token.gen !== row.gen || (row.isUsed && !world.server.noteOf(row, row.gen, by))) return [];
    const next = use(world, state, row.gen, by);
    return [{ label: `the thief uses the access token of R${row.gen}`, next }];
  });
  return [...copies, ...tries, ...uses];
}

function copiesOf(state: State): Step<State>[] {
  const { thief, stores, pending } = state;
  const copy: Thief = { token: stores[0]!, attempt: pending[0] ?? null };
  if (thief && thief.token.key === copy.token.key && (copy.attempt === null || copy.attempt === thief.attempt))
    return [];
  if (thief) {
    const label = `the thief copies R${copy.token.gen} again`;
    return [{ label, next: { ...state, thief: copy }, because: [MISHAPS.storeReadAgain] }];
  }
  const label = `the thief copies R${copy.token.gen}`;
  const alone: Step<State> = { label, next: { ...state, thief: { ...copy, attempt: null } } };
  if (copy.attempt === null) return [alone];
  const withKey = { label: `${label} and key ${copy.attempt}`, next: { ...state, thief: copy } };
  return [alone, { ...withKey, because: [MISHAPS.keyCopied] }];
}

function refreshesOf(world: World, state: State, token: Thief['token']): Step<State>[] {
  const { thief, freshAttempt } = state;
  const keys = [null, freshAttempt, ...(thief!.attempt === null ? [] : [thief!.attempt])];
  return world.server.clocks.flatMap((_, server) =>
    keys.map((attempt) => refreshes(world, state, { token, attempt, server })),
  );
}

function refreshes(world: World, state: State, request: Judged['request']): Step<State> {
  const { row, thief, freshAttempt } = state;
  const { token, attempt } = request;
  const decision = world.server.decide(row, request);
  const judged: Judged = { request, by: 'thief', read: row, isNoteUnderWay: isNoteUnderWay(state), decision };
  const outcome = carryOut(world, state, judged);
  const because = helpOf(world.server, judged);
  if (state.notes.length > 0) because.push(MISHAPS.noteUnderWay);
  if (token.gen !== thief!.token.gen) because.push(MISHAPS.leaked);
  const label = `the thief sends R${token.gen}${attempt === null ? '' : `, key ${attempt}`}${verdictOf(world.server, judged)}`;
  const used = { ...outcome.state, freshAttempt: Math.max(freshAttempt, (attempt ?? 0) + 1) };
  if (outcome.isReplay) return { label, next: state, because, outcome: 'ended' };
  if (!outcome.answer) return { label, next: used, because };
  const isOther = outcome.answer.key !== thief!.token.key;
  const next = { ...used, thief: { token: outcome.answer, attempt: isOther ? null : thief!.attempt } };
  return { label, next, because, is: marksOf(world.server, judged) };
}
