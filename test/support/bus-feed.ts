import type { EventEmitter } from 'node:events';
import { type FeedConnection, type FeedReceiver, RevocationFeed } from '../../lib/cache';

/** A feed of an application's own, over a bus that may be out of order for one of its processes. */
export class BusFeed extends RevocationFeed {
  readonly description = 'over a bus';
  readonly isAnnouncedByStorage = false;
  isDown = false;
  opened = 0;

  /** @param fence how far it was read */
  constructor(
    private readonly bus: EventEmitter,
    private readonly fence = async (): Promise<void> => undefined,
  ) {
    super();
  }

  async open(receiver: FeedReceiver): Promise<FeedConnection> {
    const hear = (notice: string) => receiver.receive(notice);
    this.bus.on('notice', hear);
    this.opened++;
    return {
      announce: async (notice) => {
        if (this.isDown) throw new Error('The bus takes nothing.');
        this.bus.emit('notice', notice);
      },
      fence: this.fence,
      close: () => void this.bus.off('notice', hear),
    };
  }
}
