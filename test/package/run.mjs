// Proves the package as it is published: packs it, and installs the tarball in two hosts of different generations, by the
// install lines of the README. With TEST_LENGTH=long also by pnpm, and with the builders of Nest's command line.
// The last line is `N passed, N failed`: the hosts' own tests and the checks below.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { confirm, newReports, report, summary, sumOf } from '../support/reports.mjs';
import { checkBuilders } from './checks/builders.mjs';
import { application, compileSqlite3, install, installStrictly } from './checks/installing.mjs';
import { codeProblems, declarationProblems } from './checks/module-graph.mjs';
import { checkoutIn, checkPacking } from './checks/packing.mjs';
import { mustRun, run, withServer } from './checks/process.mjs';
import { contentProblems, entryProblems, pathProblems } from './checks/tarball.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const reports = newReports('test-package');
const work = mkdtempSync(join(tmpdir(), 'nestjs-jwt-knox-package-'));

// How the types are looked up: by `typesVersions` under the old rules, by `exports` under the new.
const NODE10 = { module: 'CommonJS', moduleResolution: 'Node10' };
const NODENEXT = { module: 'NodeNext', moduleResolution: 'NodeNext' };
const HOSTS = [
  {
    name: 'nest-11-cjs',
    nest: 11,
    resolutions: [NODE10, NODENEXT],
    test: (file) => ['jest', '--ci', '--json', `--outputFile=${file}`],
  },
  {
    name: 'nest-12-esm',
    nest: 12,
    resolutions: [NODENEXT],
    test: (file) => ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
  },
];

const failures = [];
let passed = 0;

async function check(title, body) {
  try {
    await body();
    passed++;
    console.log(`  ✓ ${title}`);
  } catch (error) {
    failures.push(`${title}\n${error?.message ?? error}`);
    console.log(`  ✗ ${title}\n${String(error?.message ?? error).replace(/^/gm, '    ')}`);
  }
}

const none = (problems) => assert.ok(problems.length === 0, problems.join('\n'));

/** Built and packed in a checkout of its own: others may be using `dist` of this one. */
async function pack(checkout) {
  console.log('The tarball');
  await mustRun('npm', ['pack', '--pack-destination', work], { cwd: checkout });
  const tarball = join(
    work,
    readdirSync(work).find((name) => name.endsWith('.tgz')),
  );
  await mustRun('tar', ['-xzf', tarball, '-C', work]);
  const folder = join(work, 'package');
  await check('holds the code, its types and the documents, and nothing else', () => none(contentProblems(folder)));
  await check('holds what package.json points to', () => none(entryProblems(folder)));
  await check('does not tell where it was built', () =>
    none([root, checkout].flatMap((place) => pathProblems(folder, place))),
  );
  await check('is clean to publint', async () => {
    const output = await mustRun('npx', ['--no', '--', 'publint', 'run', tarball, '--strict'], { cwd: root });
    assert.match(output, /All good!/, output);
  });
  const attw = (...args) => mustRun('npx', ['--no', '--', 'attw', tarball, ...args], { cwd: root });
  await check('has types that every resolution finds, says attw', () =>
    attw('--exclude-entrypoints', 'client', 'client/dpop'),
  );
  await check('has types of the client, which is ESM to CommonJS too, says attw', () =>
    attw('--entrypoints', 'client', 'client/dpop', '--ignore-rules', 'cjs-resolves-to-esm'),
  );
  return tarball;
}

async function checkModules({ resolutions }, folder) {
  const installed = join(folder, 'node_modules', 'nestjs-jwt-knox');
  await check('requires nothing but its dependencies and peers', () => {
    const { problems, files } = codeProblems(installed);
    none(problems);
    assert.ok(files > 20, `only ${files} files were looked at`);
  });
  for (const resolution of resolutions) {
    await check(`has types without leaks, under ${resolution.moduleResolution}`, () => {
      const { problems, files } = declarationProblems(installed, resolution);
      none(problems);
      assert.ok(files > 20, `only ${files} files were looked at`);
    });
    await check(`would have been caught with a leak, under ${resolution.moduleResolution}`, () => {
      const planted = join(folder, 'node_modules', 'planted-leak');
      rmSync(planted, { recursive: true, force: true });
      cpSync(installed, planted, { recursive: true });
      const leaks =
        "import type { Request } from 'express';\nexport type A = import('passport-jwt').Strategy | Request;\n";
      appendFileSync(join(planted, 'dist', 'contracts', 'session.d.ts'), leaks);
      const { problems } = declarationProblems(planted, resolution);
      rmSync(planted, { recursive: true });
      assert.equal(problems.length, 2, problems.join('\n'));
    });
  }
  await check('opens its entry points to require and import, and nothing else', () =>
    mustRun(process.execPath, ['entry-points.mjs'], { cwd: folder }),
  );
}

async function checkWithout(packages, script, folder) {
  const moves = packages.map((name) => ['node_modules', 'away'].map((place) => join(folder, place, name)));
  for (const [installed, away] of moves) {
    mkdirSync(dirname(away), { recursive: true });
    renameSync(installed, away);
  }
  await check(`works without ${packages.join(' and ')}, and says how to install it where it is needed`, () =>
    mustRun(process.execPath, [script], { cwd: folder }),
  );
  for (const [installed, away] of moves) renameSync(away, installed);
}

