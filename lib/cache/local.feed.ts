import { type FeedConnection, type FeedReceiver, RevocationFeed } from '../contracts/revocation-feed';

class LocalFeed extends RevocationFeed {
  override readonly isLocal = true;
  readonly isAnnouncedByStorage = false;
  readonly description = 'within this process alone (localFeed): run no second one on the same sessions';

  private readonly receivers = new Set<FeedReceiver>();

  override async open(receiver: FeedReceiver): Promise<FeedConnection> {
    this.receivers.add(receiver);
    return {
      fence: async () => undefined,
      announce: async (notice) => this.receivers.forEach(({ receive }) => receive(notice)),
      close: () => void this.receivers.delete(receiver),
    };
  }
}

/**
 * For an application that is one process, such as one on SQLite: what ends in it, it knows at once. SQL written by hand, and
 * what another process ends, is noticed after `maxAge`. Where one process runs two applications on the same sessions, give
 * both the same feed: they hear of each other's ends by it.
 * @example
 * leaseCache({ feed: localFeed() });
 */
export function localFeed(): RevocationFeed {
  return new LocalFeed();
}
