import { connect } from 'node:net';
import type { QueryRunner } from 'typeorm';
import { isPgClient } from './fast-connection';

/**
 * Closes a connection and takes it out of its pool, which opens another one in its place; a statement that waits on it
 * fails. Connections without a network, such as SQLite's, stay as they are.
 */
export function giveUp(runner: QueryRunner, connection: any, reason: Error): void {
  if (isPgClient(connection)) {
    // A release with an error, by which the pool ends the client.
    const release: unknown = (runner as { releasePostgresConnection?: unknown }).releasePostgresConnection;
    if (typeof release === 'function') void release.call(runner, reason);
    // Its goodbye may wait for ever.
    connection.connection?.stream?.destroy();
    return;
  }
  const { type } = runner.connection.options;
  if (type !== 'mysql' && type !== 'mariadb') return;
  connection.destroy();
  // The driver tells the statement only of an error.
  connection.stream?.destroy(reason);
}

const CANCEL_REQUEST = 80877102;
const CANCEL_TIMEOUT_MS = 5_000;

/**
 * Asks PostgreSQL to end the statement of a connection that is about to be closed: a server process that waits for a lock
 * does not notice that its client has gone, and would count against `max_connections` until it gets the lock. On a way of
 * its own, and unencrypted, as the protocol has it; the connection's secret key makes sure that it ends no other.
 */
export function cancelStatement(client: any): void {
  if (!isPgClient(client)) return;
  const { host, port, processID, secretKey } = client;
  if (typeof host !== 'string' || !Number.isInteger(processID) || !Number.isInteger(secretKey)) return;
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  const close = () => void socket.destroy();
  socket.on('error', close).setTimeout(CANCEL_TIMEOUT_MS, close).unref().resume();
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  socket.end(message);
}
