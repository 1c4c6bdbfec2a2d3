import { InvalidTokenError, TokenExpiredError } from '../contracts/errors';
import type { Session } from '../contracts/session';
import type { Authentication } from './session-checker';

/** Why something that was kept open is closed: its session is over, or no fresh token was shown on it in time. */
export type ChannelEnd = 'session_ended' | 'token_expired';

/** How long a channel stays open. */
export interface ChannelTerms {
  /** How often the row of its session is read again, in milliseconds: for what other processes end. */
  readonly recheck: number;
  /** `token`: to 30 s after the newest token on it has expired. `session`: as long as its session lives. */
  readonly lifetime: 'token' | 'session';
}

/** What is kept open for a session, beyond the request that opened it: a socket, a subscription, a stream. */
export class OpenChannel<User = any> {
  private reason: ChannelEnd | undefined;

  /** @param tokenUntil how long the token that was shown keeps it open (epoch ms) */
  constructor(
    private shown: Authentication<User>,
    private tokenUntil: number,
    readonly terms: ChannelTerms,
    private readonly close: (end: ChannelEnd) => void,
  ) {}

  /** Who was authenticated last on it. */
  get authentication(): Authentication<User> {
    return this.shown;
  }

  get session(): Session {
    return this.shown.session;
  }

  /** When it is closed unless a fresh token is shown on it (epoch ms); Infinity: with its session. */
  get until(): number {
    // A session that is bound to its device shows anew that it is there; it may have been bound after this was opened.
    return this.terms.lifetime === 'session' && this.session.boundKind === null ? Infinity : this.tokenUntil;
  }

  get end(): ChannelEnd | undefined {
    return this.reason;
  }

  /** Who may use it at this moment (epoch ms). @throws InvalidTokenError, TokenExpiredError */
  current(now: number): Authentication<User> {
    if (this.reason === 'session_ended') throw new InvalidTokenError('session_not_found');
    if (this.reason !== undefined || this.until <= now) throw new TokenExpiredError();
    return this.shown;
  }

  /** Takes what a newer token says. An older token shortens nothing. */
  take(shown: Authentication<User>, tokenUntil: number): void {
    this.shown = shown;
    this.tokenUntil = Math.max(this.tokenUntil, tokenUntil);
  }

  /** Takes what its session may do by now, and whether it is bound to its device. */
  adopt(session: Session): void {
    const { user, claims } = this.shown;
    this.shown = { user, claims, session };
  }

  /** Closes it, once. What fails there is the other side's. */
  finish(end: ChannelEnd): void {
    if (this.reason !== undefined) return;
    this.reason = end;
    this.close(end);
  }
}
