import { IssuerUnavailableError } from '../contracts/errors';
import { failureOf, UnusableResponse } from './issuer-fetch';

/** So many failures in a row open the circuit. */
export const MAX_FAILURES = 5;
/** For so long after the last of them nobody asks; then one asks, and the others are refused until it has an answer. */
export const PAUSE_MS = 1_000;
/** An answer that shows neither that the issuer is well nor that it is not lets twice as many ask, up to this. */
export const MOST_AT_ONCE = 64;

/** Keeps requests from waiting, one after the other, for an issuer that does not answer. */
export class CircuitBreaker {
  private failures = 0;
  private failedAt = -Infinity;
  private failure: Error | undefined;
  /** How many ask while the circuit is open, and how many may: forged tokens must not keep the honest ones out. */
  private asking = 0;
  private room = 1;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * @param confirms whether a result shows that the issuer is well again; any other result leaves that open
   * @throws IssuerUnavailableError when the work fails, or is not even tried
   */
  async run<T>(work: () => Promise<T>, confirms: (result: T) => boolean = () => true): Promise<T> {
    if (this.failures < MAX_FAILURES) return this.attempt(work, confirms);
    if (this.asking >= this.room || this.now() - this.failedAt < PAUSE_MS)
      throw new IssuerUnavailableError(this.failure);
    this.asking++;
    try {
      return await this.attempt(work, confirms);
    } finally {
      this.asking--;
    }
  }

  private async attempt<T>(work: () => Promise<T>, confirms: (result: T) => boolean): Promise<T> {
    try {
      const result = await work();
      if (confirms(result)) this.failures = 0;
      else this.widen();
      return result;
    } catch (error) {
      const failure = failureOf(error);
      if (isAnswer(error)) this.widen();
      else this.note(failure);
      throw new IssuerUnavailableError(failure);
    }
  }

  private widen(): void {
    this.room = Math.min(2 * this.room, MOST_AT_ONCE);
  }

  private note(failure: Error): void {
    this.failures++;
    this.failedAt = this.now();
    this.failure = failure;
    this.room = 1;
  }
}

/** Nobody waits for an issuer that answers; and by a token that it has no answer to, nobody may shut the others out. */
function isAnswer(error: unknown): boolean {
  return error instanceof UnusableResponse || error instanceof SyntaxError;
}
