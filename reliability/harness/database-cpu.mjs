// What the connections of a database have cost its server, where that runs on this machine.
import { readFile } from 'node:fs/promises';

const CONNECTIONS = {
  // A process of its own for each connection.
  postgres: 'SELECT pid AS id FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  // A thread of its own for each connection.
  mariadb: 'SELECT TID AS id FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()',
};

/** CPU milliseconds so far, by connection. Empty where the database is in the application, or on another machine. */
export async function databaseCpu(source) {
  const { type, url = '' } = source.options;
  const sql = CONNECTIONS[type];
  const ids =
    sql && /@(127\.0\.0\.1|localhost)[:/]/.test(url) ? (await source.query(sql)).map((row) => Number(row.id)) : [];
  return new Map(await Promise.all(ids.map(async (id) => [id, await cpuOf(id)])));
}

async function cpuOf(id) {
  try {
    return Number((await readFile(`/proc/${id}/task/${id}/schedstat`, 'utf8')).split(' ')[0]) / 1e6;
  } catch {
    // Closed meanwhile, or on another machine.
    return 0;
  }
}
