import type { SocketEnd } from './close-codes';

/** A WebSocket of `ws`, as far as is used here. */
export interface RawSocket {
  readonly readyState: number;
  on(event: string, listener: (...values: any[]) => void): unknown;
  removeAllListeners(event: string): unknown;
  send(text: string): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export const OPEN = 1;
/** How long the other side has to close, in milliseconds. */
const CLOSING_MS = 1_000;
/** A message that shows a token has that in it, and little else. */
const LONGEST_SHOWING = 16_384;

/** Closes a socket for good: what it still sends is nobody's business any more. */
export function closeSocket(socket: RawSocket, { closeCode, code }: SocketEnd): void {
  socket.removeAllListeners('message');
  socket.on('error', () => undefined);
  socket.close(closeCode, code);
  setTimeout(() => socket.terminate(), CLOSING_MS).unref();
}

export function sendOn(socket: RawSocket, message: object): void {
  if (socket.readyState === OPEN) socket.send(JSON.stringify(message));
}

/**
 * What a message says in which a token may be shown; undefined for every other.
 * @param kind a word that such a message has in it: only then it is parsed
 */
export function showingIn(data: unknown, kind: string): unknown {
  const bytes = Array.isArray(data) ? Buffer.concat(data as Buffer[]) : data;
  const text = Buffer.isBuffer(bytes) && bytes.length <= LONGEST_SHOWING ? bytes.toString() : '';
  if (!text.includes(kind)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
