import { type Page, tableRowsOf } from './pages';

/** What the tables of a page say that calculates: figures that are given, and formulas with their results. */
export interface Arithmetic {
  /** What was measured or assumed, as it is written, by name. */
  given: Map<string, { kind: 'measured' | 'assumed'; text: string }>;
  /** In the order of the page. */
  formulas: { name: string; formula: string; result: string }[];
}

/** Reads tables whose first column names a figure, and whose second is headed `measured`, `assumed` or `formula`. */
export function arithmeticOf(page: Page): Arithmetic {
  const given: Arithmetic['given'] = new Map();
  const formulas: Arithmetic['formulas'] = [];
  let kind: string | undefined;
  for (const [first = '', second = '', third = ''] of tableRowsOf(page)) {
    const name = /^`(\w+)`$/.exec(first)?.[1];
    // The line below a head has no letter.
    if (name === undefined) kind = /[a-z]/i.test(first) ? second : kind;
    else if (kind === 'measured' || kind === 'assumed') given.set(name, { kind, text: second });
    else if (kind === 'formula') formulas.push({ name, formula: second.replaceAll('`', ''), result: third });
  }
  return { given, formulas };
}

/** The results that do not follow, with what would. */
export function wrongResultsOf({ given, formulas }: Arithmetic): string[] {
  const values = new Map(Array.from(given, ([name, { text }]) => [name, Number(text.replaceAll(',', ''))]));
  return formulas.flatMap(({ name, formula, result }) => {
    const value = evaluate(formula, values);
    values.set(name, value);
    return shown(value) === result ? [] : [`${name}: ${formula} = ${shown(value)}, not ${result}`];
  });
}

/** Three figures that count. */
export function shown(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 9 });
}

/** Numbers, names, + - * / and parentheses. */
export function evaluate(formula: string, values: ReadonlyMap<string, number>): number {
  const tokens = formula.match(/\d+(?:\.\d+)?(?:e\d+)?|\w+|[-+*/()]|\S/g) ?? [];
  let at = 0;
  const factor = (): number => {
    const token = tokens[at++] ?? '';
    if (token === '(') {
      const value = sum();
      if (tokens[at++] !== ')') throw new SyntaxError(`${formula}: a parenthesis is open.`);
      return value;
    }
    const value = /^\d/.test(token) ? Number(token) : values.get(token);
    if (value === undefined || Number.isNaN(value)) throw new SyntaxError(`${formula}: what is ${token}?`);
    return value;
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === '*' || tokens[at] === '/') value = tokens[at++] === '*' ? value * factor() : value / factor();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  };
  const value = sum();
  if (at < tokens.length) throw new SyntaxError(`${formula}: what is ${tokens[at]}?`);
  return value;
}
