import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type FeedConnection, type FeedReceiver, RevocationFeed } from '../../../lib/cache';
import { type FeedSubject, revocationFeedContract } from '../../../lib/testing';

/** A feed over a bus in memory, right as it is; each faulty one is it with one fault. */
class MemoryFeed extends RevocationFeed {
  readonly description = 'in memory';
  readonly isAnnouncedByStorage = false;
  protected readonly bus = new EventEmitter().setMaxListeners(0);

  /** What the network does with a notice, before its receiver has it. */
  protected deliver(receive: () => void): void {
    receive();
  }

  protected reconnects(): boolean {
    return false;
  }

  protected closesAborted(): boolean {
    return true;
  }

  cut(): void {
    this.bus.emit('cut');
  }

  async open(receiver: FeedReceiver, _setting: unknown, signal: AbortSignal): Promise<FeedConnection> {
    let isOpen = true;
    const hear = (notice: string) => this.deliver(() => void (isOpen && receiver.receive(notice)));
    const close = () => {
      isOpen = false;
      this.bus.off('notice', hear).off('cut', end);
    };
    const end = () => {
      if (this.reconnects()) return;
      close();
      receiver.lost();
    };
    if (this.closesAborted()) signal.addEventListener('abort', close, { once: true });
    this.bus.on('notice', hear).on('cut', end);
    const whileOpen = async (work: () => void) => {
      if (!isOpen) throw new Error('The connection is gone.');
      work();
      // An answer takes a turn.
      await new Promise((resolve) => setImmediate(resolve));
    };
    return {
      close,
      announce: (notice) => whileOpen(() => void this.bus.emit('notice', notice)),
      fence: () => whileOpen(() => undefined),
    };
  }
}

const FAULTS: Record<string, new () => MemoryFeed> = {
  'answers a fence before the notices that came before it': class extends MemoryFeed {
    protected override deliver(receive: () => void) {
      setTimeout(receive, 5);
    }
  },
  'lets a notice now and then overtake another': class extends MemoryFeed {
    private waiting: (() => void) | undefined;
    private count = 0;

    protected override deliver(receive: () => void) {
      if (this.count++ % 500 === 499) this.waiting = receive;
      else {
        receive();
        this.waiting?.();
        this.waiting = undefined;
      }
    }
  },
  'loses one notice of a thousand': class extends MemoryFeed {
    private count = 0;

    protected override deliver(receive: () => void) {
      if (this.count++ % 1_000 !== 999) receive();
    }
  },
  'connects again by itself, and tells nobody': class extends MemoryFeed {
    protected override reconnects() {
      return true;
    }
  },
  'stays open when its opening is aborted': class extends MemoryFeed {
    protected override closesAborted() {
      return false;
    }
  },
  'cuts long notices': class extends MemoryFeed {
    override async open(receiver: FeedReceiver, setting: unknown, signal: AbortSignal) {
      const receive = (notice: string) => receiver.receive(notice.slice(0, 4_096));
      return super.open({ ...receiver, receive, lost: (cause) => receiver.lost(cause) }, setting, signal);
    }
  },
  'hears on after it was closed': class extends MemoryFeed {
    override async open(receiver: FeedReceiver, setting: unknown, signal: AbortSignal) {
      const connection = await super.open(receiver, setting, signal);
      return { ...connection, close: () => undefined };
    }
  },
  'answers fences of a connection that was lost': class extends MemoryFeed {
    override async open(receiver: FeedReceiver, setting: unknown, signal: AbortSignal) {
      const connection = await super.open(receiver, setting, signal);
      return { ...connection, fence: () => connection.fence().catch(() => undefined) };
    }
  },
};

/** The titles of the cases that a feed does not pass. */
async function failuresOf(Feed: new () => MemoryFeed): Promise<string[]> {
  const cases: [string, () => Promise<void>][] = [];
  const open = async (): Promise<FeedSubject> => {
    const feed = new Feed();
    return { feed, cut: async () => feed.cut() };
  };
  revocationFeedContract('it', open, {
    describe: (_title, body) => body(),
    it: (title, body) => void cases.push([title, body]),
  });
  const failed: string[] = [];
  for (const [title, run] of cases) await run().catch(() => failed.push(title));
  return failed;
}

describe('the contract of revocation feeds', () => {
  it('lets a feed pass that keeps it', async () => {
    expect(await failuresOf(MemoryFeed)).toEqual([]);
  });

  it.each(Object.entries(FAULTS))('control: finds a feed out that %s', { timeout: 120_000 }, async (_title, Feed) => {
    expect((await failuresOf(Feed)).length).toBeGreaterThan(0);
  });
});
