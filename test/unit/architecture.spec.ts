import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allExcesses, excessesOf, readSources, sizes } from '../support/budgets';

const files = readSources('lib');

/** The rows below the heading `Over budget`: what, and why. */
function toldRows(): string[][] {
  const section =
    readFileSync('docs/15-architecture.md', 'utf8').split('\n### Over budget\n')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('the budgets of the library', () => {
  it('are kept, but for what the documentation lists with a reason: no more, and no fewer', () => {
    expect(
      toldRows()
        .map(([what]) => what!)
        .toSorted(),
    ).toEqual(allExcesses(files));
    expect(toldRows().filter(([, why]) => !/\w.{20}/.test(why!))).toEqual([]);
  });

  it('are measured on everything that an application loads', () => {
    const measured = sizes(files);
    expect(measured['.']!.files).toBeGreaterThan(50);
    expect(Object.keys(measured)).toEqual([
      '.',
      'typeorm',
      'verifier',
      'cache',
      'testing',
      'client',
      'pages',
      'swagger',
      'websockets',
      'graphql',
      'microservices',
      'opentelemetry',
      'terminus',
    ]);
    for (const { files: count, lines } of Object.values(measured)) expect(lines).toBeGreaterThan(20 * count);
  });

  it('control: notice a long file, a long function, and too many parameters', () => {
    const long = Array.from({ length: 41 }, () => '  run();').join('\n');
    const text = `class Long {\n  constructor(a, b, c, d, e, f, g) {}\n  work() {\n${long}\n  }\n}\n
      const many = (a, b, c, d, e) => a;\nfunction few(a, b, c, d) {}\n${'\n'.repeat(210)}end();`;
    expect(excessesOf({ name: 'long.ts', text })).toEqual([
      'long.ts: lines',
      'long.ts Long.constructor: parameters',
      'long.ts Long.work: lines',
      'long.ts many: parameters',
    ]);
  });
});
