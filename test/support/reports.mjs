// Adds up what test runners reported, in the JSON shape that Jest and Vitest share.
// node test/support/reports.mjs <folder>   prints `N passed, N failed` over all reports below the folder
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** Adds up every report below a folder. */
export function sumOf(folder) {
  const total = { passed: 0, failed: 0 };
  if (!existsSync(folder)) return total;
  for (const name of readdirSync(folder, { recursive: true }).filter((one) => one.endsWith('.json'))) {
    const { passed, failed } = countsOf(JSON.parse(readFileSync(join(folder, name), 'utf8')));
    total.passed += passed;
    total.failed += failed;
  }
  return total;
}

/** Reports checks that no runner ran. */
export function report(file, passed, failed) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ numPassedTests: passed, numFailedTests: failed }));
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

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(summary(sumOf(process.argv[2])));
