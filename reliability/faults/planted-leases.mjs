// What the lease cache must not leave out, each left out once; and storage reads that dawdle, which is no fault.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const { FeedLease } = require('../../dist/cache/feed-lease.js');
const { Fills } = require('../../dist/cache/fills.js');
const { LeaseCache } = require('../../dist/cache/lease-cache.js');
const { TypeOrmSessionRepository } = require('nestjs-jwt-knox/typeorm');

const FAULTS = {
  /** An end is acknowledged at once, whatever others still remember. */
  'lease-no-wait': () => (FeedLease.prototype.outlast = async () => undefined),

  /** A connection that is there counts as one that has told everything. */
  'lease-no-fence': () =>
    Object.defineProperty(FeedLease.prototype, 'isFresh', {
      get() {
        return this.isConnected;
      },
    }),

  /** A read is kept whatever was told of its row meanwhile. */
  'lease-spoiled-kept': () => {
    const { end } = Fills.prototype;
    Fills.prototype.end = function (fill) {
      end.call(this, fill);
      return true;
    };
  },

  /** What was known before the feed was lost is still known when it is back. */
  'lease-no-reset': () => (LeaseCache.prototype.interrupted = () => undefined),

  /** That feed and storage are of one server is asked once, when the feed is connected. */
  'lease-no-identity': () => (FeedLease.prototype.confirm = () => undefined),
};

/** Puts a fault into this process. */
export function plantLease(plant) {
  FAULTS[plant]?.();
}

/** From now on what was read of a session comes up to `most` ms late: much may be told of it in between. */
export function slowReads(most) {
  const { findById } = TypeOrmSessionRepository.prototype;
  TypeOrmSessionRepository.prototype.findById = async function (id) {
    const found = await findById.call(this, id);
    await delay(Math.random() * most);
    return found;
  };
}
