import { COMMON_WORDS, FOLLOWERS, KEYBOARD_WALKS, SHORT_WORDS } from './guessable-words';

/** What a guess costs that a dictionary, or a keyboard and the text before it, suggest. Bits. */
const COST = { word: 6, repeat: 8 };
/** Shorter ones come about by chance too often. */
const WALK = 4;
const REPEAT = 5;
const LONG_WORD = 6;
const DISGUISED_WORD = 5;
const PREFIX = 3;

const LEET: Readonly<Record<string, string>> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's', '!': 'i' }; // prettier-ignore

const WORDS = new Map<string, string[]>();
for (const word of COMMON_WORDS.toSorted((one, other) => other.length - one.length)) {
  WORDS.set(word.slice(0, PREFIX), [...(WORDS.get(word.slice(0, PREFIX)) ?? []), word]);
}

const WALKS = new Set<string>();
for (const walk of KEYBOARD_WALKS.flatMap((one) => [one, [...one].toReversed().join('')])) {
  for (let at = 0; at + WALK <= walk.length; at++) WALKS.add(walk.slice(at, at + WALK));
}

/** Bits of two letters in a row: most words of a language go on in a few ways. */
const PAIRS = new Map<string, number>();
for (const [letter, followers] of Object.entries(FOLLOWERS)) {
  for (const next of Object.keys(FOLLOWERS)) {
    const isUsual = followers.includes(next);
    PAIRS.set(letter + next, Math.log2(isUsual ? followers.length / 0.8 : (26 - followers.length) / 0.2));
  }
}

interface Spellings {
  readonly lower: string;
  /** With letters for what stands for them: `s3cr3t`. */
  readonly plain: string;
}

/** What a text is made of. */
export interface Strength {
  /** What a guesser needs for it. */
  readonly bits: number;
  /** How many of its characters nothing suggests. */
  readonly unsuggested: number;
  /** Whether there is a common word of some length in it, as people write and chance does not. */
  readonly hasWord: boolean;
}

/**
 * How hard a text is to guess for somebody who tries words, keyboard walks, sequences and repetitions first. Of random
 * texts it takes next to nothing away: what it knows seldom comes about by chance, and costs bits of its own.
 */
export function strengthOf(text: string): Strength {
  const lower = text.toLowerCase();
  const spellings = { lower, plain: lower.replace(/[013457@$!]/g, (one) => LEET[one]!) };
  const steps = stepsOf(lower);
  const literalBits = Math.log2(alphabetOf(text));
  let [bits, random, language, unsuggested] = [0, 0, 1, 0];
  let hasWord = false;
  let isBoundary = true;
  for (let at = 0; at < lower.length;) {
    const suggested = Math.max(walkAt(lower, at), repeatAt(lower, at), repeatAt(steps, at));
    const word = wordAt(spellings, at, isBoundary);
    if (word.length > 0 && word.length >= suggested) {
      bits += COST.word;
      at += word.length;
      hasWord ||= word.isLong;
      isBoundary = true;
    } else if (suggested > 0) {
      bits += COST.repeat;
      at += suggested;
      isBoundary = false;
    } else {
      unsuggested++;
      random += literalBits;
      language += PAIRS.get(lower.slice(at - 1, at + 1)) ?? literalBits;
      isBoundary = isSeparator(lower, at++);
    }
  }
  return { bits: bits + Math.min(random, language), unsuggested, hasWord };
}

const NO_WORD = { length: 0, isLong: false };

/** The word that begins here, its length with up to two separators before it. */
function wordAt({ lower, plain }: Spellings, at: number, isBoundary: boolean): typeof NO_WORD {
  let start = at;
  while (start - at < 2 && isSeparator(lower, start)) start++;
  const word = commonWordAt(lower, start);
  if (word > 0) return { length: word + start - at, isLong: word >= LONG_WORD };
  const disguised = commonWordAt(plain, start);
  if (disguised >= DISGUISED_WORD) return { length: disguised + start - at, isLong: false };
  const short = isBoundary || start > at ? shortWordAt(lower, start) : 0;
  return short > 0 ? { length: short + start - at, isLong: false } : NO_WORD;
}

function commonWordAt(text: string, at: number): number {
  return WORDS.get(text.slice(at, at + PREFIX))?.find((word) => text.startsWith(word, at))?.length ?? 0;
}

function shortWordAt(text: string, at: number): number {
  for (let length = 5; length > 1; length--) if (SHORT_WORDS.has(text.slice(at, at + length))) return length;
  return 0;
}

function walkAt(text: string, at: number): number {
  let end = at;
  while (WALKS.has(text.slice(end, end + WALK))) end++;
  return end === at ? 0 : end - at + WALK - 1;
}

/** The length of what begins here and began earlier as well: the two may overlap, as in `aaaaaa`. */
function repeatAt(text: string, at: number): number {
  if (at === 0 || at + REPEAT > text.length) return 0;
  const earlier = text.lastIndexOf(text.slice(at, at + REPEAT), at - 1);
  if (earlier < 0) return 0;
  let length = REPEAT;
  while (at + length < text.length && text[earlier + length] === text[at + length]) length++;
  return length;
}

/** How each character differs from the one before it: the same all along in `abcd`, by turns in `a1b1c1`. */
function stepsOf(text: string): string {
  let steps = text.slice(0, 1);
  for (let at = 1; at < text.length; at++) {
    steps += String.fromCharCode((text.charCodeAt(at) - text.charCodeAt(at - 1)) & 0xffff);
  }
  return steps;
}

/** ASCII that is neither letter nor digit. The text is in lower case. */
function isSeparator(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 48 || (code > 57 && code < 97) || (code > 122 && code < 128);
}

/** How many characters a text chooses from, by the kinds that it has. */
function alphabetOf(text: string): number {
  const lower = /[g-z]/.test(text) ? 26 : /[a-f]/.test(text) ? 6 : 0;
  const upper = /[G-Z]/.test(text) ? 26 : /[A-F]/.test(text) ? 6 : 0;
  const digits = /\d/.test(text) ? 10 : 0;
  const symbols = new Set(text.replace(/[a-z\d\u0080-\uffff]/gi, '')).size;
  return Math.max(2, lower + upper + digits + symbols + (/[\u0080-\uffff]/.test(text) ? 128 : 0));
}
