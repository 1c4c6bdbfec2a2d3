/** One connection to Redis, whichever package makes it. It never reconnects, and puts nothing off: a fence must not outlive its connection. */
export interface RedisLink {
  connect(): Promise<void>;
  subscribe(channel: string, receive: (notice: string) => void): Promise<void>;
  publish(channel: string, notice: string): Promise<void>;
  ping(): Promise<void>;
  /** What the server says of itself (`INFO`). */
  info(): Promise<string>;
  onLost(lost: (cause?: unknown) => void): void;
  close(): void;
}

type Options = Readonly<Record<string, unknown>>;

const done = () => undefined;

/** @param createClient of the package `redis` */
export function nodeRedisLink(createClient: (options: object) => any, url: string, options: Options): RedisLink {
  const socket = { ...(options.socket as object | undefined), reconnectStrategy: false };
  const client = createClient({ ...options, url, socket, disableOfflineQueue: true });
  return {
    connect: () => client.connect().then(done),
    subscribe: (channel, receive) => client.subscribe(channel, receive).then(done),
    publish: (channel, notice) => client.publish(channel, notice).then(done),
    ping: () => client.ping().then(done),
    info: () => client.info(),
    onLost: (lost) => void client.on('error', lost).on('end', lost),
    close: () => {
      if (client.isOpen) client.destroy();
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
      client.on('message', (_channel: string, text: string) => receive(text));
      await client.subscribe(channel);
    },
    publish: (channel, notice) => client.publish(channel, notice).then(done),
    ping: () => client.ping().then(done),
    info: () => client.info(),
    onLost: (lost) => void client.on('error', lost).on('close', lost),
    close: () => client.disconnect(),
  };
}
