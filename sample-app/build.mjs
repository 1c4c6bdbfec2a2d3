// Builds the library and the application, where they are out of date.
import { execSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

const app = import.meta.dirname;
const root = join(app, '..');
const cache = join(app, '.cache');
const main = join(app, 'dist', 'main.js');
const library = join(root, 'dist', 'index.js');

/** The newest change of a file, or of any file below a folder, in epoch milliseconds. */
function changedAt(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(found.mtimeMs, ...readdirSync(path).map((name) => changedAt(join(path, name))));
}

function build(product, sources, command) {
  const made = statSync(product, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (sources.some((source) => changedAt(source) > made)) execSync(command, { cwd: root, stdio: 'inherit' });
}

// Held by one process at a time. The system itself gives it back when that process dies, however it dies.
mkdirSync(cache, { recursive: true });
const lock = new Database(join(cache, 'build.lock'), { timeout: 300_000 });
lock.exec('BEGIN EXCLUSIVE');
try {
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'package.json'];
  build(
    library,
    ['lib', ...settings].map((name) => join(root, name)),
    'npm run build',
  );
  build(main, [library, ...['src', 'tsconfig.json'].map((name) => join(app, name))], 'npm run build -w sample-app');
} catch (error) {
  if (error.status === undefined) throw error;
  // The compiler has said why.
  process.exit(error.status ?? 1);
} finally {
  lock.close();
}
