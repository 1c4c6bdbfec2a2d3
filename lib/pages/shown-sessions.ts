import { AgedMap } from '../tokens/aged-map';

/** A list of devices, in HTML, and the sessions in it. */
export interface ShownList {
  readonly html: string;
  readonly ids: readonly string[];
}

/** A page, as far as this is concerned. */
export interface ShowingPage {
  readonly isOpen: boolean;
  /** Returns the list as it is. */
  readonly render: () => Promise<ShownList>;
}

/** Which pages show which sessions: of those that change, there may be a hundred thousand that no page shows. */
export class ShownSessions<Page extends ShowingPage> {
  /** By session. */
  private readonly pages = new Map<string, Set<Page>>();
  private readonly ids = new Map<Page, readonly string[]>();
  private changes = 0;
  /** Which sessions changed while lists were made, and the how manieth change that was. */
  private readonly meanwhile = new AgedMap<number>();
  /** Lists that are being made, and how many changes there were before. */
  private readonly making = new Set<{ readonly since: number }>();

  /** A session has changed. Returns the pages that show it. */
  changed(id: string): Iterable<Page> {
    if (this.making.size > 0) this.meanwhile.set(id, ++this.changes);
    return this.pages.get(id) ?? [];
  }

  /** The list of a page, which shows it from now on, and whether something of it changed while it was made. */
  async listOf(page: Page): Promise<{ html: string; isBehind: boolean }> {
    const list = { since: this.changes };
    this.making.add(list);
    try {
      const { html, ids } = await page.render();
      if (page.isOpen) this.show(page, ids);
      return { html, isBehind: ids.some((id) => (this.meanwhile.get(id) ?? 0) > list.since) };
    } finally {
      this.making.delete(list);
      const [oldest] = this.making;
      this.meanwhile.deleteWhile((change) => !oldest || change <= oldest.since);
    }
  }

  leave(page: Page): void {
    for (const id of this.ids.get(page) ?? []) {
      const pages = this.pages.get(id);
      pages?.delete(page);
      if (pages?.size === 0) this.pages.delete(id);
    }
    this.ids.delete(page);
  }

  private show(page: Page, ids: readonly string[]): void {
    this.leave(page);
    this.ids.set(page, ids);
    for (const id of ids) this.pages.set(id, (this.pages.get(id) ?? new Set()).add(page));
  }
}
