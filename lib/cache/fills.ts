/** A read of the storage that is under way, and whether what it finds may be kept. */
export interface Fill {
  readonly key: string;
  readonly epoch: number;
  isSound: boolean;
}

/**
 * Reads under way, by what they read. Two requests never share one: the second may have come after an end which the
 * first one's read did not see.
 */
export class Fills {
  private readonly underWay = new Map<string, Set<Fill>>();
  private epoch = 0;

  begin(key: string): Fill {
    const fill = { key, epoch: this.epoch, isSound: true };
    const others = this.underWay.get(key);
    if (others) others.add(fill);
    else this.underWay.set(key, new Set([fill]));
    return fill;
  }

  /** Whether what it found may be kept: nothing was told of it meanwhile, and nothing may have been missed. */
  end(fill: Fill): boolean {
    const all = this.underWay.get(fill.key);
    if (all?.delete(fill) && all.size === 0) this.underWay.delete(fill.key);
    return fill.isSound && fill.epoch === this.epoch;
  }

  spoil(key: string): void {
    for (const fill of this.underWay.get(key) ?? []) fill.isSound = false;
  }

  spoilAll(): void {
    this.epoch++;
  }
}
