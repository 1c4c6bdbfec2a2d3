import type { EventEmitter } from 'node:events';
import { type FeedConnection, type FeedReceiver, RevocationFeed } from '../../lib/cache';

/** A feed of an application's own, over a bus that may be out of order for one of its processes. */
export class BusFeed extends RevocationFeed {
  readonly description = 'over a bus';
  readonly isAnnouncedByStorage = false;
  isDown = false;

  constructor(private readonly bus: EventEmitter) {
    super();
  }

  async open(receiver: FeedReceiver): Promise<FeedConnection> {
    const hear = (notice: string) => receiver.receive(notice);
    this.bus.on('notice', hear);
    return {
      announce: async (notice) => {
        if (this.isDown) throw new Error('The bus takes nothing.');
        this.bus.emit('notice', notice);
      },
      fence: async () => undefined,
      close: () => void this.bus.off('notice', hear),
    };
  }
}
