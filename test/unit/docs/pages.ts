import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, resolve } from 'node:path';

export const root = resolve(__dirname, '../../..');

/** A page of the documentation. */
export interface Page {
  /** From the root of the repository, e.g. `docs/03-options.md`. */
  path: string;
  text: string;
}

/** One TypeScript block of a page. */
export interface Snippet {
  page: string;
  /** The line of its first line of code in the page, from 1. */
  line: number;
  /** The file that its first line names (`// src/users.ts`): other blocks of the page can import it. */
  file: string | undefined;
  /** What the reader is spared: an HTML comment right before the block that begins with `snippet`. */
  preamble: string;
  code: string;
}

const TOP = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md'];

export function readPages(): Page[] {
  const docs = readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  return [...TOP, ...docs].map(readPage);
}

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

const BLOCK = /(?:<!-- snippet\n(?<preamble>[\s\S]*?)-->\n+)?^```ts\n(?<code>[\s\S]*?)^```$/gm;

export function snippetsOf({ path, text }: Page): Snippet[] {
  return [...text.matchAll(BLOCK)].map((match) => {
    const { preamble = '', code = '' } = match.groups!;
    const start = match.index + match[0].indexOf('```ts\n') + '```ts\n'.length;
    const file = /^\/\/ ([\w./-]+\.ts)\n/.exec(code)?.[1];
    return { page: path, line: text.slice(0, start).split('\n').length, file, preamble, code };
  });
}

/** The text of a page without its code blocks and comments. */
export function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '').replace(/<!--[\s\S]*?-->/g, '');
}

/** The rows of all tables of a page: their cells, trimmed. */
export function tableRowsOf(page: Page): string[][] {
  return page.text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim())); // prettier-ignore
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(page: Page): Set<string> {
  const headings = proseOf(page).matchAll(/^#+ (.+)$/gm);
  return new Set(Array.from(headings, ([, title]) => slugOf(title!)));
}

function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

const DEFINITION = /^\[([\w-]+)\]: (\S+)$/gm;
const LINK = /\]\((?!https?:)([^)\s]+)\)|\]\[([^\]]*)\]/g;

/**
 * What of a page's links leads nowhere. A definition counts only where it has its line to itself: two of them that were
 * joined into one line are text to a reader, and so are the links that need them.
 */
export function brokenLinksOf(page: Page): string[] {
  const prose = proseOf(page).replace(/`[^`\n]*`/g, '');
  const definitions = new Map(Array.from(prose.matchAll(DEFINITION), ([, name, target]) => [name!, target!]));
  const rest = prose.replace(DEFINITION, '');
  const misshapen = Array.from(rest.matchAll(/^\[[\w-]+\]:.*$/gm), ([line]) => line);
  const broken = [...rest.matchAll(LINK)].filter(([, inline, name]) => {
    const target = inline ?? definitions.get(name!);
    return target === undefined || !leadsSomewhere(page, target);
  });
  return [...misshapen, ...broken.map(([link]) => link)];
}

function leadsSomewhere(page: Page, link: string): boolean {
  if (/^https?:/.test(link)) return true;
  const { path, anchor } = targetOf(page, link);
  if (path !== page.path && !existsSync(join(root, path))) return false;
  return anchor === undefined || anchorsOf(path === page.path ? page : readPage(path)).has(anchor);
}

/** Where a relative link of a page leads: a path from the root, and an anchor. */
export function targetOf(page: Page, link: string): { path: string; anchor: string | undefined } {
  const [target = '', anchor] = link.split('#');
  const path = target === '' ? page.path : posix.join(posix.dirname(page.path), target);
  return { path: relative(root, join(root, path)), anchor };
}
