import { IssuerUnavailableError } from '../contracts/errors';
import { failureOf, UselessAnswer } from './issuer-request';

/** So many failures in a row open the circuit. */
export const MAX_FAILURES = 5;
/** For so long after the last of them nobody asks; then one asks, and the others are refused until it has an answer. */
export const PAUSE_MS = 1_000;

/** Keeps requests from waiting, one after the other, for an issuer that does not answer. */
export class Circuit {
  private failures = 0;
  private failedAt = -Infinity;
  private failure: Error | undefined;
  private probing = false;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * @param confirms whether a result shows that the issuer is well again; any other result changes nothing
   * @throws IssuerUnavailableError when the work fails, or is not even tried
   */
  async run<T>(work: () => Promise<T>, confirms: (result: T) => boolean = () => true): Promise<T> {
    const isProbe = this.failures >= MAX_FAILURES;
    if (isProbe && (this.probing || this.now() - this.failedAt < PAUSE_MS))
      throw new IssuerUnavailableError(this.failure);
    this.probing ||= isProbe;
    try {
      const result = await work();
      if (confirms(result)) this.failures = 0;
      return result;
    } catch (error) {
      const failure = failureOf(error);
      if (!isAnswer(error)) this.note(failure);
      throw new IssuerUnavailableError(failure);
    } finally {
      if (isProbe) this.probing = false;
    }
  }

  private note(failure: Error): void {
    this.failures++;
    this.failedAt = this.now();
    this.failure = failure;
  }
}

/** Nobody waits for an issuer that answers; and by a token that it has no answer to, nobody may shut the others out. */
function isAnswer(error: unknown): boolean {
  return error instanceof UselessAnswer || error instanceof SyntaxError;
}
