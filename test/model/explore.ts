/** One thing that may happen next. */
export interface Step<State> {
  label: string;
  next: State;
  /** What must go wrong, or be so, for this to happen; nothing for the ordinary course. */
  because?: readonly string[];
  /** What it is, for those who look for it in a history. */
  is?: readonly string[];
  /** The history ends here. */
  outcome?: string;
}

export interface Model<State> {
  start: State;
  /** In an order that depends on nothing but what `identity` tells. */
  steps(state: State): Step<State>[];
  /** Equal for states from which the same can happen. */
  identity(state: State): string;
}

export interface Edge {
  to: number;
  /** Which of the steps of its state. */
  index: number;
  /** A bit for each of the circumstances. */
  because: number;
  is: ReadonlySet<string>;
  outcome: string | undefined;
}

const NOTHING: ReadonlySet<string> = new Set();
/** More than any of our models has, and less than the memory holds. */
const LIMIT = 400_000;

/** All histories of a model: its states, and what leads from each to the next. */
export class Histories<State> {
  readonly edges: Edge[][] = [];
  readonly circumstances: string[] = [];

  constructor(private readonly model: Model<State>) {
    const known = new Map([[model.identity(model.start), 0]]);
    const states = [model.start];
    for (let at = 0; at < states.length; at++) {
      if (at > LIMIT) throw new Error(`More than ${LIMIT} states.`);
      const steps = model.steps(states[at]!);
      this.edges.push(steps.map((step, index) => this.edge(step, index, known, states)));
      // Only the way to a state is needed from here on.
      states[at] = undefined!;
    }
  }

  private edge(step: Step<State>, index: number, known: Map<string, number>, states: State[]): Edge {
    const because = (step.because ?? []).reduce((mask, name) => mask | this.bit(name), 0);
    const is = step.is?.length ? new Set(step.is) : NOTHING;
    if (step.outcome !== undefined) return { to: -1, index, because, is, outcome: step.outcome };
    const identity = this.model.identity(step.next);
    let to = known.get(identity);
    if (to === undefined) {
      to = states.push(step.next) - 1;
      known.set(identity, to);
    }
    return { to, index, because, is, outcome: undefined };
  }

  private bit(name: string): number {
    const index = this.circumstances.indexOf(name);
    return 1 << (index < 0 ? this.circumstances.push(name) - 1 : index);
  }

  get size(): number {
    return this.edges.length;
  }

  /** The circumstances that the bits of a mask stand for. */
  namesOf(mask: number): string[] {
    return this.circumstances.filter((_, bit) => mask & (1 << bit));
  }

  /** What happens on a way from the start, told with the names that things have on that way. */
  tell(way: readonly number[]): string[] {
    let state = this.model.start;
    return way.map((index) => {
      const step = this.model.steps(state)[index]!;
      state = step.next;
      return step.label;
    });
  }
}

/** Which edges a history may take. */
export type Allows = (edge: Edge) => boolean;

export const allowing =
  (mask: number): Allows =>
  ({ because }) =>
    (because & ~mask) === 0;

/** What is looked for, step by step. */
export interface Search {
  allows: Allows;
  /** How far an edge brings the search, from `phase` on. */
  advance(phase: number, edge: Edge): number;
  goal: number;
}

/** The shortest way from the start to the goal, as indices of steps. */
export function shortestWay({ edges }: Histories<any>, { allows, advance, goal }: Search): number[] | null {
  const phases = goal + 1;
  const cameBy = new Map<number, { from: number; index: number }>([[0, { from: -1, index: -1 }]]);
  const wayTo = (node: number) => {
    const way: number[] = [];
    for (let at = cameBy.get(node)!; at.from >= 0; at = cameBy.get(at.from)!) way.unshift(at.index);
    return way;
  };
  const queue = [0];
  for (const node of queue) {
    for (const edge of edges[Math.floor(node / phases)]!) {
      if (!allows(edge)) continue;
      const phase = advance(node % phases, edge);
      if (phase === goal) return [...wayTo(node), edge.index];
      if (edge.outcome !== undefined) continue;
      const next = edge.to * phases + phase;
      if (cameBy.has(next)) continue;
      cameBy.set(next, { from: node, index: edge.index });
      queue.push(next);
    }
  }
  return null;
}

/** The smallest sets of circumstances under which `happens`. */
export function smallestSets(count: number, happens: (mask: number) => boolean): number[] {
  const size = (mask: number) => mask.toString(2).replaceAll('0', '').length;
  const masks = Array.from({ length: 2 ** count }, (_, mask) => mask).toSorted((a, b) => size(a) - size(b) || a - b);
  const found: number[] = [];
  for (const mask of masks) {
    if (found.some((smaller) => (smaller & mask) === smaller)) continue;
    if (happens(mask)) found.push(mask);
  }
  return found;
}
