// The proofs against races, faults and attacks: `npm run reliability -- <proof>`, and without a name all of them.
// `--short` runs the quick forms, `--list` says what each proves. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compileHost } from '../test/support/compile-host.mjs';
import { newReports, report, sumOf, summary } from '../test/support/reports.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = join(root, 'reliability', 'proofs');
const PROOFS = readdirSync(folder).map((file) => file.replace('.mjs', ''));
// These measure time, which neighbours take.
const QUIET = new Set(['limit', 'purge', 'timing', 'scale', 'sockets', 'lease', 'failover', 'galera']);
// These wait more than they compute, and forgive what the machine itself takes: two of them are no crowd.
const WAITING = new Set(['kill', 'freeze', 'stream', 'stolen', 'silent']);
// Not among all quick forms. Of the first, tokens end several times over; of the second, `npm test` has one; four build
// clusters of servers; the others measure time or fill tables, a minute each. All have quick forms by their names.
const APART = new Set(
  `rotate model failover pooler replica galera clock restore purge freeze scale sockets limit timing`.split(' '),
);

/** What the first comment of a proof says about it, in its first sentence. */
function subjectOf(proof) {
  const [comment] = /^(?:\/\/.*\n)+/.exec(readFileSync(join(folder, `${proof}.mjs`), 'utf8'));
  const text = comment.replaceAll(/^\/\/ /gm, '').replaceAll('\n', ' ');
  return /^.*?(?=\.(?:\s|$))/.exec(text)[0];
}

/** Runs one proof. What it says last are its counts; without them it failed. */
async function run(proof, { args, reports, say }) {
  const began = performance.now();
  say(`\n${proof}`);
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [join(folder, `${proof}.mjs`), ...args], { cwd: root, stdio });
  const ended = new Promise((resolve) => child.once('close', resolve));
  createInterface({ input: child.stderr }).on('line', say);
  let last = '';
  const shortfalls = [];
  for await (const line of createInterface({ input: child.stdout })) {
    say(line);
    if (line.startsWith('FAIL ')) shortfalls.push(line);
    last = line;
  }
  const code = await ended;
  const [, passed = 0, failed = 0] = (/^(\d+) passed, (\d+) failed$/.exec(last) ?? []).map(Number);
  const failures = Math.max(failed, code === 0 && passed > 0 ? 0 : 1);
  report(join(reports, `${proof}.json`), passed, failures, shortfalls);
  say(`${proof} took ${Math.round((performance.now() - began) / 1_000)} s`);
}

/** Runs proofs, the quick forms two at a time where none measures time, and adds them up. */
async function runAll(proofs, args) {
  const lanes = args.includes('--short') && proofs.length > 1 ? 2 : 1;
  const reports = newReports('reliability');
  const lane = async (left) => {
    for (let proof = left.shift(); proof; proof = left.shift()) {
      // Beside another lane, each tells its whole story when it is over.
      const lines = [];
      await run(proof, { args, reports, say: lanes === 1 ? console.log : (line) => lines.push(line) });
      if (lines.length > 0) console.log(lines.join('\n'));
    }
  };
  const isAlone = (proof) => lanes === 1 || QUIET.has(proof);
  const besides = proofs.filter((proof) => !isAlone(proof));
  for (const some of [besides.filter((proof) => !WAITING.has(proof)), besides.filter((proof) => WAITING.has(proof))])
    await Promise.all(Array.from({ length: lanes }, () => lane(some)));
  await lane(proofs.filter(isAlone));
  const total = sumOf(reports);
  console.log(`\n${summary(total)}`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

const first = process.argv[2];
const named = first && !first.startsWith('--') ? first : undefined;
const args = process.argv.slice(named ? 3 : 2);
if (first === '--list') {
  for (const proof of PROOFS) console.log(`${proof.padEnd(8)}  ${subjectOf(proof)}`);
} else if (named && !PROOFS.includes(named)) {
  console.error(`There is no proof "${named}". Proofs: ${PROOFS.join(', ')}.`);
  process.exitCode = 1;
} else {
  const all = PROOFS.filter((proof) => !(args.includes('--short') && APART.has(proof)));
  compileHost();
  await runAll(named ? [named] : all, args);
}
