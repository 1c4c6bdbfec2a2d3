import { describe, expect, it } from 'vitest';
import ts from 'typescript';
import { logCalls, loggedIn, logIds, problemOf, startUpProblems } from './messages';
import { readPage, tableRowsOf } from './pages';

/** Remedies, which follow a problem, and what no option can cause. */
const NO_PROBLEMS = [
  'write … instead',
  'return it from the factory',
  ' Beside them: …',
  'make a new key with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072`',
  'The keyring holds no key that can sign',
  // `introspection.uri: missing`, or `not a URL`: both are on the page.
  '…: …',
];

const page = readPage('docs/10-messages.md');

/** The code spans that begin the items of the lists: all that come before the explanation. */
function listedMessages(text: string): string[] {
  const items = text.split(/^- /m).slice(1);
  const heads = items.map((item) => /^(?:`[^`]+`(?: \(level `\w+`\))?,?\s*)+/.exec(item.replace(/\n {2}/g, ' '))![0]);
  return heads.flatMap((head) => Array.from(head.matchAll(/`([^`]+)`/g), ([, code]) => code!));
}

/** Whether one of the listed messages is this one, or its beginning followed by ` …`. */
const isListed = (problem: string, listed: string[]) =>
  listed.some((one) => one === problem || (one.endsWith(' …') && problem.startsWith(one.slice(0, -2))));

describe('the page of messages', () => {
  const listed = listedMessages(page.text);

  it('lists every start-up problem', () => {
    const problems = startUpProblems().filter((problem) => !NO_PROBLEMS.includes(problem));
    expect(problems.length).toBeGreaterThan(70);
    expect(problems.filter((problem) => !isListed(problem, listed))).toEqual([]);
  });

  it('has a row for every id in the log, with what to do, and for no other', () => {
    const section = page.text.split('\n## Log lines\n')[1]!.split('\n## ')[0]!;
    const rows = tableRowsOf({ ...page, text: section }).filter(([id]) => id!.startsWith('`'));
    expect(rows.map(([id]) => id!.replaceAll('`', '')).toSorted()).toEqual(logIds().toSorted());
    expect(rows.filter((cells) => cells.length !== 3 || cells.some((cell) => cell.length < 3))).toEqual([]);
  });

  it('misses no call of a logger: each logs a line with an id, and each id is logged', () => {
    const calls = logCalls();
    expect(calls.length).toBeGreaterThan(30);
    expect(calls.filter(({ id }) => id === null)).toEqual([]);
    expect([...new Set(calls.map(({ id }) => id))].toSorted()).toEqual(logIds().toSorted());
  });

  it('control: a call of a logger without an id is found, however it is written', () => {
    const code = [
      "this.logger.warn('Odd.');",
      "new Logger('JwtKnox').error(`Odd ${x}.`);",
      "this.logger[level]('Odd.');",
      "this.log.write('warn', 'Odd.');",
      'console.log(1);',
      "this.#logger.log(line('purged', 'Fine.'));",
      "response.write('warn: no logger');",
    ].join('\n');
    const found = loggedIn(ts.createSourceFile('odd.ts', code, ts.ScriptTarget.Latest, true));
    expect(found.map(({ id }) => id)).toEqual([null, null, null, null, null, 'purged']);
  });

  it('has a remedy for every error code of the HTTP API', () => {
    const codes = (path: string) =>
      tableRowsOf(readPage(path)).flatMap(([first, second]) =>
        /^`[a-z]+_[a-z_]+`$|^`forbidden`$/.test(first!) && second ? [first!] : [],
      );
    const ofApi = tableRowsOf(readPage('docs/04-http-api.md')).filter(([, status]) =>
      /^\d{3}(, \d{3})?$/.test(status!),
    );
    expect(ofApi.length).toBeGreaterThan(14);
    expect(ofApi.map(([code]) => code).filter((code) => !codes(page.path).includes(code!))).toEqual([]);
  });

  it('control: a message that nobody listed, and one of which only a word is listed, are found', () => {
    expect(problemOf('session.colour: must be green; paint it.')).toBe('session.colour: must be green');
    expect(isListed('session.colour: must be green', listed)).toBe(false);
    expect(isListed('the secret is blue', ['the secret'])).toBe(false);
  });
});
