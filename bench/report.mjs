// The figures for people: tables, and files of results.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartOf } from './chart.mjs';

const HEAD = ['scenario', 'CPU µs', '± %', 'database µs', 'statements', 'p50 ms', 'p99 ms', 'RSS MB'];

/** A Markdown table of one group. */
export function groupTable({ figures }) {
  const rows = figures.map((one) => [
    one.name,
    one.cpu.toFixed(1),
    (one.spread * 100).toFixed(1),
    databaseCell(one),
    String(Math.round(one.statements * 100) / 100),
    one.p50.toFixed(2),
    one.p99.toFixed(2),
    (one.rss / 2 ** 20).toFixed(0),
  ]);
  return markdown(HEAD, rows);
}

/** A Markdown table of the targets, with what came of them. */
export function targetTable(judged) {
  const number = (value) => (Number.isFinite(value) ? String(Math.round(value * 100) / 100) : '–');
  const rows = judged.map(({ text, value, quartiles, most, unit, verdict }) => [
    text,
    `${number(value)} ${unit}`.trim(),
    quartiles.map(number).join(' … '),
    `${number(most)} ${unit}`.trim(),
    verdict,
  ]);
  return markdown(['target', 'measured', 'quartiles', 'at most', 'verdict'], rows);
}

/** Writes the raw figures under today's date, and the tables and the chart under the Node line's name. */
export function writeResults(folder, { machine, groups, judged }) {
  mkdirSync(folder, { recursive: true });
  const line = `node${machine.node.slice(1).split('.')[0]}`;
  const files = {
    [`${machine.date}-node${machine.node.slice(1)}.json`]: JSON.stringify(
      { machine, groups, targets: judged },
      rounded,
    ),
    [`${line}.md`]: pageOf({ machine, groups, judged }),
  };
  const core = groups.find(({ name }) => name === 'core');
  if (core)
    files[`${line}.svg`] = chartOf(core.figures, `CPU per authenticated request, Node ${machine.node.slice(1)}`);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return Object.keys(files);
}

function pageOf({ machine, groups, judged }) {
  const legend = (figures) => figures.map(({ name, about }) => `- \`${name}\`: ${about}`).join('\n');
  const sections = groups.map((group) => `## ${group.title}\n\n${groupTable(group)}\n\n${legend(group.figures)}`);
  const targets = judged.length > 0 ? [`## Targets\n\n${targetTable(judged)}`] : [];
  return `${[headOf(machine), ...sections, ...targets].join('\n\n')}\n`;
}

export function headOf({ node, date, commit, cores, cpu, isVirtual, loadAtStart, stolenShare, databases, packages }) {
  const versions = [...Object.entries(databases), ...Object.entries(packages)].map((pair) => pair.join(' '));
  const stolen = stolenShare === null ? '' : `, ${(stolenShare * 100).toFixed(1)} % of the time taken by the host`;
  return [
    `# Figures on Node ${node.slice(1)}\n`,
    `Measured on ${date}, commit ${commit}, on ${isVirtual ? 'a virtual machine' : 'a machine'} with ${cores} cores`,
    `(${cpu}); load ${loadAtStart.toFixed(2)} at the start${stolen}. Versions: ${versions.join(',\n')}.\n`,
    'How, and what to keep in mind: [the benchmark](../README.md). Medians of the rounds; compare within a table only.',
  ].join('\n');
}

function databaseCell({ database, databaseKind }) {
  if (databaseKind === undefined) return '–';
  if (databaseKind === 'sqlite') return 'in process';
  return database === null ? 'unknown' : database.toFixed(1);
}

/** A thousandth of a microsecond is more than enough. */
export function rounded(_key, value) {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value;
}

/** @param rows cells; all columns but the first are numbers */
export function markdown(head, rows) {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  const line = (cells) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => '-'.repeat(width + 1) + (column === 0 ? '-' : ':')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
