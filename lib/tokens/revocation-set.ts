import type { SessionKind } from '../contracts/session';
import { AgedMap } from './aged-map';

/**
 * What ended, as a stream tells it: a session, all sessions of a user, or (with neither) all. Moments are in seconds, as
 * `iat` is: tokens issued before `from` are over, all of them where it is left out; those issued from then on and before
 * `before` may be over, which only the issuer can tell.
 */
export interface ToldEnd {
  readonly sid?: string;
  readonly user_id?: string;
  /** The session that goes on. */
  readonly except?: string;
  /** The kinds of sessions that ended; all where it is left out. */
  readonly kinds?: readonly SessionKind[];
  readonly from?: number;
  readonly before: number;
}

/** What is asked of a token. */
export interface JudgedToken {
  readonly sessionId: string;
  readonly userId: string;
  /** Seconds. */
  readonly issuedAt: number;
  /** Whether the token may be one for a program, which says nothing of when its user proved who they are. */
  readonly mayBeProgram: boolean;
}

/** `unknown`: it was issued before all that is known. `doubtful`: only its issuer can tell. */
export type Verdict = 'good' | 'over' | 'doubtful' | 'unknown';

/** Most ends that are kept; the oldest leave, and with them what is known of tokens of their time. */
const MOST_ENDS = 100_000;
/** Of more ends of one user, all but the latest are kept as one, of which only the issuer knows the details. */
const MOST_OF_ONE_USER = 16;

/** The ends that matter to tokens which have not expired. A question is a look into maps. */
export class RevocationSet {
  /** Nothing is known of tokens that were issued before this moment. */
  floor = 0;
  /** Access tokens from before this moment have expired: see `settle`. */
  settled = 0;
  private readonly ended = new AgedMap<number>();
  private readonly changed = new AgedMap<number>();
  private readonly users = new AgedMap<readonly ToldEnd[]>();
  private everybody: readonly ToldEnd[] = [];
  private ofUsers = 0;

  get size(): number {
    return this.ended.size + this.changed.size + this.ofUsers + this.everybody.length;
  }

  add(end: ToldEnd): void {
    const { sid, user_id: userId, from, before } = end;
    if (sid !== undefined) extend(from === undefined ? this.ended : this.changed, sid, before);
    else if (userId === undefined) this.everybody = withEnd(this.everybody, end);
    else {
      const known = this.users.get(userId) ?? [];
      const { user_id: _, ...rest } = end;
      // Most users have one, of which there may be a hundred thousand.
      const list = known.length === 0 ? [rest] : withEnd(known, rest);
      this.ofUsers += list.length - known.length;
      this.users.set(userId, list);
    }
    while (this.size > MOST_ENDS) {
      this.doubtBefore(this.oldest);
      this.forgetOldest();
    }
  }

  /** Says so of tokens from before this moment; what has ended stays known. */
  doubtBefore(moment: number): void {
    this.floor = Math.max(this.floor, moment);
  }

  /**
   * Access tokens from before this moment have expired. Those that live longer, for programs, do not get new ones: no end of
   * many sessions was about a token that was issued after it, and it is unknown whether theirs is over.
   */
  settle(moment: number): void {
    this.settled = Math.max(this.settled, moment);
  }

  /** Forgets what is about tokens of before this moment only. */
  raise(floor: number): void {
    this.doubtBefore(floor);
    while (this.oldest <= this.floor) this.forgetOldest();
    this.everybody = this.everybody.filter(({ before }) => before > this.floor);
  }

  *ends(): Iterable<ToldEnd> {
    for (const [sid, before] of this.ended) yield { sid, before };
    for (const [sid, before] of this.changed) yield { sid, from: 0, before };
    for (const [userId, list] of this.users) for (const end of list) yield { user_id: userId, ...end };
    yield* this.everybody;
  }

  judge(token: JudgedToken): Verdict {
    const { sessionId, userId, issuedAt } = token;
    if (this.ended.has(sessionId)) return 'over';
    const ofUser = this.users.get(userId);
    const wide = worst(ofUser ? this.judgeBy(ofUser, token) : 'good', this.judgeBy(this.everybody, token));
    if (issuedAt < (this.changed.get(sessionId) ?? -Infinity)) return worst(wide, 'doubtful');
    return issuedAt < this.floor ? worst(wide, 'unknown') : wide;
  }

  private judgeBy(list: readonly ToldEnd[], token: JudgedToken): Verdict {
    let verdict: Verdict = 'good';
    for (const end of list) {
      if (end.except === token.sessionId || token.issuedAt >= end.before) continue;
      const isSure = (end.kinds === undefined || !token.mayBeProgram) && token.issuedAt < sureUntil(end);
      if (isSure) return 'over';
      verdict = worst(verdict, end.before > this.settled ? 'doubtful' : 'unknown');
    }
    return verdict;
  }

  /** Until when the oldest of what is about sessions and users matters. */
  private get oldest(): number {
    const list = this.users.oldest?.[1];
    const moments = [this.ended.oldest?.[1], this.changed.oldest?.[1], list && latestOf(list)];
    return Math.min(...moments.map((moment) => moment ?? Infinity));
  }

  private forgetOldest(): void {
    const { oldest } = this;
    for (const map of [this.ended, this.changed]) {
      if (map.oldest?.[1] === oldest) return map.delete(map.oldest[0]);
    }
    const [userId, list] = this.users.oldest!;
    this.users.delete(userId);
    this.ofUsers -= list.length;
  }
}

/** What was told late may be about a time from before what is known. */
function extend(map: AgedMap<number>, key: string, before: number): void {
  map.set(key, Math.max(before, map.get(key) ?? before));
}

function latestOf(list: readonly ToldEnd[]): number {
  return Math.max(...list.map(({ before }) => before));
}

/** With one end more; of the same scope, one that another covers is left out. */
function withEnd(list: readonly ToldEnd[], end: ToldEnd): readonly ToldEnd[] {
  const scope = scopeOf(end);
  const isCovered = (one: ToldEnd) =>
    scopeOf(one) === scope && sureUntil(one) <= sureUntil(end) && one.before <= end.before;
  const others = list.filter((one) => !isCovered(one));
  return [...(others.length < MOST_OF_ONE_USER ? others : [inOne(others)]), end];
}

/** As sure as of all sessions: what the latest of them spares, another ended that spares something else, or nothing. */
function inOne(list: readonly ToldEnd[]): ToldEnd {
  const whole = list.filter(({ kinds }) => kinds === undefined);
  const [latest, ...others] = whole.toSorted((one, other) => sureUntil(other) - sureUntil(one));
  const sure = latest?.except === undefined ? latest : others.find(({ except }) => except !== latest.except);
  return { from: sure ? sureUntil(sure) : 0, before: latestOf(list) };
}

const sureUntil = ({ from, before }: ToldEnd): number => from ?? before;

const scopeOf = ({ except = '', kinds = [] }: ToldEnd): string => `${except} ${kinds.join(' ')}`;

const WEIGHTS: Record<Verdict, number> = { good: 0, unknown: 1, doubtful: 2, over: 3 };

function worst(one: Verdict, other: Verdict): Verdict {
  return WEIGHTS[one] > WEIGHTS[other] ? one : other;
}
