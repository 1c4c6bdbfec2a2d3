// A program of Debian's that listens on a port of its own, configured by files in a folder of its own.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './private-server.mjs';

const START_LIMIT_MS = 20_000;

/** Runs `proof` with its port. `files` returns their texts, by name, for its folder and port. It is no root's. */
export async function withDaemon(program, { files, args }, proof) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), `jwt-knox-${program}-`));
  const identity = process.getuid() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  const paths = [folder];
  for (const [name, text] of Object.entries(files(folder, port))) {
    paths.push(join(folder, name));
    writeFileSync(paths.at(-1), `${text}\n`);
  }
  if (identity.uid) for (const path of paths) chownSync(path, identity.uid, identity.gid);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const daemon = spawn(program, args, { ...identity, env, cwd: folder, stdio: 'ignore' });
  daemon.once('error', () => undefined);
  const tell = (code, signal) => console.error(`${program} ended by itself: ${signal ?? code}.`);
  const stop = () => {
    daemon.off('exit', tell);
    daemon.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stop);
  try {
    await untilOpen(port, daemon, program);
    daemon.once('exit', tell);
    return await proof(port);
  } finally {
    process.off('exit', stop);
    stop();
  }
}

function idOf(flag) {
  return Number(execFileSync('id', [flag, 'postgres']));
}

async function untilOpen(port, daemon, program) {
  for (const began = performance.now(); performance.now() - began < START_LIMIT_MS; await delay(20)) {
    if (!daemon.pid || daemon.exitCode !== null) break;
    if (await isOpen(port)) return;
  }
  throw new Error(`${program} does not answer; apt-get install ${program}.`);
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
