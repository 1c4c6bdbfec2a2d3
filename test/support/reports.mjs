// Adds up what test runners reported, in the JSON shape that Jest and Vitest share.
// node test/support/reports.mjs <folder>   prints what failed, and `N passed, N failed`, over all reports below the folder
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** An empty folder for the reports of one command. */
export function newReports(name) {
  const folder = join(root, '.cache', 'reports', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Passed and failed tests of one report. A test that was due and did not run, because its worker died, has failed; so has
 * a file that could not even be loaded, as one test. Vitest tells `skipped` apart; Jest does not, and skips nothing here.
 */
function countsOf({ testResults = [], numPassedTests, numFailedTests }) {
  let failed = numFailedTests;
  for (const { status, assertionResults } of testResults) {
    const undone = assertionResults.filter((test) => test.status === 'pending').length;
    const isUnloadable = status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
    failed += undone + (isUnloadable && undone === 0 ? 1 : 0);
  }
  return { passed: numPassedTests, failed };
}

/** Every report below a folder, with its name there. */
function reportsBelow(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => ({ name, ...JSON.parse(readFileSync(join(folder, name), 'utf8')) }));
}

/** Adds up every report below a folder. */
export function sumOf(folder) {
  const total = { passed: 0, failed: 0 };
  for (const one of reportsBelow(folder)) {
    const { passed, failed } = countsOf(one);
    total.passed += passed;
    total.failed += failed;
  }
  return total;
}

/** Nobody reads a whole trace among many; a report that says nothing more is told by its name. */
const MOST_LINES = 8;

/** The first lines of a text, indented, without colours. */
const excerpt = (text = '') => {
  const lines = stripVTControlCharacters(text).split('\n').slice(0, MOST_LINES);
  return lines.map((line) => `\n    ${line.slice(0, 300)}`).join('');
};

/** What failed in a file of tests, and the first lines of why. */
function failuresIn({ name, status, message, assertionResults }) {
  const file = relative(root, name);
  const due = assertionResults.filter((test) => test.status === 'failed' || test.status === 'pending');
  if (due.length === 0 && status === 'failed') return [`${file}${excerpt(message)}`];
  return due.map((test) => {
    const why = test.status === 'pending' ? 'It did not run.' : test.failureMessages?.[0];
    return `${file}: ${test.fullName}${excerpt(why)}`;
  });
}

/** What failed in every report below a folder. */
export function failuresOf(folder) {
  return reportsBelow(folder).flatMap(({ name, ...one }) => {
    const { testResults = [], failures = [] } = one;
    const told = [...testResults.flatMap(failuresIn), ...failures.map((text) => excerpt(text).trim())];
    if (told.length === 0 && countsOf(one).failed > 0) return [name];
    return told.map((text) => `${name}: ${text}`);
  });
}

/** Reports checks that no runner ran; `failures` says which of them failed. */
export function report(file, passed, failed, failures = []) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ numPassedTests: passed, numFailedTests: failed, failures }));
}

/**
 * A runner's word is not enough: when it left no report, or failed without a failed test in it (an unhandled error, say),
 * that counts as one failed test too.
 */
export function confirm(file, exitCode) {
  const name = file.replace(/\.json$/, '-run.json');
  if (!existsSync(file)) report(name, 0, 1);
  else if (exitCode !== 0 && countsOf(JSON.parse(readFileSync(file, 'utf8'))).failed === 0) report(name, 0, 1);
}

export const summary = ({ passed, failed }) => `${passed} passed, ${failed} failed`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder] = process.argv;
  const failures = failuresOf(folder);
  if (failures.length > 0) console.log(`\n== What failed\n${failures.join('\n')}\n`);
  console.log(summary(sumOf(folder)));
}
