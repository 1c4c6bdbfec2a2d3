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
/** How long the server may take to accept the request; from a pooler, until it has passed it on. */
const CANCEL_TIMEOUT_MS = 250;

/**
 * Asks PostgreSQL to end the statement of a connection that is about to be closed: a server process that waits for a lock
 * does not notice that its client has gone, and would count against `max_connections` until it gets the lock. On a way of
 * its own, and unencrypted, as the protocol has it; the connection's secret key makes sure that it ends no other.
 * @param done called once, when the connection may be closed: a pooler finds what to end only while its client is there
 */
export function cancelStatement(client: any, done: () => void): void {
  const { host, port, processID, secretKey } = isPgClient(client) ? (client as any) : {};
  if (typeof host !== 'string' || !Number.isInteger(processID) || !Number.isInteger(secretKey)) return done();
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  const timer = setTimeout(() => socket.destroy(), CANCEL_TIMEOUT_MS).unref();
  socket
    .on('error', () => undefined)
    .on('close', () => {
      clearTimeout(timer);
      done();
    });
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  // It is the server that closes, as with libpq.
  socket.unref().resume().write(message);
}
