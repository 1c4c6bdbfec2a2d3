import { decideRefresh, type RefreshDecision, type RotationPolicy } from '../../lib/sessions/refresh-decision';

/** A refresh token: its generation, and a number for its key. */
export interface Token {
  gen: number;
  key: number;
}

export interface Row extends Token {
  previousKey: number | null;
  /** A number for the `Idempotency-Key` of the last rotation. */
  attempt: number | null;
  /** How long ago it was, in true milliseconds, on which server, and who made it; null at login. */
  rotation: { age: number; server: number; by: string } | null;
  /** `lastUsedAt` is later than `rotatedAt`. */
  isNoted: boolean;
  /** Somebody has used this generation, whether that is noted or not. */
  isUsed: boolean;
}

/** A write of `lastUsedAt` on its way: to which generation, and whether it is later than the rotation. */
export interface Note {
  gen: number;
  counts: boolean;
}

export interface Request {
  token: Token;
  attempt: number | null;
  server: number;
  isMember?: boolean;
}

/** The rules of the library. A planted fault replaces some of them. */
export interface Rules {
  decide: typeof decideRefresh;
  /** Whether an access token of this generation proves that the answer to the row's rotation arrived. */
  provesDelivery(tokenGeneration: number, rowGeneration: number): boolean;
  /** The `lastUsedAt` that is written. */
  usedAt(now: number, rotatedAt: number): number;
  notesArrive: boolean;
  /** Whether a note waits for no other note of the session. */
  notesHavePlaces: boolean;
  /** Whether a note is written to the generation only that it was made of. */
  notesAreConditional: boolean;
  /** Whether a rotation is written over the key only that was presented. */
  rotationsAreConditional: boolean;
  /** Whether a rotation that comes too late is decided again, or answered all the same. */
  isDecidedAgain: boolean;
  /** Whether the successor is computed from the salt in the row, or from a fresh one. */
  isSaltStored: boolean;
}

export const THE_RULES: Rules = {
  decide: decideRefresh,
  provesDelivery: (tokenGeneration, rowGeneration) => tokenGeneration === rowGeneration,
  usedAt: (now, rotatedAt) => Math.max(now, rotatedAt + 1),
  notesArrive: true,
  notesHavePlaces: true,
  notesAreConditional: true,
  rotationsAreConditional: true,
  isDecidedAgain: true,
  isSaltStored: true,
};

/** When the last rotation was, by the clock of the server that made it. */
const T = 1_764_000_000_000;

/** The processes that share a row. */
export class SessionServer {
  /** How old a rotation grows: the ages at which some server's judgement may change. */
  readonly ages: readonly number[];

  /** @param clocks how far the clock of each process is ahead of the true time, in milliseconds */
  constructor(
    readonly policy: RotationPolicy,
    readonly clocks: readonly number[],
    readonly rules: Rules,
  ) {
    const differences = clocks.flatMap((one) => clocks.map((other) => one - other));
    const edges = [policy.reuseInterval, policy.retryWindow, -policy.clockMargin];
    const ages = edges.flatMap((edge) => differences.map((difference) => edge + difference));
    this.ages = [...new Set([0, ...ages.filter((age) => age > 0)])].toSorted((a, b) => a - b);
  }

  private nowAt({ rotation }: Row, server: number): number {
    return rotation ? T + rotation.age + this.clocks[server]! - this.clocks[rotation.server]! : T;
  }

  decide(row: Row, { token, attempt, server, isMember = true }: Request): RefreshDecision {
    const key = token.key === row.key ? 'current' : token.key === row.previousKey ? 'previous' : 'unknown';
    const digestOf = (one: number | null) => (one === null ? null : `digest ${one}`);
    const times = { rotatedAt: row.rotation ? T : null, lastUsedAt: row.isNoted ? T + 1 : T };
    return this.rules.decide(
      { generation: row.gen, ...times, rotationKeyDigest: digestOf(row.attempt) },
      { generation: token.gen, key, isMember, attemptDigest: digestOf(attempt) },
      this.nowAt(row, server),
      this.policy,
    );
  }

  /** The row after a rotation that was decided upon `read`; null when somebody else has rotated since. */
  rotate(row: Row, read: Row, { token, attempt, server }: Request, how: { by: string; key: number }): Row | null {
    if (this.rules.rotationsAreConditional && row.key !== token.key) return null;
    const rotation = { age: 0, server, by: how.by };
    return { gen: read.gen + 1, key: how.key, previousKey: read.key, attempt, rotation, isNoted: false, isUsed: false };
  }

  /** What the use of a generation's access token writes; null for nothing. */
  noteOf(row: Row, generation: number, server: number): Note | null {
    if (!row.rotation || row.isNoted || !this.rules.provesDelivery(generation, row.gen)) return null;
    return { gen: row.gen, counts: this.rules.usedAt(this.nowAt(row, server), T) > T };
  }

  write(row: Row, note: Note): Row {
    const isMeant = row.gen === note.gen || !this.rules.notesAreConditional;
    return isMeant && note.counts && this.rules.notesArrive ? { ...row, isNoted: true } : row;
  }
}

/** A token that was given out is the row's own, the one before that, or older: there is one family of keys. */
export function isOfTheFamily(row: Row, token: Token): boolean {
  if (token.gen === row.gen) return token.key === row.key;
  return token.gen === row.gen - 1 ? token.key === row.previousKey : token.gen < row.gen;
}
