// CPU time of database servers on this machine, from /proc. Elsewhere it is unknown.
import { readdirSync, readFileSync } from 'node:fs';
import { statOf } from '../test/support/processes.mjs';

const TICK_US = 10_000;

/** Reads how much CPU the database spent on one scenario so far, in microseconds; null where it cannot be known. */
export function meterOf(database, server) {
  if (database?.kind === 'postgres') return () => backendsCpu(server, database.name);
  if (database?.kind === 'mariadb') return async () => mariadbCpu();
  return async () => 0;
}

/** The backends that serve this database, and nothing else of the server: each scenario has a database of its own. */
async function backendsCpu(server, name) {
  const rows = await server.query(
    "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'",
    [name],
  );
  return sum(rows.map(({ pid }) => cpuOf(pid, 'postgres')));
}

/** The whole server: its threads are nobody's own. Scenarios run one at a time, but others may use it too. */
function mariadbCpu() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && /^(mariadbd|mysqld)$/.test(commandOf(name)));
  return pids.length === 1 ? cpuOf(pids[0], commandOf(pids[0])) : null;
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** From the scheduler's own account, in nanoseconds, of every thread; from the ticks of `stat` where there is none. */
function cpuOf(pid, command) {
  if (commandOf(pid) !== command) return null;
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return sum(threads.map((thread) => schedulerTime(`/proc/${pid}/task/${thread}/schedstat`))) ?? ticks(pid);
  } catch {
    return null;
  }
}

function schedulerTime(file) {
  const time = Number(readFileSync(file, 'utf8').split(' ')[0]);
  return time > 0 ? time / 1_000 : null;
}

function ticks(pid) {
  return statOf(pid).ticks * TICK_US;
}

function sum(values) {
  return values.includes(null) ? null : values.reduce((total, value) => total + value, 0);
}
