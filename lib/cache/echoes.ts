/** Whether the feed has told this process of a session. */
export interface Echo {
  readonly isHeard: boolean;
  stop(): void;
}

/** Who ends a session listens too: when this process was not told of its own end, nobody was. */
export class Echoes {
  private readonly awaited = new Map<string, Set<{ isHeard: boolean }>>();

  /** Undefined where there is not one id to listen for. */
  await([id, ...others]: readonly string[]): Echo | undefined {
    if (id === undefined || others.length > 0) return undefined;
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
    for (const id of ids) for (const one of this.awaited.get(id) ?? []) one.isHeard = true;
  }

  /** Something may have been missed. */
  hearAll(): void {
    for (const all of this.awaited.values()) for (const one of all) one.isHeard = true;
  }
}
