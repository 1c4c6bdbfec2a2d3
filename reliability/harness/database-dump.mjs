// A database as a thief has it: the bytes of its dump, or of its files.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const run = (command, args) => execFileSync(command, args, { maxBuffer: 2 ** 30 });

/** `options`: of the data source. */
export function dumpOf({ type, url, database }) {
  if (type === 'postgres') return run('pg_dump', ['--no-password', url]);
  if (type === 'mariadb') {
    const { hostname, port, username, pathname } = new URL(url);
    const server = ['--protocol=tcp', `--host=${hostname}`, `--port=${port || 3306}`, `--user=${username}`];
    return run('mariadb-dump', [...server, '--hex-blob', pathname.slice(1)]);
  }
  const folder = dirname(database);
  return Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))));
}
