const RETRY_MS = 500;
const MOST = 1_000;
/** What nobody can read: everything may have changed. */
const EVERYTHING = '{"all":true}';

/** Tells later what one attempt did not. What could not be told for too long is everything, for as long as it takes. */
export class Untold {
  private readonly texts = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private isTelling = false;

  /** @param patience how long a text is tried, in ms */
  constructor(
    private readonly announce: (text: string) => Promise<void>,
    private readonly patience: number,
  ) {}

  add(text: string): void {
    if (this.texts.size >= MOST) {
      this.texts.clear();
      text = EVERYTHING;
    }
    this.texts.set(text, text === EVERYTHING ? Infinity : performance.now() + this.patience);
    this.timer ??= setInterval(() => void this.tell(), RETRY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.texts.clear();
  }

  /** One by one; at the first that fails, the rest waits too. */
  private async tell(): Promise<void> {
    if (this.isTelling) return;
    this.isTelling = true;
    try {
      for (const [text, until] of this.texts) {
        if (performance.now() > until) this.add(EVERYTHING);
        else await this.announce(text);
        if (this.texts.get(text) === until) this.texts.delete(text);
      }
      if (this.texts.size === 0) this.stop();
    } catch {
      // Tried again.
    } finally {
      this.isTelling = false;
    }
  }
}
