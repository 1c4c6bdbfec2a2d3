// The same benchmark under Node 24, in a copy of the checkout whose native modules are built for it.
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkoutOnNode } from '../test/support/on-node.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Runs with these arguments, and answers the exit code. */
export async function runOnNode24(args, results) {
  const { cwd, node, env } = await checkoutOnNode(24);
  // What the benchmark compares with has no native parts.
  const modules = join(cwd, 'bench', 'node_modules');
  rmSync(modules, { recursive: true, force: true });
  symlinkSync(join(HERE, 'node_modules'), modules);
  const options = { cwd, env: { ...env, BENCH_COMMIT: commit() }, stdio: ['ignore', 'inherit', 'inherit'] };
  const built = spawnSync('npm', ['run', 'build', '--silent'], options);
  if (built.status !== 0) return built.status ?? 1;
  const ran = spawnSync(node, ['bench/run.mjs', ...args, '--results', results], options);
  return ran.status ?? 1;
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: HERE, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
