/** Whether the feed has told this process of a session. */
export interface Echo {
  readonly isHeard: boolean;
  stop(): void;
}

/** Of sessions whose ids nobody listed. */
const ANY = '';

/** Who ends a session listens too: when this process was not told of its own end, nobody was. */
export class Echoes {
  private readonly awaited = new Map<string, Set<{ isHeard: boolean }>>();

  /** Listens for a session or, where there is not one id, for whichever. */
  await(ids: readonly string[]): Echo {
    const id = ids.length === 1 ? ids[0]! : ANY;
    const state = { isHeard: false };
    const all = this.awaited.get(id) ?? new Set();
    this.awaited.set(id, all.add(state));
    const stop = () => {
      if (all.delete(state) && all.size === 0) this.awaited.delete(id);
    };
    return {
      get isHeard() {
        return state.isHeard;
      },
      stop,
    };
  }

  hear(ids: readonly string[]): void {
    if (this.awaited.size === 0) return;
    for (const id of [ANY, ...ids]) for (const one of this.awaited.get(id) ?? []) one.isHeard = true;
  }

  /** Something may have been missed. */
  hearAll(): void {
    for (const all of this.awaited.values()) for (const one of all) one.isHeard = true;
  }
}
