import { describe, expect, it } from 'vitest';
import { arithmeticOf, evaluate, wrongResultsOf } from './arithmetic';
import { type Page, readPage, tableRowsOf } from './pages';

const page = readPage('docs/27-scaling.md');
const arithmetic = arithmeticOf(page);

/** Figures that are said to be measured, and stand in no table of the run. */
function unmeasuredOf(one: Page): string[] {
  const cells = tableRowsOf(one).flatMap((row) => (/^`\w+`$/.test(row[0]!) ? [] : row));
  const measured = [...arithmeticOf(one).given].filter(([, { kind }]) => kind === 'measured');
  return measured.filter(([, { text }]) => !cells.includes(text)).map(([name]) => name);
}

describe('the page on scaling', () => {
  it('calculates with what was measured, and the results follow', () => {
    expect(arithmetic.formulas.length).toBeGreaterThan(20);
    expect(wrongResultsOf(arithmetic)).toEqual([]);
  });

  it('takes its figures from the tables of the run', () => {
    expect([...arithmetic.given.values()].filter(({ kind }) => kind === 'measured').length).toBeGreaterThan(10);
    expect(unmeasuredOf(page)).toEqual([]);
  });

  it('control: a figure that was changed by hand is found', () => {
    const planted = (text: string): Page => ({ path: 'docs/planted.md', text });
    const [name, { text }] = [...arithmetic.given].find(([, { kind }]) => kind === 'measured')!;
    const changed = planted(page.text.replace(`| \`${name}\` | ${text} |`, `| \`${name}\` | 31,415 |`));
    expect(unmeasuredOf(changed)).toEqual([name]);
    const [first] = arithmetic.formulas;
    const wrong = planted(
      page.text.replace(`\`${first!.formula}\` | ${first!.result} |`, `\`${first!.formula}\` | 7 |`),
    );
    expect(wrongResultsOf(arithmeticOf(wrong))).toHaveLength(1);
  });

  it('control: formulas are calculated as they are read', () => {
    const values = new Map([['rows', 3e8]]);
    expect(evaluate('2 + 3 * (rows - 1e8) / 1e8 - 1', values)).toBe(7);
    expect(() => evaluate('2 * users', values)).toThrow('users');
    expect(() => evaluate('(2 * 3', values)).toThrow('parenthesis');
    expect(() => evaluate('2 3', values)).toThrow('3');
  });
});
