// Runs after npm has made the package, and fails when that is not whole. A build that runs beside `npm pack` empties
// `dist`: what was packed in that moment must not be published.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

/** Packs again, and gives what npm says about it: its files and their hash. */
function packed() {
  // npm takes the settings of the outer `npm pack` from here.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const options = { env, encoding: 'utf8', shell: process.platform === 'win32' };
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], options);
  const [result] = Object.values(JSON.parse(output));
  return { files: new Set(result.files.map(({ path }) => path)), integrity: result.integrity };
}

/** Every file that package.json points to, and the code and types of every source file. */
function expected() {
  const targets = (value) => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(targets));
  const entries = [manifest.main, manifest.types, ...targets(manifest.exports), ...targets(manifest.typesVersions)];
  const sources = readdirSync('lib', { recursive: true }).filter((name) => /\.m?ts$/.test(name));
  const compiled = sources.flatMap((name) =>
    ['.$1js', '.d.$1ts'].map((end) => join('dist', name.replace(/\.(m?)ts$/, end))),
  );
  return new Set([...entries, ...compiled].map((name) => name.replaceAll('\\', '/').replace(/^\.\//, '')));
}

const { files, integrity } = packed();
const missing = [...expected()].filter((name) => !files.has(name));
const problems = [
  ...missing.map((name) => `${name} is missing`),
  ...(integrity === process.env.npm_package_integrity ? [] : ['dist changed while it was packed']),
];
if (problems.length > 0) {
  const folder = process.env.npm_config_pack_destination || '.';
  rmSync(join(folder, `${manifest.name}-${manifest.version}.tgz`), { force: true });
  console.error(`The package is not whole: ${problems.join(', ')}.\nRun it again while nothing else builds.`);
  process.exitCode = 1;
}
