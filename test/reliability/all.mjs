// Every proof of this folder, one after the other: `npm run bars`, with `-- --short` for the quick forms.
// The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { newReports, report, sumOf, summary } from '../support/reports.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const reports = newReports('bars');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const isShort = process.argv.includes('--short');
// It waits for tokens to end, several times over: too long for a quick form.
const isLong = (name) => name === 'bar:rotate' && isShort;
const proofs = Object.entries(scripts).filter(([name]) => name.startsWith('bar:') && !isLong(name));

// These measure time, which neighbours take.
const QUIET = new Set(['bar:limit', 'bar:purge', 'bar:timing', 'bar:scale', 'bar:kill', 'bar:freeze']);
const LANES = isShort ? 2 : 1;

/** Runs one proof. What it says last are its counts; without them it failed. */
async function run([name, command], say) {
  const began = performance.now();
  say(`\n${name}`);
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [join(root, command.replace(/^node /, '')), ...process.argv.slice(2)], {
    cwd: root,
    stdio,
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  createInterface({ input: child.stderr }).on('line', say);
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    say(line);
    last = line;
  }
  const code = await ended;
  const [, passed = 0, failed = 0] = (/^(\d+) passed, (\d+) failed$/.exec(last) ?? []).map(Number);
  const failures = Math.max(failed, code === 0 && passed > 0 ? 0 : 1);
  report(join(reports, `${name.slice('bar:'.length)}.json`), passed, failures);
  say(`${name} took ${Math.round((performance.now() - began) / 1_000)} s`);
}

/** Takes proofs until none is left. Beside another lane, each tells its whole story when it is over. */
async function lane(left) {
  for (let proof = left.shift(); proof; proof = left.shift()) {
    const lines = [];
    await run(proof, LANES === 1 ? console.log : (line) => lines.push(line));
    if (lines.length > 0) console.log(lines.join('\n'));
  }
}

const isQuiet = ([name]) => LANES === 1 || QUIET.has(name);
const together = proofs.filter((proof) => !isQuiet(proof));
await Promise.all(Array.from({ length: LANES }, () => lane(together)));
await lane(proofs.filter(isQuiet));

const total = sumOf(reports);
console.log(`\n${summary(total)}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
