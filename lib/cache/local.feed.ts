import { type FeedConnection, RevocationFeed } from '../contracts/revocation-feed';

class LocalFeed extends RevocationFeed {
  override readonly isLocal = true;
  readonly isAnnouncedByStorage = false;
  readonly description = 'within this process alone (localFeed): run no second one on the same sessions';

  override open(): Promise<FeedConnection> {
    throw new Error('A feed within one process has no connection.');
  }
}

/**
 * For an application that is one process, such as one on SQLite: what ends in it, it knows at once. SQL written by hand, and
 * what another process ends, is noticed after `maxAge`.
 * @example
 * leaseCache({ feed: localFeed() });
 */
export function localFeed(): RevocationFeed {
  return new LocalFeed();
}
