import { AgedMap } from '../tokens/aged-map';

/** When something was last told of each user, by `performance.now()`; of one who is not known apart, when it was of anybody. */
export class LastTold {
  private ofUsers = new AgedMap<number>();
  private ofAny = performance.now();

  /**
   * @param most of how many users it is known apart
   * @param lifetime for how long it matters, in ms
   */
  constructor(
    private readonly most: number,
    private readonly lifetime: number,
  ) {}

  of(userId: string): number {
    return this.ofUsers.get(userId) ?? this.ofAny;
  }

  note(userId: string): void {
    const now = performance.now();
    this.ofUsers.delete(userId);
    this.ofUsers.deleteWhile((at) => at < now - this.lifetime);
    if (this.ofUsers.size >= this.most) this.noteAll();
    this.ofUsers.set(userId, now);
  }

  /** It may be about any user. */
  noteAll(): void {
    this.ofUsers = new AgedMap();
    this.ofAny = performance.now();
  }
}
