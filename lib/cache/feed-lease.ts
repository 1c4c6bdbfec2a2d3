import { Logger } from '@nestjs/common';
import { line } from '../contracts/log-line';
import { type FeedConnection, type FeedSetting, FeedSetupError, RevocationFeed } from '../contracts/revocation-feed';
import { type CacheCounts, feedChannel } from './diagnostics';
import { CONNECT_MS, openFeed } from './open-feed';

/**
 * How long an instance answers from memory after a fence was sent, and how much longer who ends a session waits: constants,
 * since every instance relies on what the others do. The margin covers clocks that run at different speeds.
 */
export const LEASE_MS = 100;
export const MARGIN_MS = 25;

const FENCE_EVERY_MS = LEASE_MS / 2;
/** A fence that nobody answers is a connection that is lost. */
const PATIENCE_MS = 10 * LEASE_MS;
const CONFIRM_EVERY_MS = 1_000;
const RETRY_MS = 100;
const MOST_RETRY_MS = 5_000;

/** What hears a feed. */
export interface LeaseListener {
  received(notice: string): void;
  /** Something may have been missed: at every loss, and at every new connection, of a connection. */
  interrupted(): void;
}

/** Keeps one connection of a feed, and proves by fences how far it was read. */
export class FeedLease {
  private readonly logger = new Logger('JwtKnoxCache');
  private connection: FeedConnection | undefined;
  private sent = -Infinity;
  private sentByClock = -Infinity;
  /** Of the last fence that came back, by whatever connection. */
  private proven = -Infinity;
  private retryIn = RETRY_MS;
  private isStopped = false;
  private told: string | undefined;
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly receive = (notice: string): void => this.listener.received(notice);

  constructor(
    private readonly feed: RevocationFeed,
    private readonly setting: FeedSetting,
    private readonly listener: LeaseListener,
    private readonly counts: CacheCounts,
  ) {}

  /**
   * Whether everything that was acknowledged a lease ago or earlier has been heard here. Read anew for every hit, by both
   * clocks: one of them may stand still while the process is suspended.
   */
  get isFresh(): boolean {
    if (this.feed.isLocal) return true;
    return performance.now() - this.sent < LEASE_MS && Math.abs(Date.now() - this.sentByClock) < LEASE_MS;
  }

  /** Until when all that was acknowledged has been heard here, by `performance.now()`. */
  get heardUntil(): number {
    return this.feed.isLocal ? performance.now() : this.sent;
  }

  /** Milliseconds since the feed last proved that nothing is missing; null before it did. */
  get age(): number | null {
    if (this.feed.isLocal) return 0;
    return this.proven === -Infinity ? null : performance.now() - this.proven;
  }

  /** Whether a read that starts now may be kept: it sees what was announced before this connection. */
  get isConnected(): boolean {
    return this.feed.isLocal || this.connection !== undefined;
  }

  /** @throws FeedSetupError for what is wrong for good; a server that is out of reach is tried again, and told in the log */
  async start(): Promise<void> {
    if (this.feed.isLocal) return this.join();
    try {
      await this.connect();
    } catch (error) {
      if (error instanceof FeedSetupError) throw error;
      this.later(error);
    }
  }

  /** @throws when the feed is not connected, or the server does not take it */
  async announce(notice: string): Promise<void> {
    // Before the start and after the end there is nobody else to tell.
    if (this.feed.isLocal && !this.connection) return this.receive(notice);
    if (!this.connection) throw new Error('The revocation feed is not connected.');
    await this.connection.announce(notice);
  }

  /** Resolves when every lease that was there at the call is over. Timers may fire early. */
  async outlast(): Promise<void> {
    if (this.feed.isLocal) return;
    const until = performance.now() + LEASE_MS + MARGIN_MS;
    for (let left = until - performance.now(); left > 0; left = until - performance.now())
      await delayed(Math.ceil(left));
  }

