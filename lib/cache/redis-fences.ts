import { generateId } from '../tokens/token-key';
import type { RedisLink } from './redis-links';

/**
 * Fences by an echo, on a channel of the connection's own: a PING comes back also where nobody listens any more, as after a
 * client has moved to another socket.
 */
export class RedisFences {
  private readonly channel: string;
  private readonly asked = new Map<string, (cause?: Error) => void>();
  private count = 0;
  private isOver = false;

  /** @param notices the channel of the notices, which its own is named after */
  constructor(
    private readonly listening: RedisLink,
    private readonly sending: RedisLink,
    notices: string,
  ) {
    this.channel = `${notices}:${generateId()}`;
  }

  listen(): Promise<void> {
    return this.listening.subscribe(this.channel, (text) => this.asked.get(text)?.());
  }

  async ask(): Promise<void> {
    if (this.isOver) throw new Error(DEAF);
    const text = String(this.count++);
    const echo = new Promise<void>((resolve, reject) => {
      this.asked.set(text, (cause) => (cause ? reject(cause) : resolve()));
    });
    try {
      await Promise.all([this.send(text), echo]);
    } finally {
      this.asked.delete(text);
    }
  }

  /** No echo comes any more: those that are asked are told so, and those to come. */
  close(): void {
    this.isOver = true;
    for (const answer of this.asked.values()) answer(new Error(DEAF));
  }

  private async send(text: string): Promise<void> {
    if ((await this.sending.publish(this.channel, text)) === 0) throw new Error(DEAF);
  }
}

const DEAF = 'The connection does not listen any more.';
