import type { FeedConnection, FeedSetting } from '../contracts/revocation-feed';
import { FEED_CASES, type FeedSubject, type Heard, inTime } from './revocation-feed.cases';
import type { ContractRunner } from './session-repository.contract';

const LEASE_MS = 100;
const NO_DATABASE: FeedSetting = { database: null, announcesUsers: false, lease: LEASE_MS };

/**
 * Registers the tests that every `RevocationFeed` must pass; `open` is called for each of them.
 * @example
 * revocationFeedContract('NATS', async () => ({ feed: natsFeed(url), cut: () => restartServer() }), { describe, it });
 */
export function revocationFeedContract(name: string, open: () => Promise<FeedSubject>, runner: ContractRunner): void {
  runner.describe(`revocation feed contract: ${name}`, () => {
    for (const [title, run] of Object.entries(FEED_CASES)) {
      runner.it(title, async () => {
        const subject = await open();
        const connections: FeedConnection[] = [];
        const connect = async (signal = new AbortController().signal) => {
          const heard = await inTime(listen(subject, signal), 'an opening');
          connections.push(heard.connection);
          return heard;
        };
        try {
          await run(connect, subject);
        } finally {
          for (const connection of connections) connection.close();
          await subject.close?.();
        }
      });
    }
  });
}

async function listen({ feed, setting = NO_DATABASE }: FeedSubject, signal: AbortSignal): Promise<Heard> {
  const notices: string[] = [];
  const losses: unknown[] = [];
  let tell!: () => void;
  const lost = new Promise<void>((resolve) => (tell = resolve));
  const receiver = {
    receive: (notice: string) => void notices.push(notice),
    lost: (cause?: unknown) => {
      losses.push(cause);
      tell();
    },
  };
  const connection = await feed.open(receiver, setting, signal);
  return { connection, notices, losses, lost };
}
