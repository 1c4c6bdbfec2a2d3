import type { Peers } from './load-peers';
import { type PageTexts, TEXTS } from './texts';

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** A moment as a page shows it. */
export interface ShownMoment {
  /** ISO 8601, for programs. */
  iso: string;
  relative: string;
  absolute: string;
}

/** The texts of one language, and how it writes numbers and times. Made once. */
export class PageLanguage {
  private readonly texts: PageTexts;
  private readonly distances: Intl.RelativeTimeFormat;
  private readonly dates: Intl.DateTimeFormat;
  private readonly numbers: Intl.NumberFormat;
  private readonly plurals: Intl.PluralRules;

  constructor(
    readonly tag: string,
    replaced: Partial<PageTexts> = {},
  ) {
    this.texts = { ...(TEXTS[tag] ?? TEXTS[new Intl.Locale(tag).language] ?? TEXTS.en!), ...replaced };
    this.distances = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' });
    this.dates = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
    this.numbers = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
    this.plurals = new Intl.PluralRules(tag);
  }

  text(key: keyof PageTexts, values: Readonly<Record<string, string>> = {}): string {
    return this.texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  }

  /** For a count, in the language's own plural. */
  counted(key: 'devices.ended' | 'admin.purged' | 'admin.ended', count: number): string {
    const form = this.plurals.select(count) === 'one' ? 'one' : 'other';
    return this.text(`${key}.${form}`, { count: this.number(count) });
  }

  number(value: number): string {
    return this.numbers.format(value);
  }

  /** @param moment epoch milliseconds, as `now` */
  moment(moment: number, now: number): ShownMoment {
    const seconds = Math.round((moment - now) / 1_000);
    const [unit, size] = UNITS.find((one) => Math.abs(seconds) >= one[1]) ?? UNITS.at(-1)!;
    return {
      iso: new Date(moment).toISOString(),
      relative: this.distances.format(Math.trunc(seconds / size), unit),
      absolute: `${this.dates.format(moment)} UTC`,
    };
  }
}

/** All languages of a module. */
export class PageLanguages {
  private readonly languages: Map<string, PageLanguage>;
  private readonly tags: string[];

  constructor(
    private readonly negotiator: Peers['Negotiator'],
    replaced: Readonly<Record<string, Partial<PageTexts>>> = {},
  ) {
    this.tags = [...new Set([...Object.keys(TEXTS), ...Object.keys(replaced)])];
    this.languages = new Map(this.tags.map((tag) => [tag, new PageLanguage(tag, replaced[tag])]));
  }

  /** As `Accept-Language` has it (RFC 9110 section 12.5.4). */
  of(request: { headers: object }): PageLanguage {
    const tag = new this.negotiator(request).language(this.tags);
    return this.languages.get(tag ?? this.tags[0]!) ?? this.languages.get(this.tags[0]!)!;
  }
}
