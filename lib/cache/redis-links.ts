/** One connection to Redis, whichever package makes it. It never reconnects, and puts nothing off: a fence must not outlive its connection. */
export interface RedisLink {
  connect(): Promise<void>;
  subscribe(channel: string, receive: (text: string) => void): Promise<void>;
  /** Resolves to how many connections it was sent to. */
  publish(channel: string, text: string): Promise<number>;
  /** What the server says of itself (`INFO`). */
  info(): Promise<string>;
  onLost(lost: (cause?: unknown) => void): void;
  close(): void;
}

type Options = Readonly<Record<string, unknown>>;

const done = () => undefined;

/** @param createClient of the package `redis` */
export function nodeRedisLink(createClient: (options: object) => any, url: string, options: Options): RedisLink {
  // A client that is told to close while it connects would leave that socket open.
  const over = new AbortController();
  const socket = { ...(options.socket as object | undefined), reconnectStrategy: false, signal: over.signal };
  // With RESP 3 it would move to another server by itself, and subscribe to nothing there.
  const own = { socket, disableOfflineQueue: true, maintNotifications: 'disabled' };
  const client = createClient({ ...options, url, ...own });
  return {
    connect: () => client.connect().then(done),
    subscribe: (channel, receive) => client.subscribe(channel, receive).then(done),
    publish: (channel, text) => client.publish(channel, text),
    info: () => client.info(),
    onLost: (lost) => void client.on('error', lost).on('end', lost),
    close: () => {
      over.abort();
      if (!client.isOpen) return;
      if (client.destroy) client.destroy();
      // Before version 5.
      else client.disconnect().catch(done);
    },
  };
}

/** @param Redis of the package `ioredis` */
export function ioredisLink(Redis: new (...args: any[]) => any, url: string, options: Options): RedisLink {
  const client = new Redis(url, {
    ...options,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResubscribe: false,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
  });
  return {
    connect: () => client.connect().then(done),
    subscribe: async (channel, receive) => {
      client.on('message', (from: string, text: string) => from === channel && receive(text));
      await client.subscribe(channel);
    },
    publish: (channel, text) => client.publish(channel, text),
    info: () => client.info(),
    onLost: (lost) => void client.on('error', lost).on('close', lost),
    close: () => client.disconnect(),
  };
}
