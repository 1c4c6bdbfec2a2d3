// The host that proofs and benchmark run is TypeScript. Needs the library built; lands in `.cache/host`.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function compileHost() {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', 'test/host'], { cwd: root, stdio: 'inherit' });
}
