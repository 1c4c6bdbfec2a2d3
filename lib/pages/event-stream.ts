import type { ServerResponse } from 'node:http';
import { letGo } from '../routes/let-go';

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // Compression would hold events back, and so would nginx.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
};

/** What may wait for a client that reads slowly, in bytes: several lists of devices. */
const MOST_WAITING = 1_000_000;

/** Server-sent events, past the interceptors of the application, which may time out or wrap what handlers return. */
export class EventStream {
  private readonly raw: ServerResponse;

  /** @param response of Express, or the reply of Fastify */
  constructor(response: any) {
    this.raw = response.raw ?? response;
    response.hijack?.();
    this.raw.writeHead(200, HEADERS);
    this.raw.flushHeaders();
  }

  get isOpen(): boolean {
    return !this.raw.writableEnded && !this.raw.destroyed;
  }

  /** @param data text of any number of lines */
  send(event: string, data: string): void {
    const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
    this.write(`event: ${event}\n${lines.join('')}\n`);
  }

  /** Says nothing, so that nobody takes it for dead. */
  beat(): void {
    this.write(':\n\n');
  }

  close(): void {
    if (!this.isOpen) return;
    letGo(this.raw);
    this.raw.end();
  }

  /** Called once, at once where it is closed already. */
  onClose(listener: () => void): void {
    if (this.isOpen) this.raw.once('close', listener);
    else listener();
  }

  /** Who reads nothing comes back later for all of it. */
  private write(text: string): void {
    if (!this.isOpen) return;
    if (this.raw.writableLength > MOST_WAITING) this.raw.destroy();
    else this.raw.write(text);
  }
}
