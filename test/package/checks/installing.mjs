import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun } from './process.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const TARBALL = 'nestjs-jwt-knox.tgz';
const OPTIONS = ['--loglevel=error', '--ignore-scripts', '--strict-peer-deps', '--no-package-lock', '--no-audit', '--no-fund']; // prettier-ignore

/**
 * The `npm i` lines of the README's quick start that are for a Nest version, each as its arguments: those below a comment
 * that names the version, or that says `both`.
 * @param nest 11 or 12
 */
export function installLines(nest) {
  const section = /^## Quick start$([\s\S]*?)^## /m.exec(readFileSync(join(root, 'README.md'), 'utf8'))[1];
  let isMeant = false;
  const lines = [];
  for (const line of /^```sh\n([\s\S]*?)^```$/m.exec(section)[1].split('\n')) {
    if (line.startsWith('#')) isMeant = line === `# Nest ${nest}` || line.startsWith('# both');
    else if (isMeant && line.startsWith('npm i ')) lines.push(line.replace(/#.*/, '').trim().split(/\s+/).slice(2));
  }
  assert.equal(
    lines.length,
    2,
    `The README's quick start has ${lines.length} install lines for Nest ${nest}, and not 2.`,
  );
  return lines.map((names) => names.map((name) => (name === 'nestjs-jwt-knox' ? `./${TARBALL}` : name)));
}

/** An application before it knows the library: its own sources and packages. */
export function application(folder, host, tarball) {
  mkdirSync(folder);
  cpSync(join(root, 'test/package/host'), folder, { recursive: true });
  cpSync(join(root, 'test/package', host.name), folder, { recursive: true });
  cpSync(tarball, join(folder, TARBALL));
  return folder;
}

/** Adds the library to an application as the README says. */
export async function install(folder, { nest }) {
  await mustRun('npm', ['install', ...OPTIONS], { cwd: folder });
  for (const names of installLines(nest)) await mustRun('npm', ['i', ...names, ...OPTIONS], { cwd: folder });
  copySqlite(join(folder, 'node_modules/better-sqlite3'));
  return folder;
}

/** SQLite's other driver, of the version that TypeORM asks for. */
export function compileSqlite3(folder) {
  const options = OPTIONS.filter((name) => name !== '--ignore-scripts');
  return mustRun('npm', ['i', 'sqlite3@5', ...options], { cwd: folder });
}

/** The same with pnpm, which lets a package load nothing but what it declares. */
export async function installStrictly(folder, { nest }) {
  const pnpm = (...args) => mustRun('npx', ['--yes', 'pnpm@10', ...args], { cwd: folder });
  const settings = ['--ignore-scripts', '--config.auto-install-peers=false', '--config.strict-peer-dependencies=true'];
  await pnpm('install', '--no-lockfile', ...settings);
  for (const names of installLines(nest)) await pnpm('add', '--no-lockfile', ...names, ...settings);
  copySqlite(join(folder, 'node_modules/better-sqlite3'));
  return folder;
}

/** Compiled once, for the checkout: hosts would spend another minute each on the same binary. */
function copySqlite(target) {
  const compiled = join(root, 'node_modules/better-sqlite3');
  if (!existsSync(join(compiled, 'build'))) throw new Error('better-sqlite3 is not built: run `npm ci` first.');
  cpSync(compiled, realpathSync(target), { recursive: true });
}
