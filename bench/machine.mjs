// Where the figures come from, without names and addresses.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { connectTo } from './databases.mjs';

const require = createRequire(import.meta.url);
const PACKAGES = [
  '@nestjs/core', '@nestjs/platform-express', '@nestjs/platform-fastify', '@nestjs/passport', 'typeorm', 'pg', 'mysql2',
  'better-sqlite3', 'jsonwebtoken', 'passport-jwt', 'better-auth',
]; // prettier-ignore

export async function describeMachine(kinds) {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    node: process.version,
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    isVirtual: isVirtual(),
    loadAtStart: loadavg()[0],
    databases: Object.fromEntries(await Promise.all([...kinds].map(async (kind) => [kind, await versionOf(kind)]))),
    packages: Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name)])),
  };
}

/** Time that the host took from this machine's cores, and all time, in ticks; null where it is not told. */
export function stolenTime() {
  try {
    const ticks = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))[1].split(' ').map(Number);
    return { stolen: ticks[7], all: ticks.slice(0, 8).reduce((sum, one) => sum + one, 0) };
  } catch {
    return null;
  }
}

function commit() {
  if (process.env.BENCH_COMMIT) return process.env.BENCH_COMMIT;
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' });
    return git('rev-parse', '--short', 'HEAD').trim() + (git('status', '--porcelain', 'lib').trim() ? ', changed' : '');
  } catch {
    return 'unknown';
  }
}

function isVirtual() {
  try {
    return /^flags.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return null;
  }
}

async function versionOf(kind) {
  if (kind === 'sqlite') return require('better-sqlite3')(':memory:').prepare('SELECT sqlite_version()').pluck().get();
  const server = await connectTo(kind);
  try {
    const [row] = await server.query(kind === 'postgres' ? 'SHOW server_version' : 'SELECT version() AS version');
    return Object.values(row)[0].split(' ')[0];
  } finally {
    await server.destroy();
  }
}

/** Read from the file, since not every package lets its manifest be imported. */
function packageVersion(name) {
  for (const folder of ['node_modules', '../node_modules']) {
    try {
      return JSON.parse(readFileSync(new URL(`${folder}/${name}/package.json`, import.meta.url), 'utf8')).version;
    } catch {
      continue;
    }
  }
  return undefined;
}
