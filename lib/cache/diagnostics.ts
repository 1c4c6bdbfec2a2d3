import { channel } from 'node:diagnostics_channel';
import type { CacheState } from '../sessions/session-cache';

/**
 * Where the cache tells what happens: messages are {@link CacheMessage}s.
 * @example
 * diagnostics_channel.subscribe('jwt-knox:cache', (message) => console.log(message));
 */
export const CACHE_CHANNEL = 'jwt-knox:cache';

/** How often what happened since the start of the process. */
export interface CacheCounts extends Pick<CacheState, 'hits' | 'misses'> {
  /** Reads of the storage whose row was kept. */
  fills: number;
  /** Reads whose row was not kept, since something was told of it meanwhile. */
  spoiled: number;
  /** Connections of the feed. */
  connects: number;
  /** Connections of the feed that were lost. */
  losses: number;
}

export type CacheMessage =
  | { readonly type: 'feed.connected' | 'feed.lost' }
  /** Once a second while somebody listens. `fresh`: whether memory may answer now. */
  | ({ readonly type: 'counts'; readonly fresh: boolean } & Readonly<CacheCounts> & CacheState);

const source = channel(CACHE_CHANNEL);

export const feedChannel = {
  get isHeard(): boolean {
    return source.hasSubscribers;
  },
  publish(message: CacheMessage): void {
    if (source.hasSubscribers) source.publish(message);
  },
};
