import { StorageDeadline } from './storage-deadline';

/** Storage work that no answer waits for. What fails is told to `onFailure` and disturbs nobody. */
export class BackgroundWork {
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly onFailure: (error: unknown) => void = () => undefined) {}

  start(work: () => Promise<unknown>): void {
    // A storage of the host's may throw before it returns a promise.
    const running = Promise.resolve()
      .then(work)
      .then(() => undefined, this.onFailure)
      .finally(() => this.running.delete(running));
    this.running.add(running);
  }

  /** Waits for what is under way, at most for this time (ms). */
  async finish(timeout: number): Promise<void> {
    const finished = () => Promise.all(this.running);
    await new StorageDeadline(timeout).run(finished).catch(() => undefined);
  }
}
