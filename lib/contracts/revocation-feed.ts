import type { PrimaryDatabase } from './primary-database';

/** What a feed is told of the module that it serves. */
export interface FeedSetting {
  /** The database that the sessions are in, as their storage reaches it; null where it has none to offer. */
  readonly database: PrimaryDatabase | null;
  /** Whether users are kept in memory too, and the database is to announce their changes. */
  readonly announcesUsers: boolean;
  /** How long an instance answers from memory after a fence, in ms: all instances must agree. */
  readonly lease: number;
}

/** Where a connection of a feed tells what happens to it. */
export interface FeedReceiver {
  /** A notice, as it was sent. In the order in which the server took them. */
  receive(notice: string): void;
  /** The connection is of no use any more: something may have been missed. */
  lost(cause?: unknown): void;
}

/** One connection of a feed. It never reconnects by itself: what is announced in between would be lost unnoticed. */
export interface FeedConnection {
  /**
   * Asks the server for an answer, and resolves when it is there: after every notice that the server took before it was
   * asked has been received. Rejects when the connection no longer listens, and when it is lost meanwhile.
   */
  fence(): Promise<void>;
  /** Sends a notice to all connections. Resolves when the server has taken it. */
  announce(notice: string): Promise<void>;
  /** Whether feed and storage are still of one primary; rejects when not. Asked once a second. Left out: nothing to ask. */
  readonly confirm?: (() => Promise<void>) | undefined;
  close(): void;
}

/**
 * Tells every instance of an application which sessions ended: the contract. `postgresFeed()`, `redisFeed()` and
 * `localFeed()` of `nestjs-jwt-knox/cache` return one; the suite `revocationFeedContract` of `nestjs-jwt-knox/testing` holds
 * yours to it.
 *
 * Its promise: when {@link FeedConnection.announce} has resolved (or, where the storage announces by itself, the statement
 * that ended the session), a {@link FeedConnection.fence} that is asked after it, on whichever connection, resolves after
 * that notice was received there. One feed may serve several modules: all state is in the connection.
 * @example
 * leaseCache({ feed: postgresFeed() });
 */
export abstract class RevocationFeed {
  /** One line, for the log: what the cache rests on. */
  abstract readonly description: string;

  /** Whether the storage itself announces ends and changes, cascades and SQL written by hand included. */
  abstract readonly isAnnouncedByStorage: boolean;

  /**
   * Whether all that there is to tell is told within this process: then {@link FeedConnection.announce} calls every receiver
   * before it returns, and there are no fences and no wait.
   */
  readonly isLocal: boolean = false;

  /** What is wrong with the set-up, each with its remedy; empty when nothing is. The start fails with these. */
  setupProblems(_setting: FeedSetting): readonly string[] {
    return [];
  }

  /**
   * Connects and listens. Resolves when every notice from now on will be received.
   * @param signal aborted when it takes too long: close what was opened
   * @throws FeedSetupError for what connecting again will not mend
   */
  abstract open(receiver: FeedReceiver, setting: FeedSetting, signal: AbortSignal): Promise<FeedConnection>;
}

/**
 * What a feed finds wrong with the server that it connects to, such as a missing trigger. At the start, the application does
 * not start; later, the cache stays off and the log says why.
 * @example
 * throw new FeedSetupError('postgresFeed(): the triggers are missing; run the migration announceRevocations().');
 */
export class FeedSetupError extends Error {
  override readonly name = 'FeedSetupError';
}
