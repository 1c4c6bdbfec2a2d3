import type { ServerResponse } from 'node:http';
import { cutLater, isGone } from '../guard/raw-answer';

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // Compression would hold events back, and so would nginx.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
};
/** A server that stops would wait for a connection that is kept. HTTP/2 knows no such header. */
const NOT_KEPT = { Connection: 'close' };

/** What may wait for a client that reads slowly, in bytes: several lists of devices. */
const MOST_WAITING = 1_000_000;

/** Server-sent events, past the interceptors of the application, which may time out or wrap what handlers return. */
export class EventStream {
  private readonly raw: ServerResponse;
  /** What waits here: how much of it was read is seen only where little waits in the answer itself. */
  private readonly queue: Buffer[] = [];
  private queued = 0;
  private written = 0;
  private isFull = false;

  /**
   * @param response of Express, or the reply of Fastify
   * @param mostWaiting bytes that may wait to be read; who leaves more is cut off
   */
  constructor(
    response: any,
    private readonly mostWaiting = MOST_WAITING,
  ) {
    this.raw = response.raw ?? response;
    response.hijack?.();
    this.raw.writeHead(200, this.raw.req.httpVersionMajor === 1 ? { ...HEADERS, ...NOT_KEPT } : HEADERS);
    this.raw.flushHeaders();
    this.raw.on('drain', () => this.pass());
  }

  get isOpen(): boolean {
    return !this.raw.writableEnded && !isGone(this.raw);
  }

  /** Bytes that wait to be read, and how many were, but for what HTTP adds. */
  get progress(): { waiting: number; read: number } {
    const { writableLength } = this.raw;
    return { waiting: this.queued + writableLength, read: this.written - writableLength };
  }

  /** @param data text of any number of lines */
  send(data: string, event?: string): void {
    const name = event === undefined ? '' : `event: ${event}\n`;
    const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
    this.write(`${name}${lines.join('')}\n`);
  }

  /** Says nothing, so that nobody takes it for dead. */
  beat(): void {
    this.write(':\n\n');
  }

  close(): void {
    if (!this.isOpen) return;
    this.raw.end(Buffer.concat(this.queue.splice(0)));
    cutLater(this.raw);
  }

  /** Ends it at once, whatever is still to be read. */
  cut(): void {
    this.raw.destroy();
  }

  /** Called once, at once where it is closed already. */
  onClose(listener: () => void): void {
    if (this.isOpen) this.raw.once('close', listener);
    else listener();
  }

  /** Who reads nothing comes back later for all of it. */
  private write(text: string): void {
    if (!this.isOpen) return;
    if (this.progress.waiting > this.mostWaiting) return this.cut();
    const bytes = Buffer.from(text);
    this.queue.push(bytes);
    this.queued += bytes.length;
    if (!this.isFull) this.pass();
  }

  private pass(): void {
    this.isFull = false;
    while (!this.isFull && this.queue.length > 0) {
      const bytes = this.queue.shift()!;
      this.queued -= bytes.length;
      this.written += bytes.length;
      this.isFull = !this.raw.write(bytes);
    }
  }
}
