import type { FeedConnection, FeedSetting, RevocationFeed } from '../contracts/revocation-feed';

/** One limit over all of an opening: that of a driver ends where TCP is connected. */
export const CONNECT_MS = 2_000;

interface Hearer {
  receive(notice: string): void;
  /** A connection that was open is of no use any more. */
  lost(connection: FeedConnection, cause?: unknown): void;
}

/** Opens a connection of a feed, and tries it out: until it is found out, what is ended elsewhere would be accepted here. */
export async function openFeed(feed: RevocationFeed, setting: FeedSetting, hearer: Hearer): Promise<FeedConnection> {
  const late = new AbortController();
  let isLost = false;
  let opened: FeedConnection | undefined;
  const lost = (cause?: unknown) => {
    isLost = true;
    if (opened) hearer.lost(opened, cause);
  };
  const limit = setTimeout(() => late.abort(), CONNECT_MS).unref();
  let opening: Promise<FeedConnection> | undefined;
  try {
    opening = feed.open({ receive: (notice) => hearer.receive(notice), lost }, setting, late.signal);
    opened = await Promise.race([opening, refusal(late.signal)]);
    // A fence finds a pooler.
    await Promise.race([opened.fence().then(() => opened?.confirm?.()), refusal(late.signal)]);
    if (isLost) throw new Error('The connection was lost while it was opened.');
    return opened;
  } catch (error) {
    // Also where it opens after its time is over.
    opening?.then((connection) => connection.close()).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

function refusal(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('It does not answer in time.')), { once: true }),
  );
}
