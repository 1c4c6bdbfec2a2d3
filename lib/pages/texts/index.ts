import { de } from './de';
import { en } from './en';

/** What the pages say, by key. `{…}` in a text is filled in; a text is never taken for HTML. */
export type PageTexts = Record<keyof typeof en, string>;

/** The languages that come with the library; the first is that of whoever asks for none of them. */
export const TEXTS: Readonly<Record<string, PageTexts>> = { en, de };
