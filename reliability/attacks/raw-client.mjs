// Speaks HTTP/1.1 byte by byte: node:http refuses to send what an attacker sends.
import { connect } from 'node:net';

const PATIENCE_MS = 10_000;
const QUIET_MS = 25;

/** One client: its connection is kept while both sides agree. */
export class RawClient {
  socket = null;

  constructor(port) {
    this.port = port;
  }

  /** Sends one whole request and waits for its answer: `{ status, headers, text }`; status 0 when none came. */
  async exchange(bytes, method) {
    const kept = this.socket !== null;
    const answer = await this.attempt(bytes, method);
    // The server may close an idle connection while the next request is under way.
    return answer.status === 0 && kept ? this.attempt(bytes, method) : answer;
  }

  async attempt(bytes, method) {
    if (this.socket?.readyState !== 'open') this.socket = await opened(this.port);
    const { socket } = this;
    if (socket === null) return { status: 0, text: '', headers: '' };
    const answer = await new Promise((resolve) => {
      let received = Buffer.alloc(0);
      const onClose = () => finish(readAnswer(received, method, true));
      const onData = (chunk) => {
        received = Buffer.concat([received, chunk]);
        const whole = readAnswer(received, method, false);
        if (whole) finish(whole);
      };
      const finish = (whole) => {
        clearTimeout(timer);
        socket.off('close', onClose).off('data', onData);
        resolve(whole ?? { status: 0, headers: '', text: received.toString('latin1') });
      };
      const timer = setTimeout(() => finish(null), PATIENCE_MS);
      socket.on('close', onClose).on('data', onData);
      socket.write(bytes);
    });
    if (answer.status === 0 || /^connection: close/im.test(answer.headers)) this.drop();
    return answer;
  }

  /** Sends bytes that may be anything but a request, on a connection of their own: the statuses of all answers. */
  async provoke(bytes) {
    const socket = await opened(this.port);
    if (socket === null) return null;
    return new Promise((resolve) => {
      let received = '';
      let timer = setTimeout(() => socket.end(), 6 * QUIET_MS);
      const giveUp = setTimeout(() => socket.destroy(), 40 * QUIET_MS);
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        clearTimeout(timer);
        timer = setTimeout(() => socket.end(), QUIET_MS);
      });
      socket.on('close', () => {
        clearTimeout(timer);
        clearTimeout(giveUp);
        resolve([...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)));
      });
      socket.write(bytes);
    });
  }

  drop() {
    this.socket?.destroy();
    this.socket = null;
  }
}

/** Null when nobody listens. */
function opened(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => resolve(null));
    socket.once('connect', () => resolve(socket));
  });
}

/** The first whole answer in what was received, or null. */
function readAnswer(received, method, closed) {
  const text = received.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const headers = text.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1] ?? 0);
  if (status >= 100 && status < 200) return readAnswer(received.subarray(end + 4), method, closed);
  const rest = text.slice(end + 4);
  if (method === 'HEAD' || status === 204 || status === 304) return { status, headers, text: '' };
  const length = /^content-length: (\d+)/im.exec(headers);
  if (length) return rest.length >= Number(length[1]) ? { status, headers, text: rest } : null;
  const isWhole = /^transfer-encoding: chunked/im.test(headers) ? /(?:^|\r\n)0\r\n\r\n$/.test(rest) : closed;
  return isWhole ? { status, headers, text: rest } : null;
}
