import { withoutParameters } from '../contracts/connection-errors';
import { JwtKnoxConfigurationError, JwtKnoxError, StorageUnavailableError } from '../contracts/errors';
import { UnstorableUserIdError } from '../contracts/user-id-error';

/**
 * The time one request may spend on storage and user look-ups, in milliseconds. Drivers wait for a frozen database for
 * ever; this does not. Start one per request, at arrival.
 */
export class RequestDeadline {
  private left: number;
  private since = 0;
  private timer: NodeJS.Timeout | undefined;
  private refuse: ((lateness: StorageUnavailableError) => void) | undefined;
  private pauses = 0;
  private passed = false;

  constructor(ms: number) {
    this.left = ms;
  }

  /** Whether the caller was told 503: work that goes on must undo what it writes. */
  get expired(): boolean {
    return this.passed;
  }

  /**
   * Before work writes what it decided on: whoever was told 503 may have moved on since.
   * @throws StorageUnavailableError when the deadline has passed
   */
  throwIfPassed(): void {
    if (this.passed) throw lateness();
  }

  /** Runs work, one at a time, in what is left of the deadline. @throws StorageUnavailableError when it passes */
  run<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown) => {
        this.finish();
        reject(error as Error);
      };
      this.refuse = reject;
      this.resume();
      try {
        work().then((value) => {
          this.finish();
          resolve(value);
        }, fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  /** Stops the clock while work runs that is no storage's fault, such as password hashing. */
  async pauseWhile<T>(work: () => Promise<T>): Promise<T> {
    if (this.pauses++ === 0) this.pause();
    try {
      return await work();
    } finally {
      if (--this.pauses === 0) this.resume();
    }
  }

  /** One function for all timers: V8 would keep those of each request for long. */
  private static pass(deadline: RequestDeadline): void {
    deadline.passed = true;
    deadline.refuse?.(lateness());
  }

  private finish(): void {
    this.pause();
    this.refuse = undefined;
  }

  private resume(): void {
    if (this.refuse === undefined || this.passed) return;
    this.since = performance.now();
    this.timer = setTimeout(RequestDeadline.pass, Math.max(this.left, 0), this);
  }

  private pause(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.left -= performance.now() - this.since;
  }
}

function lateness(): StorageUnavailableError {
  return new StorageUnavailableError(new Error('The storage did not answer in time.'));
}

/** What the storage says of the application rather than of itself. */
const MISTAKES = [JwtKnoxError, JwtKnoxConfigurationError, UnstorableUserIdError];

/** A call of the repository: whatever fails there, it is the storage (503) or its set-up, never the credential. */
export async function fromStorage<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (MISTAKES.some((kind) => error instanceof kind)) throw error;
    throw new StorageUnavailableError(withoutParameters(error));
  }
}
