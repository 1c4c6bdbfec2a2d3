import { Logger } from '@nestjs/common';
import { afterEach, expect, it, vi } from 'vitest';
import { type FeedConnection, RevocationFeed } from '../../../lib/cache';
import { FeedLease } from '../../../lib/cache/feed-lease';
import { eventually } from '../../support/eventually';

/** Over a client whose methods throw at once when its channel is closed, as those of amqplib do. */
class ThrowingFeed extends RevocationFeed {
  readonly description = 'over a broker';
  readonly isAnnouncedByStorage = false;
  opened = 0;
  private broken: string | undefined;

  break(method: string): void {
    this.broken = method;
  }

  async open(): Promise<FeedConnection> {
    this.opened++;
    this.broken = undefined;
    const call = (method: string) => {
      if (this.broken === 'close' && method === 'fence') return Promise.reject(new Error('The channel is closed.'));
      if (this.broken === method) throw new Error('The channel is closed.');
      return Promise.resolve();
    };
    return {
      fence: () => call('fence'),
      confirm: () => call('confirm'),
      announce: () => call('announce'),
      close: () => void call('close'),
    };
  }
}

const setting = { database: null, announcesUsers: false, lease: 100 };
const newCounts = () => ({ hits: 0, misses: 0, fills: 0, spoiled: 0, connects: 0, losses: 0 });
let lease: FeedLease | undefined;
afterEach(() => lease?.stop());

it('a connection that opens after its time is over is closed, and one that fails after the end is told to nobody', async () => {
  vi.useFakeTimers();
  try {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockClear();
    const close = vi.fn();
    const connection = { fence: async () => undefined, announce: async () => undefined, close };
    const openings: { resolve(opened: FeedConnection): void; reject(error: Error): void }[] = [];
    class SlowFeed extends ThrowingFeed {
      override open = () => new Promise<FeedConnection>((resolve, reject) => openings.push({ resolve, reject }));
    }
    const listener = { received: () => undefined, interrupted: () => undefined };
    lease = new FeedLease(new SlowFeed(), setting, listener, newCounts());
    const started = lease.start();
    await vi.advanceTimersByTimeAsync(2_000);
    await started;
    expect(warned).toHaveBeenCalledTimes(1);
    openings[0]!.resolve(connection);
    await vi.advanceTimersByTimeAsync(100);
    expect([openings.length, close.mock.calls.length]).toEqual([2, 1]);
    lease.stop();
    openings[1]!.reject(new Error('The server stops too.'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect([openings.length, warned.mock.calls.length]).toEqual([2, 1]);
  } finally {
    vi.useRealTimers();
  }
});

it.each(['fence', 'confirm', 'close'])(
  'a feed whose %s throws at once has lost its connection, and no more',
  async (method) => {
    const feed = new ThrowingFeed();
    const listener = { received: () => undefined, interrupted: vi.fn() };
    lease = new FeedLease(feed, setting, listener, newCounts());
    await lease.start();
    await eventually(() => expect(lease!.isFresh).toBe(true));
    listener.interrupted.mockClear();
    feed.break(method);
    await eventually(() => expect(feed.opened).toBe(2));
    // Once for the loss, and once for the new connection.
    await eventually(() => expect(listener.interrupted).toHaveBeenCalledTimes(2));
    await eventually(() => expect(lease!.isFresh).toBe(true));
  },
);
