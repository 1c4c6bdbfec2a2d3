// A PgBouncer of the proof's own, which hands its few connections to another client after each transaction.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './private-server.mjs';

const START_LIMIT_MS = 20_000;
/** Far fewer than the application has: every statement may find itself on another one. */
const CONNECTIONS = 4;

/** Runs `proof` with a pooler in front of the server of `url`; `proof` gets a function that leads a URL through it. */
export async function withPooler(url, proof) {
  const { hostname, port: behind, username } = new URL(url);
  const folder = mkdtempSync(join(tmpdir(), 'jwt-knox-pooler-'));
  const port = await freePort();
  const ini = join(folder, 'pgbouncer.ini');
  writeFileSync(join(folder, 'users'), `"${username}" ""\n`);
  writeFileSync(
    ini,
    [
      '[databases]',
      `* = host=${hostname} port=${behind || 5432}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = trust',
      `auth_file = ${join(folder, 'users')}`,
      'pool_mode = transaction',
      `default_pool_size = ${CONNECTIONS}`,
      // The next in turn, and not the one that was used last: no connection stays with its client.
      'server_round_robin = 1',
    ].join('\n'),
  );
  // It does not run as root.
  const identity = process.getuid() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (identity.uid)
    for (const path of [folder, ini, join(folder, 'users')]) chownSync(path, identity.uid, identity.gid);
  const pooler = spawn('pgbouncer', ['-q', ini], {
    ...identity,
    cwd: folder,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: 'ignore',
  });
  pooler.once('error', () => undefined);
  const stop = () => {
    pooler.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stop);
  try {
    await answers(port, pooler);
    return await proof((one) => Object.assign(new URL(one), { hostname: '127.0.0.1', port }).href);
  } finally {
    process.off('exit', stop);
    stop();
  }
}

function idOf(flag) {
  return Number(execFileSync('id', [flag, 'postgres']));
}

async function answers(port, pooler) {
  for (const began = performance.now(); performance.now() - began < START_LIMIT_MS; await delay(20)) {
    if (!pooler.pid || pooler.exitCode !== null) break;
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.unref().once('connect', () => socket.destroy());
    });
    if (isOpen) return;
  }
  throw new Error('pgbouncer does not answer; apt-get install pgbouncer.');
}
