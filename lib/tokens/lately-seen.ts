import { AgedMap } from './aged-map';

/** Most ids remembered at once: the oldest leave first. */
const MOST = 100_000;

/** What was seen lately, in this process: so that each counts once. What another process has seen it does not know. */
export class LatelySeen {
  readonly #seen = new AgedMap<number>();

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
    // A clock that was set back must not keep them for ever.
    this.#seen.deleteWhile((at) => this.size >= this.most || Math.abs(now - at) > this.lifetime);
    if (this.#seen.has(id)) return false;
    this.#seen.set(id, now);
    return true;
  }
}
