import { isUtf8 } from 'node:buffer';
import { COMMON_WORDS, PLACEHOLDER_PHRASES } from './guessable-words';
import { PUBLISHED_SECRETS } from './published-secrets';
import { strengthOf } from './secret-strength';
import { sha256 } from './token-key';

const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[\w+/-]+={0,2}$/;

const phrases = new RegExp(PLACEHOLDER_PHRASES.join('|'));

/** A secret that signs must be harder to guess than this; a random UUID has 122. */
export const LEAST_BITS = 96;
/** Of a client's, which may be shorter, for each of its characters; hex has 4. */
const LEAST_CLIENT_BITS = 3;

/** What comes after that many characters makes a secret no worse. */
const MOST_READ = 1_024;

/** What speaks against a secret. */
export interface SecretAssessment {
  /** It is published, asks to be replaced, or consists of nothing but words, keyboard rows and the like. */
  readonly isPlaceholder: boolean;
  /** What a guesser needs for it who tries words, keyboard rows, sequences and repetitions. */
  readonly bits: number;
}

export function assessSecret(bytes: Buffer): SecretAssessment {
  const text = textOf(bytes).slice(0, MOST_READ);
  const decoded = decodedOf(text);
  decoded.push(...decoded.flatMap((one) => (isWritten(one) ? decodedOf(String(one)) : [])));
  const texts = [text, ...decoded.filter(isWritten).map(String)];
  const strengths = [...texts, ...texts.flatMap(withoutRuns)].map((one) => strengthOf(one));
  const isMadeUp = text !== '' && strengths.some(({ unsuggested }) => unsuggested === 0);
  return {
    isPlaceholder: isMadeUp || asksToBeReplaced(texts) || isPublished([bytes, ...decoded], texts),
    // Where there are words, people chose the rest as well: it counts for less.
    bits: Math.min(...strengths.map(({ bits, hasWord }) => (hasWord ? bits * 0.75 : bits))),
  };
}

export function isWeakClientSecret(secret: string): boolean {
  const { isPlaceholder, bits } = assessSecret(Buffer.from(secret));
  return isPlaceholder || bits < Math.min(LEAST_BITS, LEAST_CLIENT_BITS * secret.length);
}

/** Whether a SHA-256, in hex, is that of a published secret or of a single word. */
export function isDigestOfPlaceholder(hex: string): boolean {
  const digest = Buffer.from(hex, 'hex').toString('base64url');
  return (
    PUBLISHED_SECRETS.has(digest) ||
    ['', ...COMMON_WORDS, ...PLACEHOLDER_PHRASES].map((text) => sha256(text, 'base64url')).includes(digest)
  );
}

function asksToBeReplaced(texts: readonly string[]): boolean {
  return texts.some((text) => phrases.test(normalised(text)));
}

/** Whatever they are written as: text, hex or base64, and whichever of these stands in the documentation. */
function isPublished(buffers: readonly Buffer[], texts: readonly string[]): boolean {
  const spellings = buffers.flatMap((bytes) => [bytes.toString('hex'), bytes.toString('base64')]);
  return [...texts, ...spellings].some((one) => PUBLISHED_SECRETS.has(sha256(normalised(one), 'base64url')));
}

/** `qwer` of `qqqwwweeerrr`; nothing where few characters stand in runs. */
function withoutRuns(text: string): string[] {
  const single = text.replace(/(.)\1+/gsu, '$1');
  return single.length * 2 <= text.length ? [single] : [];
}

/** What a text is the hex or the base64 of. */
function decodedOf(text: string): Buffer[] {
  const compact = text.replace(/[\s"']/g, '');
  const encodings = [HEX.test(compact) && 'hex', BASE64.test(compact) && 'base64'] as const;
  return encodings.flatMap((encoding) => (encoding ? [Buffer.from(compact, encoding)] : []));
}

/** Whether somebody wrote this before it was encoded: random bytes look like it less often than once in 10^8 times. */
function isWritten(bytes: Buffer): boolean {
  return /^[\x20-\x7e\s]{20,}$/.test(bytes.toString('latin1'));
}

/** One character a byte where it is no UTF-8: random bytes would turn into a row of replacement characters. */
function textOf(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1').trim();
}

/** Letters and digits alone: so `CHANGE ME`, `change-me` and `Change_me!` are one. */
function normalised(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
}
