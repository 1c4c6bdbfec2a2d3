// How a proof speaks with one process of the application.
import { Agent, request } from 'node:http';

/** One application process, over HTTP with connections kept. */
export class Node {
  constructor(port, child) {
    this.port = port;
    this.child = child;
    this.pid = child.pid;
    this.agent = new Agent({ keepAlive: true, maxSockets: 64 });
    this.log = '';
    for (const output of [child.stdout, child.stderr])
      output?.setEncoding('utf8').on('data', (text) => (this.log += text));
  }

  /** What the process holds, in bytes, once its garbage is gone; start it with `--expose-gc`. */
  memory() {
    return this.ask('memory');
  }

  get hasCrashed() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  send(method, path, { token, json, headers: further } = {}) {
    const payload = json === undefined ? undefined : JSON.stringify(json);
    const headers = {
      ...further,
      ...(token && { authorization: `Bearer ${token}` }),
      ...(payload && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    };
    return new Promise((resolve, reject) => {
      const sent = performance.now();
      const sentAt = Date.now();
      const outgoing = request(
        { host: '127.0.0.1', port: this.port, method, path, headers, agent: this.agent },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk) => (text += chunk));
          response.on('end', () => {
            const body = text === '' ? null : JSON.parse(text);
            const { statusCode: status, headers: answered } = response;
            resolve({ status, headers: answered, body, sentAt, took: performance.now() - sent });
          });
          response.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  async login(username, password = 'password') {
    const answer = await this.send('POST', '/auth/login', { json: { username, password } });
    if (answer.status !== 200) throw new Error(`Login answered ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** @param key the `Idempotency-Key` of the attempt, where the client sends one */
  refresh(token, key) {
    const headers = key && { 'idempotency-key': key };
    return this.send('POST', '/auth/refresh', { json: { refresh_token: token }, headers });
  }

  /** Asks the process itself, one question at a time: a name among its `ANSWERS`, and an argument. */
  ask(name, argument) {
    return new Promise((resolve, reject) => {
      const listen = (message) => {
        if (!('answer' in message)) return;
        this.child.off('message', listen);
        if (message.failure) reject(new Error(message.failure));
        else resolve(message.answer);
      };
      this.child.on('message', listen);
      this.child.send([name, argument]);
    });
  }

  async isAlive(token) {
    const { status } = await this.send('GET', '/auth/verify', { token });
    if (status !== 204 && status !== 401) throw new Error(`verify answered ${status}`);
    return status === 204;
  }
}
