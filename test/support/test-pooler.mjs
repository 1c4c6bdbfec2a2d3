// The suites that run on PostgreSQL, once more, with PgBouncer in transaction mode between applications and server. What
// tests do to a database themselves goes to the server: `direct` in databases.ts. Paths below `test/` choose some of them,
// and flags are Vitest's.
// The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileHost } from './compile-host.mjs';
import { filesOnServers } from './files-on-servers.mjs';
import { confirm, newReports, sumOf, summary } from './reports.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const given = process.argv.slice(2);
/** Not fewer than an application under test has: some hold locks on several, and expect others to be served. */
const CONNECTIONS = 10;
const reports = newReports('test-pooler');

compileHost();
// Both need what was just compiled.
const { SERVERS } = createRequire(import.meta.url)('../../.cache/host');
const { withPooler } = await import('../../reliability/faults/pooler.mjs');

const run = async (through) => {
  const file = join(reports, 'vitest.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const files = given.some((argument) => argument.startsWith('test/')) ? [] : filesOnServers();
  const env = {
    TEST_LENGTH: 'long',
    ...process.env,
    TEST_DATABASES: 'postgres',
    TEST_POOLER_URL: through(SERVERS.postgres),
  };
  const args = [vitest, 'run', ...reporters, ...given, ...files];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  const [status] = await once(child, 'close');
  confirm(file, status);
};
await withPooler(SERVERS.postgres, run, { connections: CONNECTIONS });

const total = sumOf(reports);
console.log(`\n${summary(total)}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
