import type { JwtKnoxEvents } from '../contracts/events';
import type { RevocationFeed } from '../contracts/revocation-feed';
import { announcementsIn, type Notice, writeNotice } from './notices';
import { Untold } from './untold';

/** Tells other instances, and whoever listens in this one, what ended or changed. */
export class Teller {
  private readonly untold: Untold;

  /**
   * @param send to all instances, this one included
   * @param patience how long anybody may rely on not having been told, in ms
   */
  constructor(
    private readonly feed: RevocationFeed,
    private readonly send: (text: string) => Promise<void>,
    private readonly events: JwtKnoxEvents,
    patience: number,
  ) {
    this.untold = new Untold(send, patience);
  }

  stop(): void {
    this.untold.stop();
  }

  async tell(notice: Notice): Promise<void> {
    if (!this.feed.isAnnouncedByStorage) return this.announce(notice);
    // The storage tells their ids alone.
    if (notice.scope) this.publish({ ...notice, changed: [] });
  }

  /** What one attempt did not tell is told later; who asked is told of the failure. */
  async announce(notice: Notice): Promise<void> {
    const text = writeNotice(notice);
    try {
      await this.send(text);
    } catch (error) {
      this.untold.add(text);
      this.publish(notice);
      throw error;
    }
  }

  publish(notice: Notice): void {
    for (const told of announcementsIn(notice)) this.events.emit('session.announced', told);
  }
}
