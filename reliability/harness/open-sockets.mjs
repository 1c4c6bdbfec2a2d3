// Clients of ws and of socket.io, many in one process, and when each of them was closed.
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

/** One socket; `closedAt` is undefined while it is open. */
class OpenSocket {
  closedAt;
  code;

  closed(code) {
    this.closedAt ??= performance.now();
    this.code ??= code;
  }
}

class WsSocket extends OpenSocket {
  async open(port, token) {
    const headers = { authorization: `Bearer ${token}` };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers, perMessageDeflate: false });
    socket.on('close', (code) => this.closed(code));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    this.socket = socket;
  }
  close() {
    this.socket.terminate();
  }
}

class IoSocket extends OpenSocket {
  async open(port, token) {
    const options = { transports: ['websocket'], reconnection: false, forceNew: true, auth: { token } };
    const socket = io(`http://127.0.0.1:${port}`, options);
    socket.once('auth.ended', ({ close_code: code }) => (this.code = code));
    socket.on('disconnect', () => this.closed());
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve).once('connect_error', reject);
      // By a server that waited too long for its greeting.
      socket.io.once('close', (reason) => reject(new Error(`A socket was closed before it was open: ${reason}.`)));
    });
    this.socket = socket;
  }
  close() {
    this.socket.disconnect();
  }
}

/** @param kind `ws` or `socket.io` */
export async function openSocket(kind, port, token) {
  const one = kind === 'ws' ? new WsSocket() : new IoSocket();
  await one.open(port, token);
  return one;
}
