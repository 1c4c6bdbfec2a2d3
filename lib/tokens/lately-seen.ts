/** Most ids remembered at once: the oldest leave first. */
const MOST = 100_000;

/** What was seen lately, in this process: so that each counts once. What another process has seen it does not know. */
export class LatelySeen {
  /** In the order of their coming. */
  readonly #seen = new Map<string, number>();
  /** Stands where the oldest is. One that began anew would walk over all that has left since V8 last tidied the map. */
  #rest = this.#seen.entries();
  /** Taken from there, and still in the map. */
  #oldest: readonly [string, number] | undefined;

  /** @param lifetime how long each is remembered, ms */
  constructor(
    private readonly lifetime: number,
    private readonly most = MOST,
  ) {}

  get size(): number {
    return this.#seen.size;
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  /** False when it was seen before. @param now milliseconds */
  add(id: string, now: number): boolean {
    this.forget(now);
    if (this.#seen.has(id)) return false;
    this.#seen.set(id, now);
    return true;
  }

  private forget(now: number): void {
    while ((this.#oldest ??= this.following())) {
      const [id, at] = this.#oldest;
      // A clock that was set back must not keep them for ever.
      if (this.#seen.size < this.most && Math.abs(now - at) <= this.lifetime) return;
      this.#seen.delete(id);
      this.#oldest = undefined;
    }
  }

  private following(): readonly [string, number] | undefined {
    const { value, done } = this.#rest.next();
    // All have left. It would not see those that come.
    if (done) this.#rest = this.#seen.entries();
    return value;
  }
}
