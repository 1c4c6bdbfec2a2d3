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
// It waits for tokens to end, several times over: too long for a quick form.
const isLong = (name) => name === 'bar:rotate' && process.argv.includes('--short');
const proofs = Object.entries(scripts).filter(([name]) => name.startsWith('bar:') && !isLong(name));

/** Runs one proof, its output in ours. What it says last are its counts; without them it failed. */
async function run(file) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(process.execPath, [join(root, file), ...process.argv.slice(2)], { cwd: root, stdio });
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    last = line;
  }
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)));
  const [, passed = 0, failed = 0] = (/^(\d+) passed, (\d+) failed$/.exec(last) ?? []).map(Number);
  return { passed, failed: Math.max(failed, code === 0 && passed > 0 ? 0 : 1) };
}

for (const [name, command] of proofs) {
  const began = performance.now();
  console.log(`\n${name}`);
  const { passed, failed } = await run(command.replace(/^node /, ''));
  report(join(reports, `${name.slice('bar:'.length)}.json`), passed, failed);
  console.log(`${name} took ${Math.round((performance.now() - began) / 1_000)} s`);
}

const total = sumOf(reports);
console.log(`\n${summary(total)}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
