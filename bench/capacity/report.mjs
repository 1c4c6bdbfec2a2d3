// A capacity run, and its figures for people: tables on the screen, and files of results.
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { describeMachine, stolenTime } from '../machine.mjs';
import { groupTable, headOf, markdown, rounded, targetTable } from '../report.mjs';
import { verdict } from '../statistics.mjs';
import { capacityTargets, judge } from '../targets.mjs';
import { measureCapacity, nameOf } from './run.mjs';
import { FILL_FACTOR } from './variants.mjs';

const MOST_LOCK_MS = 100;
const MOST_STATISTICS_MS = 15_000;

export async function reportCapacity({ most, effort, secret, folder }) {
  const machine = await describeMachine(new Set(['postgres', 'mariadb']));
  const before = stolenTime();
  const began = performance.now();
  const say = (text) => console.log(`capacity: ${text}`);
  const measured = await measureCapacity({ most, effort, secret, say });
  const after = stolenTime();
  machine.stolenShare = before && after && (after.stolen - before.stolen) / (after.all - before.all);
  machine.loadAtEnd = loadavg()[0];
  machine.minutes = (performance.now() - began) / 60_000;
  const targets = targetsOf(measured);
  const sections = sectionsOf({ ...measured, targets });
  console.log(`\n${sections.join('\n\n')}\n`);
  console.log(`Took ${machine.minutes.toFixed(0)} minutes; load ${loadOf(machine)}.`);
  console.log(`Written: ${write(folder, { machine, ...measured, targets }, sections).join(', ')}`);
}

function loadOf({ loadAtStart, loadAtEnd, cores }) {
  return `${loadAtStart.toFixed(1)} at the start, ${loadAtEnd.toFixed(1)} at the end, of ${cores} cores`;
}

function targetsOf({ figures, tables }) {
  const own = tables.filter(({ kind }) => kind === 'postgres');
  const [smallest, largest] = [own[0], own.at(-1)];
  const aims = smallest === largest ? [] : capacityTargets(nameOf(largest), nameOf(smallest));
  const { longestLock, statistics } = largest.upkeep;
  const once = (text, value, limit) => ({
    text: `${text}, ${largest.rows.toLocaleString('en')} sessions on PostgreSQL`,
    value, quartiles: [], most: limit, unit: 'ms', verdict: verdict(value, limit),
  }); // prettier-ignore
  return [
    ...judge([{ name: 'capacity', figures }], Number(process.versions.node.split('.')[0]), aims),
    once('purge, longest wait for a lock that was seen', longestLock, MOST_LOCK_MS),
    once('statistics', statistics, MOST_STATISTICS_MS),
  ];
}

