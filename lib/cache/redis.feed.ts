import {
  type FeedConnection,
  type FeedReceiver,
  type FeedSetting,
  FeedSetupError,
  RevocationFeed,
} from '../contracts/revocation-feed';
import { RedisFences } from './redis-fences';
import { ioredisLink, nodeRedisLink, type RedisLink } from './redis-links';

const CHANNEL = 'jwt_knox_revoked';

interface RedisAddress {
  /** Of one primary, e.g. `redis://127.0.0.1:6379`. */
  url: string;
  /** Further options of its clients, such as `password`, `tls` or `RESP`. */
  options?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Where notices go, alike in all processes of one application. Set it where several applications use one Redis, whatever
   * the number of their databases: each would take the ends of the others for its own. @default 'jwt_knox_revoked'
   */
  channel?: string | undefined;
}

/** With the package `redis`: its `createClient`; with `ioredis`: its class. */
export type RedisFeedOptions = RedisAddress &
  ({ createClient: (options: any) => any } | { Redis: new (...args: any[]) => any });

class RedisFeed extends RevocationFeed {
  readonly isAnnouncedByStorage = false;
  readonly description = 'over Redis (redisFeed(…)): SQL written by hand is noticed after maxAge';

  constructor(private readonly options: RedisFeedOptions) {
    super();
  }

  async open(receiver: FeedReceiver, _setting: FeedSetting, signal: AbortSignal): Promise<FeedConnection> {
    const { url, options = {}, channel = CHANNEL } = this.options;
    const link = () =>
      'Redis' in this.options
        ? ioredisLink(this.options.Redis, url, options)
        : nodeRedisLink(this.options.createClient, url, options);
    const [listening, sending] = [link(), link()];
    const fences = new RedisFences(listening, sending, channel);
    let isClosed = false;
    const close = () => {
      isClosed = true;
      fences.close();
      listening.close();
      sending.close();
    };
    signal.addEventListener('abort', close, { once: true });
    const lost = (cause?: unknown) => {
      fences.close();
      receiver.lost(cause);
    };
    listening.onLost(lost);
    sending.onLost(lost);
    try {
      await Promise.all([listening.connect(), sending.connect()]);
      await requireOneServer(listening, sending);
      // What ioredis has in its buffers, it still tells of.
      await listening.subscribe(channel, (notice) => void (isClosed || receiver.receive(notice)));
      await fences.listen();
    } catch (error) {
      close();
      throw error;
    }
    return {
      close,
      fence: () => fences.ask(),
      announce: async (notice) => void (await sending.publish(channel, notice)),
      confirm: () => requirePrimary(sending),
    };
  }
}

/** An echo does not come after what was published at another server. @throws FeedSetupError for a cluster */
async function requireOneServer(listening: RedisLink, sending: RedisLink): Promise<void> {
  const [one, other] = await Promise.all([listening.info(), sending.info()]);
  if (/^cluster_enabled:1/m.test(one)) {
    throw new FeedSetupError(
      'redisFeed(): a Redis Cluster does not keep notices in order; use a single primary, or postgresFeed().',
    );
  }
  if (runOf(one) !== runOf(other)) throw new Error('Its two connections are to different servers.');
  await requirePrimary(sending);
}

/** @throws when the server is a replica: what is published at its primary comes late, or never */
async function requirePrimary(link: RedisLink): Promise<void> {
  if (!/^role:master/m.test(await link.info())) throw new Error('The server is not the primary.');
}

const runOf = (info: string): string | undefined => /^run_id:(\w+)/m.exec(info)?.[1];

/**
 * Ends are published in Redis by whoever makes them, after their commit. For sessions in MariaDB, MySQL or a storage of your
 * own; Redis stores nothing. When it is down, ends are refused with 503, and nothing is answered from memory.
 * @example
 * leaseCache({ feed: redisFeed({ createClient, url: 'redis://127.0.0.1:6379' }) }); // createClient of 'redis'
 */
export function redisFeed(options: RedisFeedOptions): RevocationFeed {
  return new RedisFeed(options);
}
