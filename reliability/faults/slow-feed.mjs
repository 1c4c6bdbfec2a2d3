// A proxy between one process and the server of its feed: what it carries may be late, held back, or cut off.
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Stands before the server of `url`; its own `url` leads through it. `latency` says how late each answer comes, in ms. */
export class SlowFeed {
  #sockets = new Set();
  #held;

  constructor(url, latency = () => 0) {
    this.target = new URL(url);
    this.latency = latency;
    this.server = createServer((client) => this.#carry(client));
  }

  static async open(url, latency) {
    const feed = new SlowFeed(url, latency);
    await new Promise((resolve) => feed.server.listen(0, '127.0.0.1', resolve));
    feed.url = Object.assign(new URL(url), { hostname: '127.0.0.1', port: feed.server.address().port }).href;
    return feed;
  }

  /** From now on nothing comes through, in either direction, until it is released. */
  hold() {
    let release;
    this.#held = new Promise((resolve) => (release = resolve));
    this.release = release;
  }

  /** Every connection breaks; what was held back is lost. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Every connection breaks, and new ones lead to the server of `url`. */
  lead(url) {
    this.target = new URL(url);
    this.cut();
  }

  close() {
    this.cut();
    this.server.close();
  }

  #carry(client) {
    const server = connect(Number(this.target.port), this.target.hostname);
    const pipe = (from, to, late) => {
      // One after the other: late, but in order.
      let before = Promise.resolve();
      from.on('data', (chunk) => {
        const due = delay(late());
        before = before.then(async () => {
          await due;
          await this.#held;
          if (!to.destroyed) to.write(chunk);
        });
      });
    };
    pipe(client, server, () => 0);
    pipe(server, client, this.latency);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
