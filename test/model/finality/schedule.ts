/** One thing that may happen next. */
interface Offer {
  readonly label: string;
  /** Which process it belongs to; null for what belongs to none, such as a server. */
  readonly process: number | null;
  /** How soon it tends to come beside others. */
  readonly weight: number;
  readonly run: () => void;
}

/** Numbers from 0 to 1, each of which decides something: drawn from a seed, or given. */
export class Chance {
  readonly drawn: number[] = [];
  private state: number;

  /** @param given what comes before the numbers of the seed; beyond it, with `isReplay`, there are only zeros */
  constructor(
    seed: number,
    private readonly given: readonly number[] = [],
    private readonly isReplay = false,
  ) {
    this.state = seed >>> 0;
  }

  next(): number {
    const index = this.drawn.length;
    const value = index < this.given.length ? this.given[index]! : this.isReplay ? 0 : this.random();
    this.drawn.push(value);
    return value;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  happens(probability: number): boolean {
    // Zeros, which shrinking leaves, are for what is ordinary.
    return this.next() > 1 - probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  // mulberry32
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}

/** Most things come soon, some late, and a few after everything else. */
const WEIGHTS = [1, 1, 1, 1, 0.2, 0.02];

/** Everything that is on its way, in an order that chance decides. */
export class Schedule {
  readonly told: string[] = [];
  steps = 0;
  private offers: Offer[] = [];

  constructor(public chance: Chance) {}

  get isEmpty(): boolean {
    return this.offers.length === 0;
  }

  begin(chance: Chance): void {
    this.chance = chance;
    this.offers = [];
    this.told.length = 0;
  }

  /** @param isPrompt whether it comes soon, as on a connection that nothing stalls */
  offer(label: string, process: number | null, run: () => void, isPrompt = false): void {
    this.offers.push({ label, process, run, weight: isPrompt ? 1 : this.chance.pick(WEIGHTS) });
  }

  /** What happens to a process that dies: what was on its way to it comes no more. */
  drop(process: number): void {
    this.offers = this.offers.filter((offer) => offer.process !== process);
  }

  /** Lets one thing happen, by its weight. */
  async step(): Promise<void> {
    const all = this.offers.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.chance.next() * all;
    let index = this.offers.findIndex(({ weight }) => (left -= weight) <= 0);
    if (index < 0) index = this.offers.length - 1;
    const [offer] = this.offers.splice(index, 1);
    this.tell(offer!.label);
    this.steps++;
    offer!.run();
    await this.settle();
  }

  /** Lets the code run until it waits for something that is offered, or for a timer. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets everything happen until some work is done. */
  async runUntil(work: Promise<unknown>, passTime: () => unknown): Promise<void> {
    const state = { isDone: false };
    const done = () => (state.isDone = true);
    work.then(done, done);
    while (!state.isDone) {
      while (!this.isEmpty) await this.step();
      passTime();
      await this.settle();
    }
  }

  tell(what: string): void {
    this.told.push(what);
  }
}
