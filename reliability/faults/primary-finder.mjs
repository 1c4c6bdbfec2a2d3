// One address for two PostgreSQL servers: an HAProxy leads to the one that takes writes, as it finds by asking both.
import { setTimeout as delay } from 'node:timers/promises';
import { withDaemon } from './daemon.mjs';

const INTERVAL_MS = 250;
const CHECK_LIMIT_MS = 1_000;

/** A message of PostgreSQL's protocol, in hex: its type, its length and its text. */
function message(type, text) {
  const body = Buffer.from(text, 'latin1');
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]).toString('hex');
}

const START = message('', '\0\x03\0\0user\0postgres\0database\0postgres\0\0');
const READY = message('Z', 'I');
const QUESTION = message('Q', 'SELECT pg_is_in_recovery()\0');
/** A row of one column, of one byte: `f`. */
const NO = message('D', '\0\x01\0\0\0\x01f');

/** Runs `proof` with the address. Connections to a server that has failed, or is none that takes writes, are closed. */
export function withPrimaryFinder(servers, proof) {
  const files = (_folder, port) => ({
    'haproxy.cfg': [
      'defaults',
      '  mode tcp',
      '  timeout connect 1s',
      `  timeout check ${CHECK_LIMIT_MS}ms`,
      '  timeout client 1h',
      '  timeout server 1h',
      'listen primary',
      `  bind 127.0.0.1:${port}`,
      '  option tcp-check',
      '  tcp-check connect',
      `  tcp-check send-binary ${START}`,
      `  tcp-check expect binary ${READY}`,
      `  tcp-check send-binary ${QUESTION}`,
      `  tcp-check expect binary ${NO}`,
      `  default-server check inter ${INTERVAL_MS}ms fall 2 rise 1 on-marked-down shutdown-sessions`,
      ...servers.map(({ port: own }, index) => `  server s${index} 127.0.0.1:${own}`),
    ].join('\n'),
  });
  return withDaemon('haproxy', { files, args: ['-db', '-f', 'haproxy.cfg'] }, async (port) => {
    // Until it has asked both for the first time, it takes either.
    await delay(2 * (INTERVAL_MS + CHECK_LIMIT_MS));
    return proof(`postgres://postgres@127.0.0.1:${port}/postgres`);
  });
}