  stop(): void {
    this.isStopped = true;
    if (this.feed.isLocal) this.connection?.close();
    else this.lose(this.connection);
    for (const timer of this.timers) clearTimeout(timer);
  }

  private async join(): Promise<void> {
    const receiver = { receive: this.receive, lost: () => undefined };
    this.connection = await this.feed.open(receiver, this.setting, new AbortController().signal);
  }

  private async connect(): Promise<void> {
    const lost = (one: FeedConnection, cause?: unknown) => this.lose(one, cause);
    const connection = await openFeed(this.feed, this.setting, { receive: this.receive, lost });
    if (this.isStopped) return connection.close();
    this.connection = connection;
    this.retryIn = RETRY_MS;
    if (this.told !== undefined) this.logger.log(line('feed-connected', 'The revocation feed is connected again.'));
    this.told = undefined;
    this.counts.connects++;
    // A read that began before may have missed what was announced before this connection.
    this.listener.interrupted();
    feedChannel.publish({ type: 'feed.connected' });
    this.fence(connection);
    if (connection.confirm) this.after(CONFIRM_EVERY_MS, () => this.confirm(connection));
  }

  private lose(connection: FeedConnection | undefined, cause?: unknown): void {
    if (!connection || connection !== this.connection) return;
    this.connection = undefined;
    this.sent = this.sentByClock = -Infinity;
    this.counts.losses++;
    try {
      connection.close();
    } catch {
      // It is of no use any more.
    }
    this.listener.interrupted();
    feedChannel.publish({ type: 'feed.lost' });
    this.later(cause);
  }

  private later(cause: unknown): void {
    if (this.isStopped) return;
    this.tell(cause);
    const wait = this.retryIn;
    this.retryIn = Math.min(2 * wait, MOST_RETRY_MS);
    this.after(wait, () => {
      this.connect().catch((error: unknown) => this.later(error));
    });
  }

  /** Each cause once. */
  private tell(cause: unknown): void {
    const reason = reasonOf(cause);
    if (reason === this.told) return;
    this.told = reason;
    this.logger[cause instanceof FeedSetupError ? 'error' : 'warn'](
      line('feed-down', `The revocation feed is down; sessions are read from the storage.${reason}`),
    );
  }

  /** One at a time; its moment is that of sending. */
  private fence(connection: FeedConnection): void {
    const [sent, sentByClock] = [performance.now(), Date.now()];
    const patience = { ms: PATIENCE_MS, late: 'It does not answer.' };
    this.ask(
      connection,
      () => connection.fence(),
      patience,
      () => {
        [this.sent, this.sentByClock, this.proven] = [sent, sentByClock, sent];
        this.after(Math.max(0, sent + FENCE_EVERY_MS - performance.now()), () => this.fence(connection));
      },
    );
  }

  /** That feed and storage are still of one primary: after a fail-over, one of them may be left behind. */
  private confirm(connection: FeedConnection): void {
    if (connection !== this.connection) return;
    const patience = { ms: CONNECT_MS, late: 'It cannot be compared with the storage.' };
    this.ask(
      connection,
      () => connection.confirm!(),
      patience,
      () => this.after(CONFIRM_EVERY_MS, () => this.confirm(connection)),
    );
  }

  /** A connection whose answer does not come in time, or says no, is lost; so is one whose client throws at once. */
  private ask(
    connection: FeedConnection,
    question: () => Promise<void>,
    { ms, late }: { ms: number; late: string },
    goOn: () => void,
  ): void {
    const patience = setTimeout(() => this.lose(connection, new Error(late)), ms).unref();
    (async () => question())().then(
      () => {
        clearTimeout(patience);
        if (connection === this.connection) goOn();
      },
      (error: unknown) => {
        clearTimeout(patience);
        this.lose(connection, error);
      },
    );
  }

  private after(ms: number, work: () => void): void {
    if (this.isStopped) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms).unref();
    this.timers.add(timer);
  }
}

const delayed = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const reasonOf = (cause: unknown): string => (cause instanceof Error ? ` ${cause.message}` : '');
