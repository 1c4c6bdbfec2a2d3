// One address for several processes of the application: each request goes to the next of them.
import { Agent, createServer, request } from 'node:http';

/** @param ports where the processes listen, on this machine */
export function roundRobin(ports) {
  const agent = new Agent({ keepAlive: true });
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const port = ports[turn++ % ports.length];
    const { method, url: path, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode, { ...answer.headers, 'x-served-by': String(port) });
      answer.pipe(outgoing);
    });
    // The process went away: whoever asked learns it as from the process itself.
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  server.on('close', () => agent.destroy());
  return server;
}
