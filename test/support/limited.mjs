// node test/support/limited.mjs <seconds> <command> [arguments]
// Runs a command. Past its time it says what that was doing, ends it with all it has started, and fails.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { childrenOf, statOf } from './processes.mjs';

const [seconds, command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: 'inherit' });
// Whoever presses Ctrl-C ends the command too, by the terminal; a signal to this process alone is handed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

const timer = setTimeout(() => {
  const family = descendantsOf(process.pid);
  console.error(`\nNot done after ${seconds} s, and ended: ${[command, ...args].join(' ')}`);
  for (const pid of family) {
    const cpu = (statOf(pid)?.ticks ?? 0) / 100;
    console.error(`  ${pid}  ${cpu.toFixed(1)} s CPU  ${titleOf(pid).slice(0, 200)}`);
  }
  for (const pid of family) end(pid);
  process.exitCode = 124;
}, seconds * 1_000);

child.on('error', (error) => {
  clearTimeout(timer);
  console.error(`${command} cannot be started: ${error.message}`);
  process.exitCode = 127;
});
child.on('exit', (status, signal) => {
  clearTimeout(timer);
  process.exitCode ??= status ?? 128 + constants.signals[signal];
});

/** What a process has started, and what that has. */
function descendantsOf(pid) {
  return childrenOf(pid).flatMap((one) => [one, ...descendantsOf(one)]);
}

function titleOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return 'has ended';
  }
}

function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {} // It has ended by itself.
}
