import { AgedMap } from '../tokens/aged-map';

/**
 * Answers that still count, the least recently used leaving first. An answer's time runs from when it was asked for: what
 * was ended after the question is found out by every request that comes `ttl` later, however slow the answer was.
 */
export class AnswerCache<Answer> {
  private readonly entries = new AgedMap<{ askedAt: number; answer: Promise<Answer | null> }>();

  /** @param now milliseconds of a clock that only goes forward */
  constructor(
    private readonly ttl: number,
    private readonly size: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The answer, asked for only if it is not known or under way. Null, and failures, are not kept. */
  async get(key: string, ask: () => Promise<Answer | null>): Promise<Answer | null> {
    // Without a time to live no question is shared: one from before a logout must not answer for one after it.
    if (this.ttl === 0) return ask();
    const askedAt = this.now();
    const known = this.entries.get(key);
    const entry = known && askedAt - known.askedAt < this.ttl ? known : { askedAt, answer: ask() };
    this.entries.set(key, entry);
    if (this.entries.size > this.size) this.entries.delete(this.entries.oldest![0]);
    const forget = () => void (this.entries.get(key) === entry && this.entries.delete(key));
    try {
      const answer = await entry.answer;
      if (answer === null) forget();
      return answer;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
