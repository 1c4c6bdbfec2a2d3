// A TCP proxy in front of a database server, with a gate: open, silent (answers vanish), or shut.
import { connect, createServer } from 'node:net';
import { withApplication } from '../harness/harness.mjs';

export class Gate {
  state = 'open';
  pairs = new Set();

  constructor(target) {
    this.server = createServer((client) => {
      if (this.state === 'shut') return client.destroy();
      const upstream = connect(target, '127.0.0.1');
      const pair = [client, upstream];
      this.pairs.add(pair);
      // What went silent stays silent: a lost answer would shift all that follow.
      let isSilent = false;
      client.on('data', (chunk) => upstream.write(chunk));
      upstream.on('data', (chunk) => {
        isSilent ||= this.state === 'silent';
        if (!isSilent) client.write(chunk);
      });
      for (const socket of pair) {
        socket.setNoDelay(true);
        socket.on('error', () => undefined);
        socket.on('close', () => this.end(pair));
      }
    });
  }

  async open() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
  }

  /** Connections of before are reset by all but `silent`, as a firewall does that has forgotten them. */
  turn(state) {
    this.state = state;
    if (state !== 'silent') for (const pair of this.pairs) this.end(pair);
  }

  end(pair) {
    for (const socket of pair) socket.destroy();
    this.pairs.delete(pair);
  }

  close() {
    this.turn('shut');
    this.server.close();
  }
}

/** An application whose processes reach the private `server` through a gate only. */
export async function withGate(server, { database, ...setup }, proof) {
  const gate = new Gate(server.port);
  await gate.open();
  const through = (own) => ({ ...database, url: own.url.replace(`:${server.port}/`, `:${gate.port}/`) });
  try {
    return await withApplication({ ...setup, database: through }, (application) => proof({ gate, ...application }));
  } finally {
    gate.close();
  }
}
