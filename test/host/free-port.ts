import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST = 20_000;
const COUNT = 12_000;

/** Below those that systems give to connections: none of these takes it before it is listened on. */
export const somePort = (): number => FIRST + randomInt(COUNT);

/** A port that nothing listens on: for what must know its address before it listens. */
export async function freePort(): Promise<number> {
  const port = somePort();
  return (await isFree(port)) ? port : freePort();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
