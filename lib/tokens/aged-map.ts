/** A map in the order of its entries' coming, which knows its oldest without a walk over those that have left. */
export class AgedMap<T> {
  readonly #entries = new Map<string, T>();
  /** Stands behind the oldest. One that began anew each time would walk over all that left since V8 tidied the map. */
  #rest = this.#entries.entries();
  /** Taken from there, and still in the map. */
  #oldest: readonly [string, T] | undefined;
  /** How many have left since it began. */
  #left = 0;

  get size(): number {
    return this.#entries.size;
  }

  get oldest(): readonly [string, T] | undefined {
    return (this.#oldest ??= this.following());
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** As the youngest, also where it was there before. */
  set(key: string, value: T): void {
    this.delete(key);
    this.#entries.set(key, value);
  }

  delete(key: string): void {
    if (!this.#entries.delete(key)) return;
    if (this.#oldest?.[0] === key) this.#oldest = undefined;
    // While one stands still, V8 keeps the map as it was, and each that it was tidied into since.
    if (++this.#left > this.size) this.begin();
  }

  /** The oldest first, for as long as it is true of them. */
  deleteWhile(isOver: (value: T) => boolean): void {
    while (this.oldest && isOver(this.oldest[1])) this.delete(this.oldest[0]);
  }

  [Symbol.iterator](): Iterator<[string, T]> {
    return this.#entries.entries();
  }

  private following(): readonly [string, T] | undefined {
    const { value, done } = this.#rest.next();
    // It would not see those that come.
    if (done) this.begin();
    return value;
  }

  private begin(): void {
    this.#rest = this.#entries.entries();
    this.#oldest = undefined;
    this.#left = 0;
  }
}
