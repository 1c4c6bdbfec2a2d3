// One address for several application processes, as a load balancer gives it: a process that leaves is drained first.
import { Agent, createServer, request } from 'node:http';

export class Balancer {
  nodes = [];
  underWay = new Map();
  turn = 0;
  agent = new Agent({ keepAlive: true, maxSockets: 64 });
  server = createServer((incoming, outgoing) => this.pass(incoming, outgoing));

  async open() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    // A connection that is closed as a request comes in would look like a failure.
    this.server.keepAliveTimeout = 60_000;
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
  }

  pass(incoming, outgoing) {
    const node = this.nodes[this.turn++ % this.nodes.length];
    this.count(node, 1);
    const { method, url: path, headers } = incoming;
    const onward = request(
      { host: '127.0.0.1', port: node.port, method, path, headers, agent: this.agent },
      (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.pipe(outgoing);
      },
    );
    outgoing.once('close', () => this.count(node, -1));
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  }

  count(node, by) {
    this.underWay.set(node, (this.underWay.get(node) ?? 0) + by);
  }

  /** A rolling deployment: one process after the other is replaced, and nothing that is under way is cut off. */
  async replaceAll(launch) {
    for (const [index, old] of [...this.nodes].entries()) {
      this.nodes[index] = await launch();
      while (this.underWay.get(old) > 0) await new Promise((passed) => setTimeout(passed, 10));
      old.child.disconnect();
      await new Promise((gone) => old.child.once('exit', gone));
    }
  }
}
