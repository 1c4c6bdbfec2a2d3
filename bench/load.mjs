// Sends requests over kept-alive sockets, a fixed number at a time, and checks every answer.
import { connect } from 'node:net';

const PATIENCE_MS = 30_000;

/** An answer that is not what the scenario promises: the run is worthless, and ends. */
export class WrongAnswer extends Error {}

/** The bytes of a request. */
export function requestBytes({ method = 'GET', path = '/me', headers = {}, json }) {
  const body = json === undefined ? '' : JSON.stringify(json);
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Accept: application/json'];
  for (const [name, value] of Object.entries({ 'User-Agent': 'bench/1.0', ...headers }))
    lines.push(`${name}: ${value}`);
  if (json !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Sends `count` requests over the connections, which wait for each answer before their next request.
 * @param exchange gives the next request of a connection: `{ request, check(answer) }`
 * @returns how long each answer took, in milliseconds
 */
export async function drive(connections, count, exchange) {
  const times = [];
  let left = count;
  const lane = async (connection, index) => {
    while (left-- > 0) {
      const { request, check } = exchange(index);
      const sent = performance.now();
      const answer = await connection.send(request);
      times.push(performance.now() - sent);
      check(answer);
    }
  };
  await Promise.all(connections.map(lane));
  return times;
}

/** Opens `count` connections, spread over the ports. */
export function openConnections(ports, count) {
  return Promise.all(Array.from({ length: count }, (_, index) => Connection.open(ports[index % ports.length])));
}

class Connection {
  #received = Buffer.alloc(0);
  #waiting;

  constructor(socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new WrongAnswer(`No answer within ${PATIENCE_MS} ms.`)));
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new WrongAnswer('The server closed the connection.')));
  }

  static open(port) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
    });
  }

  /** @returns `{ status, body }` */
  send(request) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  close() {
    this.#waiting = undefined;
    this.socket.destroy();
  }

  #read(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const answer = parseAnswer(this.#received);
    if (answer === null) return;
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    this.#received = this.#received.subarray(answer.length);
    resolve(answer);
  }

  #fail(error) {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** One HTTP/1.1 answer, or null when it is not complete. */
export function parseAnswer(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const head = bytes.toString('latin1', 0, end);
  const status = Number(head.slice(9, 12));
  const start = end + 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) return sized(bytes, status, start, Number(length[1]));
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return chunked(bytes, status, start);
  return { status, body: '', length: start };
}

function sized(bytes, status, start, size) {
  const length = start + size;
  return bytes.length < length ? null : { status, body: bytes.toString('utf8', start, length), length };
}

function chunked(bytes, status, start) {
  const parts = [];
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line === -1) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    if (bytes.length < next) return null;
    if (size === 0) return { status, body: Buffer.concat(parts).toString(), length: next };
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = next;
  }
}