/** Types of peers may have faults of their own: those in the host's code and in ours count. */
async function checkTypes(folder) {
  // Whoever brought them: an application without these packages compiles too.
  const borrowed = ['express', 'jsonwebtoken', 'passport', 'passport-jwt'];
  for (const name of borrowed) rmSync(join(folder, 'node_modules/@types', name), { recursive: true, force: true });
  await check(
    'compiles with the quick start, library types checked, and without types that it did not ask for',
    async () => {
      const args = ['tsc', '--noEmit', '--pretty', 'false'];
      const { code, output } = await run('npx', ['--no', '--', ...args], { cwd: folder, quiet: true });
      const errors = output.split('\n').filter((line) => /error TS\d+/.test(line));
      assert.ok(code === 0 || errors.length > 0, output);
      const isForeign = (line) => /^node_modules\/(?!nestjs-jwt-knox\/)/.test(line);
      none(errors.filter((line) => !isForeign(line)));
      const foreign = errors.filter(isForeign).length;
      if (foreign > 0) console.log(`    (${foreign} faults in the types of others, not counted)`);
    },
  );
}

/** Starts a program, which then has to log a user in and know them. */
async function checkAnswers(file, folder) {
  const env = { JWT_SECRET: randomBytes(48).toString('base64') };
  const { code, output } = await withServer([file], { cwd: folder, env }, async (origin) => {
    const body = JSON.stringify({ username: 'alice', password: 'correct horse' });
    const login = await fetch(`${origin}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    assert.equal(login.status, 200);
    const { access_token: token } = await login.json();
    const notes = await fetch(`${origin}/notes`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await notes.json()).username, 'alice');
  });
  assert.doesNotMatch(output, /ERROR/, `printed an error, and ended with ${code}`);
}

async function checkProgram(folder) {
  await check('starts compiled, under plain Node, and answers', async () => {
    await mustRun('npm', ['run', 'build'], { cwd: folder });
    await checkAnswers('dist/main.js', folder);
  });
  await check('does not start with a short secret, and says once how to make a good one', async () => {
    const { code, output } = await run(process.execPath, ['dist/main.js'], {
      cwd: folder,
      env: { JWT_SECRET: 'fifteen letters' },
      quiet: true,
    });
    assert.notEqual(code, 0, 'the program went on');
    assert.equal(output.match(/JwtKnoxModule is misconfigured \(1 problem\)/g)?.length, 1, output);
    assert.match(output, /HS256 needs 32; make one with `openssl rand -base64 48`/);
  });
}

async function runTests(host, folder, { name = host.name, only = [], env } = {}) {
  const file = join(reports, `${name}.json`);
  const { code } = await run('npx', ['--no', '--', ...host.test(file), ...only], { cwd: folder, env });
  confirm(file, code);
}

/** What takes minutes: the other builders, and the strict folders of pnpm. */
async function checkAtLength(tarball, folders) {
  console.log('\nThe builders of Nest');
  await checkBuilders(check, folders[0], (file) => checkAnswers(file, folders[0]));
  console.log('\nA driver that has to be compiled');
  await compileSqlite3(folders[0]);
  await runTests(HOSTS[0], folders[0], { name: 'sqlite3', only: ['other-drivers'], env: { TEST_SQLITE3: '1' } });
  for (const host of HOSTS) {
    console.log(`\nThe package in ${host.name}, installed by pnpm`);
    const folder = await installStrictly(application(join(work, `${host.name}-pnpm`), host, tarball), host);
    await checkProgram(folder);
    await runTests(host, folder, { name: `${host.name}-pnpm` });
  }
}

try {
  const checkout = checkoutIn(work, root);
  const tarball = await pack(checkout);
  console.log('\nThe checkout');
  const [, ...folders] = await Promise.all([
    checkPacking(check, checkout),
    // Installations wait for the registry, and say nothing.
    ...HOSTS.map((host) => install(application(join(work, host.name), host, tarball), host)),
  ]);
  for (const [index, host] of HOSTS.entries()) {
    console.log(`\nThe package in ${host.name}, on Node ${process.version}`);
    await checkModules(host, folders[index]);
    await checkWithout(['jose'], 'without-jose.mjs', folders[index]);
    await checkWithout(['eta', 'bowser'], 'without-pages.mjs', folders[index]);
    await checkWithout(['typeorm', '@nestjs/typeorm'], 'without-typeorm.mjs', folders[index]);
    await checkTypes(folders[index]);
    await checkProgram(folders[index]);
    await runTests(host, folders[index]);
  }
  if (process.env.TEST_LENGTH === 'long') await checkAtLength(tarball, folders);
} catch (error) {
  failures.push(String(error?.message ?? error));
  console.error(error?.message ?? error);
} finally {
  rmSync(work, { recursive: true, force: true });
}
report(join(reports, 'checks.json'), passed, failures.length, failures);
const total = sumOf(reports);
console.log(`\n${summary(total)}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
