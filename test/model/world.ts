import type { RefreshDecision } from '../../lib/sessions/refresh-decision';
import type { Note, Row, SessionServer, Token } from './session-server';

/** What may happen beside the ordinary course. */
export const MISHAPS = {
  lost: 'an answer is lost',
  late: 'a request arrives late',
  slow: 'an answer takes longer than reuseInterval',
  windowPasses: 'retryWindow passes',
  forgotten: 'the key of a refresh under way is forgotten',
  overwritten: 'an old answer is stored over a newer one',
  noteUnderWay: 'the note of a use is still under way',
  restored: 'a backup is restored',
  leaked: 'the signing key has leaked',
  storeReadAgain: 'the thief reads the store again',
  keyCopied: 'the thief copies the store in the middle of a refresh',
  inStep: 'thief and victim refresh within reuseInterval of each other',
  clocksApart: 'the clocks differ',
  inWindow: 'thief and victim refresh within retryWindow of each other, no use of the successor noted yet',
} as const;

/** The clients, and what is so from the beginning. */
export interface World {
  server: SessionServer;
  /** For each tab, the store that its tokens are in. */
  tabs: readonly number[];
  /** Where the `Idempotency-Key` of a refresh under way is kept; null for clients that send none. */
  keysIn: 'store' | 'tab' | null;
  hasThief: boolean;
  /** Whether others get in between reading the row and writing it. */
  hasRaces: boolean;
  /** Those of MISHAPS that happen here. */
  mishaps: readonly string[];
}

/** A refresh between a tab and the server. */
export interface Message {
  tab: number;
  token: Token;
  attempt: number | null;
  stage: 'sent' | 'read' | 'answered';
  /** The tab waits no longer. */
  isAbandoned: boolean;
  /** Once the row is read. */
  judged?: { decision: RefreshDecision; read: Row; server: number; isNoteUnderWay: boolean };
  /** Once it is answered. */
  answer?: Token;
}

export interface Thief {
  token: Token;
  /** The `Idempotency-Key` that lay beside the token. */
  attempt: number | null;
}

export interface State {
  row: Row;
  stores: readonly Token[];
  /** By store or by tab: the `Idempotency-Key` of the refresh under way. */
  pending: readonly (number | null)[];
  wire: readonly Message[];
  notes: readonly Note[];
  thief: Thief | null;
  /** The victim was refused, and nobody was told of a replay. */
  isTurnedAway: boolean;
  isRestored: boolean;
  /** Numbers that were not given yet. */
  freshKey: number;
  freshAttempt: number;
}

export const LOGIN: Row = {
  gen: 0, key: 0, previousKey: null, attempt: null, rotation: null, isNoted: true, isUsed: true,
}; // prettier-ignore

export function startOf({ tabs, keysIn }: World): State {
  const stores = Array.from({ length: Math.max(...tabs) + 1 }, () => ({ gen: 0, key: 0 }));
  return {
    row: LOGIN,
    stores,
    pending: (keysIn === 'tab' ? tabs : stores).map(() => null),
    wire: [],
    notes: [],
    thief: null,
    isTurnedAway: false,
    isRestored: false,
    freshKey: 1,
    freshAttempt: 1,
  };
}

/** Equal for states that differ in the numbers of their keys and generations only. */
export function identityOf(state: State, { mishaps, tabs, keysIn }: World): string {
  const { row, notes, thief } = state;
  // The keys of a backup come back: their numbers count.
  const isNumbered = mishaps.includes(MISHAPS.restored);
  const attempts = new Map<number, number>();
  const nameOf = (attempt: number | null) => {
    if (attempt === null) return '-';
    if (!attempts.has(attempt)) attempts.set(attempt, attempts.size);
    return attempts.get(attempt);
  };
  const tokenOf = ({ gen, key }: Token) =>
    isNumbered
      ? `${gen}.${key}`
      : `${Math.min(row.gen - gen, 2)}${key === row.key ? 'c' : key === row.previousKey ? 'p' : 'o'}`;
  // Tabs that share all they have are one like the other.
  const tabOf = (tab: number) => (keysIn === 'tab' ? tab : tabs[tab]);
  const messageOf = ({ tab, token, attempt, stage, isAbandoned, judged, answer }: Message) =>
    `${tabOf(tab)}${tokenOf(token)}${nameOf(attempt)}${stage[0]}${+isAbandoned}` +
    (judged ? judged.decision.kind + tokenOf(judged.read) + judged.server : '') +
    (answer ? tokenOf(answer) : '');
  const { age, server, by } = row.rotation ?? { age: '', server: '', by: '' };
  return [
    isNumbered ? `${row.gen}.${row.key}.${row.previousKey}` : '',
    `${nameOf(row.attempt)} ${age} ${server}${by} ${+row.isNoted}${+row.isUsed}`,
    ...state.stores.map(tokenOf),
    ...state.pending.map(nameOf),
    ...state.wire.map(messageOf),
    ...notes.map(({ gen, counts }) => `note ${Math.min(row.gen - gen, 2)}${+counts}`),
    thief ? tokenOf(thief.token) + nameOf(thief.attempt) : '',
    `${+state.isTurnedAway}${+state.isRestored}`,
  ].join(' ');
}