function write(folder, results, sections) {
  mkdirSync(folder, { recursive: true });
  const { date, node } = results.machine;
  const files = {
    [`capacity-${date}-node${node.slice(1)}.json`]: JSON.stringify(results, rounded),
    'capacity.md': `${[headOf(results.machine), `Load ${loadOf(results.machine)}.`, ...sections].join('\n\n')}\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return Object.keys(files);
}

function sectionsOf({ figures, touchShare, connections, tables, grown, roomy, days, targets }) {
  const kinds = [...new Set(tables.map(({ kind }) => kind))];
  const section = (title, text) => `## ${title}\n\n${text}`;
  return [
    ...kinds.map((kind) => {
      const measured = [...tables, grown].filter((one) => one.kind === kind);
      return section(`Bytes per session, ${kind}`, sizeTable(measured));
    }),
    section('Bytes of a row, PostgreSQL', lengthTable(tables.filter(({ lengths }) => lengths))),
    ...kinds.map((kind) =>
      section(`Per operation, ${kind}`, operationTable(tables.filter((one) => one.kind === kind))),
    ),
    section('A touch where pages have room, PostgreSQL', roomTable(roomy)),
    section('Days in use, PostgreSQL', dayTable(days)),
    section(
      'An authenticated request, tokens of random sessions',
      `${groupTable({ figures })}\n\nOf the uses on the server \`touching\`, ${number(touchShare * 100)} % were noted.`,
    ),
    section('Connections held', connectionTable(connections)),
    section('Over the whole table', upkeepTable(tables)),
    section('Targets', targetTable(targets)),
  ];
}

const number = (value, digits = 1) =>
  Number.isFinite(value)
    ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : '–';
const count = (value) => value.toLocaleString('en');

function sizeTable(tables) {
  const names = Object.keys(tables[0].bytes);
  const head = ['sessions', ...names, 'all', 'fill s', 'index s'];
  const rows = tables.map(({ rows: size, bytes, fill, index }) => [
    fill === undefined ? `${count(size)}, indexes in place` : count(size),
    ...names.map((name) => number(bytes[name])),
    number(Object.values(bytes).reduce((sum, one) => sum + one, 0)),
    number(fill / 1_000, 0),
    number(index / 1_000, 0),
  ]);
  return markdown(head, rows);
}

function lengthTable(tables) {
  const rows = tables.map(({ rows: size, lengths }) => [count(size), number(lengths.login), number(lengths.refreshed)]);
  return markdown(['sessions', 'as a login wrote it', 'refreshed once'], rows);
}

const LOG = { records: 'WAL records', images: 'full pages', redo: 'redo' };

function operationTable(tables) {
  const logs = Object.keys(LOG).filter((name) => name in tables[0].operations[0]);
  const head = ['operation', 'sessions', ...logs.map((name) => LOG[name]), 'rows read', 'pages', 'statements', 'HOT %'];
  const rows = tables[0].operations.flatMap(({ name }, index) =>
    tables.map(({ rows: size, operations }) => {
      const one = operations[index];
      const hot = one.hotShare === null ? NaN : one.hotShare * 100;
      const logged = logs.map((log) => number(one[log], 0));
      return [
        name,
        count(size),
        ...logged,
        number(one.rowsRead, 2),
        number(one.pages),
        number(one.statements, 2),
        number(hot, 0),
      ];
    }),
  );
  return markdown(head, rows);
}

function roomTable({ rows, bytes, records, images, hotShare }) {
  const head = ['sessions, fillfactor', 'row', 'WAL records', 'full pages', 'HOT %'];
  const cells = [
    `${count(rows)}, ${FILL_FACTOR}`,
    number(bytes.row),
    number(records, 0),
    number(images, 0),
    number(hotShare * 100, 0),
  ];
  return markdown(head, [cells]);
}

/** Log and sizes of each day; the row first, then all indexes together. */
function dayTable(days) {
  const head = [
    'an active session, each day',
    'fillfactor',
    'day',
    'HOT % of uses',
    'WAL records MB',
    'full pages MB',
    'row',
    'indexes',
  ];
  const rows = days.map(({ life, factor, day, records, images, hotShare, bytes: [row, ...indexes] }) => [
    life,
    factor,
    day,
    number(hotShare * 100, 0),
    number(records / 1e6),
    number(images / 1e6),
    number(row),
    number(indexes.reduce((sum, one) => sum + one, 0)),
  ]);
  return markdown(head, rows);
}

function connectionTable(connections) {
  const head = [
    'server',
    'requests/s',
    'calls/s',
    'held ms',
    'calls × held',
    'busy, sampled',
    'samples',
    'for 1,000 requests/s',
  ];
  const rows = connections.map(({ variant, rate, held, expected, busy, samples }) => [
    variant, number(rate, 0), number(expected / (held / 1_000), 0), number(held, 3), number(expected, 3), number(busy, 3), count(samples),
    number((expected / rate) * 1_000, 2),
  ]); // prettier-ignore
  return markdown(head, rows);
}

function upkeepTable(tables) {
  const head = ['sessions', 'statistics s', 'purged', 'purge s', 'longest lock ms', 'p99 ms', 'p99 ms, purging'];
  const rows = tables.map(({ kind, rows: size, upkeep: { statistics, deleted, purge, longestLock, p99 } }) => [
    `${count(size)}, ${kind}`, number(statistics / 1_000, 2), count(deleted), number(purge / 1_000), number(longestLock ?? NaN, 0),
    number(p99.calm), number(p99.purging),
  ]); // prettier-ignore
  return markdown(head, rows);
}
