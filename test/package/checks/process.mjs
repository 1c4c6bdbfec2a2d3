import { spawn } from 'node:child_process';

/** Runs a command to its end; what it prints is shown, or kept with `quiet`. */
export function run(command, args, { cwd, env = {}, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Runs a command that has to succeed. */
export async function mustRun(command, args, options) {
  const { code, output } = await run(command, args, { quiet: true, ...options });
  if (code !== 0) throw new Error(`\`${[command, ...args].join(' ')}\` ended with ${code}:\n${output.trim()}`);
  return output;
}

const DEADLINE_MS = 60_000;

/** Starts a server, calls `use` with the origin it announces, and stops it; gives back how it ended. */
export async function withServer(args, { cwd, env }, use) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let output = '';
  const ended = new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
  const announced = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        const origin = /Listening on (http\S+)/.exec(output)?.[1];
        if (origin) resolve(origin);
      });
    }
  });
  try {
    const origin = await Promise.race([announced, ended]);
    if (typeof origin !== 'string') throw new Error(`The server ended with ${origin.code}:\n${output.trim()}`);
    await use(origin);
  } finally {
    child.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
  }
  return ended;
}
