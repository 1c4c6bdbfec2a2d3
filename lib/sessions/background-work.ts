import { RequestDeadline } from './request-deadline';

/** Storage work that no answer waits for. What fails is left to the next purge, and disturbs nobody. */
export class BackgroundWork {
  private readonly running = new Set<Promise<void>>();

  /** How much is under way. */
  get size(): number {
    return this.running.size;
  }

  start(work: () => Promise<unknown>): void {
    // A storage of the host's may throw before it returns a promise.
    const running = Promise.resolve()
      .then(work)
      .then(ignore, ignore)
      .finally(() => this.running.delete(running));
    this.running.add(running);
  }

  /** Waits for what is under way, at most for this time (ms). */
  async finish(timeout: number): Promise<void> {
    const finished = () => Promise.all(this.running);
    await new RequestDeadline(timeout).run(finished).catch(() => undefined);
  }
}

function ignore(): void {}
