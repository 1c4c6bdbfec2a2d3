import type { ServerResponse } from 'node:http';

/** How long the other side has to take the last of it, in milliseconds. */
const ENDING_MS = 1_000;

/**
 * Lets an answer go that is about to end, and its connection: a server that stops waits for both, and an answer that nobody
 * reads never ends.
 */
export function letGo(answer: ServerResponse): void {
  // A connection of HTTP/2 carries other answers.
  const socket = answer.req.httpVersionMajor === 1 ? answer.socket : null;
  answer.once('finish', () => socket?.end());
  setTimeout(() => (socket ?? answer).destroy(), ENDING_MS).unref();
}
