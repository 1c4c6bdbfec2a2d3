// `npm run bench`: see README.md beside this file.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileHost } from '../test/support/compile-host.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rows: { type: 'string' },
    profile: { type: 'string' },
    node24: { type: 'boolean', default: false },
    results: { type: 'string' },
  },
});

const isCapacity = flags.only === 'capacity';
if (!isCapacity) installPeers();
if (flags.node24) {
  const { runOnNode24 } = await import('./on-node-24.mjs');
  process.exitCode = await runOnNode24(argumentsWithout('--node24'), resultsFolder());
} else {
  compileHost();
  const { runBenchmark } = await import('./benchmark.mjs');
  const rows = flags.rows === undefined ? undefined : Number(flags.rows);
  if (rows !== undefined && !(Number.isInteger(rows) && rows >= 10_000))
    throw new Error('--rows: a number from 10000 on.');
  await runBenchmark({ ...flags, isCapacity, rows, results: resultsFolder() });
}

/** A profile, a part or a quick run replaces no result of the whole. */
function resultsFolder() {
  if (flags.results) return flags.results;
  const isWhole = !flags.quick && flags.only === undefined && flags.profile === undefined;
  return fileURLToPath(new URL(isWhole ? 'results/' : '../.cache/bench/', import.meta.url));
}

function argumentsWithout(flag) {
  return process.argv.slice(2).filter((argument) => argument !== flag);
}

function installPeers() {
  if (existsSync(new URL('node_modules/better-auth', import.meta.url))) return;
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: HERE, stdio: 'inherit' });
  if (status !== 0)
    throw new Error('What the benchmark compares with could not be installed: `npm ci` failed in bench.');
}
