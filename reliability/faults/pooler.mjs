// A PgBouncer of the proof's own, which hands its few connections to another client after each transaction.
import { withDaemon } from './daemon.mjs';

/** Far fewer than the application has: every statement may find itself on another one. */
const CONNECTIONS = 4;

/**
 * Runs `proof` with a pooler in front of the server of `url`; `proof` gets a function that leads a URL through it.
 * `connections`: how many it holds to each database.
 */
export function withPooler(url, proof, { connections = CONNECTIONS } = {}) {
  const { hostname, port: behind, username, password } = new URL(url);
  const files = (folder, port) => ({
    users: `"${username}" "${password}"\n`,
    'pgbouncer.ini': [
      '[databases]',
      `* = host=${hostname} port=${behind || 5432}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = trust',
      `auth_file = ${folder}/users`,
      'pool_mode = transaction',
      `default_pool_size = ${connections}`,
      // The next in turn, and not the one that was used last: no connection stays with its client.
      'server_round_robin = 1',
      // It turns clients away for 15 seconds after a login failed, as where a test has dropped their database.
      'server_login_retry = 0.1',
      // Each database has connections of its own: those of databases that are done with leave room for others.
      'server_idle_timeout = 3',
      'max_client_conn = 1000',
    ].join('\n'),
  });
  return withDaemon('pgbouncer', { files, args: ['-q', 'pgbouncer.ini'] }, (port) =>
    proof((one) => Object.assign(new URL(one), { hostname: '127.0.0.1', port }).href),
  );
}
