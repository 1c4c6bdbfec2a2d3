import type { RefreshDecision } from '../../lib/sessions/refresh-decision';
import type { Request, Row, SessionServer, Token } from './session-server';
import { MISHAPS, type State, type World } from './world';

/** To keep the histories finite, one more is written at once. */
const MOST_NOTES = 2;

export type Party = 'user' | 'thief';

/** A refresh whose row has been read. */
export interface Judged {
  request: Request;
  by: Party;
  read: Row;
  /** Whether a use of that row was still to be noted then. */
  isNoteUnderWay: boolean;
  decision: RefreshDecision;
}

/** What comes of a refresh. */
export interface Outcome {
  state: State;
  /** Null when it is refused, is a replay, or is decided again. */
  answer: Token | null;
  isReplay?: boolean;
  isDecidedAgain?: boolean;
}

/** Carries out what was decided upon the row as it was read, by one statement, on the row as it is now. */
export function carryOut(world: World, state: State, { request, by, read, decision }: Judged): Outcome {
  const { server } = world;
  const { freshKey } = state;
  switch (decision.kind) {
    case 'rotate': {
      const row = server.rotate(state.row, read, request, { by, key: freshKey });
      if (!row && server.rules.isDecidedAgain) return { state, answer: null, isDecidedAgain: true };
      const next = { ...state, row: row ?? state.row, freshKey: freshKey + 1 };
      return { state: next, answer: { gen: read.gen + 1, key: freshKey } };
    }
    case 'same':
      // Presenting the current key proves that the answer to its rotation arrived.
      return { state: use(world, state, request.token.gen, request.server), answer: request.token };
    case 'successor':
      if (server.rules.isSaltStored) return { state, answer: { gen: read.gen, key: read.key } };
      return { state: { ...state, freshKey: freshKey + 1 }, answer: { gen: read.gen, key: freshKey } };
    case 'replay':
      // DELETE … WHERE generation = the one that was read.
      return state.row.gen === read.gen
        ? { state, answer: null, isReplay: true }
        : { state, answer: null, isDecidedAgain: true };
    case 'invalid':
      return { state, answer: null };
  }
}

/** Somebody uses a generation: its access token, or its refresh token once more. */
export function use({ server, mishaps }: World, state: State, generation: number, by: number): State {
  const row = { ...state.row, isUsed: state.row.isUsed || generation === state.row.gen };
  const note = server.noteOf(row, generation, by);
  const isAtOnce = !mishaps.includes(MISHAPS.noteUnderWay) || state.notes.length === MOST_NOTES;
  if (note && isAtOnce) return { ...state, row: server.write(row, note) };
  const isOnItsWay = state.notes.some(({ gen }) => gen === note?.gen || !server.rules.notesHavePlaces);
  return { ...state, row, notes: note && !isOnItsWay ? [...state.notes, note] : state.notes };
}

const WHYS = { interval: 'reuseInterval', window: 'retryWindow', idempotency: null, proof: null } as const;

/** How long after the rotation the one who is forgiven could be forgiven, by the clock that judges. */
const limitOf = ({ policy }: SessionServer, { decision }: Judged): number => {
  if (decision.kind === 'same') return policy.reuseInterval;
  const limit = decision.kind === 'successor' ? WHYS[decision.why] : null;
  return limit ? policy[limit] : Infinity;
};

/** What helped one party to the token that the other party had rotated. */
export function helpOf(server: SessionServer, judged: Judged): string[] {
  const { by, decision, read } = judged;
  if (!read.rotation || read.rotation.by === by || limitOf(server, judged) === Infinity) return [];
  if (read.rotation.age >= limitOf(server, judged)) return [MISHAPS.clocksApart];
  return [decision.kind === 'successor' && decision.why === 'window' ? MISHAPS.inWindow : MISHAPS.inStep];
}

export const isNoteUnderWay = ({ row, notes }: State) => notes.some(({ gen }) => gen === row.gen);

/** What the refresh is, for those who look for it. */
export function marksOf(server: SessionServer, judged: Judged): string[] {
  const { by, decision, read } = judged;
  const isInWindow = decision.kind === 'successor' && decision.why === 'window';
  const isOverlooked = isInWindow && read.isUsed && !judged.isNoteUnderWay;
  const difference = Math.max(...server.clocks) - Math.min(...server.clocks);
  const isTooLate = read.rotation && read.rotation.age >= limitOf(server, judged) + difference;
  return [
    `${by} refreshes`,
    decision.kind,
    ...(isOverlooked ? ['a use that does not count'] : []),
    ...(isTooLate ? ['too late'] : []),
  ];
}

export function verdictOf({ clocks }: SessionServer, { request, decision }: Judged): string {
  const why = decision.kind === 'successor' ? ` (${decision.why})` : '';
  return `${clocks.length > 1 ? ` at server ${request.server + 1}` : ''}: ${decision.kind}${why}`;
}
