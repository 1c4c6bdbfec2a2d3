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
    const text = String(this.count++);
    const echo = new Promise<void>((resolve, reject) => {
      this.asked.set(text, (cause) => (cause ? reject(cause) : resolve()));
    });
    echo.catch(() => undefined);
    try {
      if ((await this.sending.publish(this.channel, text)) === 0) throw new Error(DEAF);
      await echo;
    } finally {
      this.asked.delete(text);
    }
  }

  close(): void {
    for (const answer of this.asked.values()) answer(new Error(DEAF));
  }
}

const DEAF = 'The connection does not listen any more.';
