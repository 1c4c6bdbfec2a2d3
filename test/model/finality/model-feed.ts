import {
  type FeedConnection,
  type FeedReceiver,
  type FeedSetting,
  RevocationFeed,
} from '../../../lib/contracts/revocation-feed';
import type { Schedule } from './schedule';

/** What a connection brings, in its order. */
type Item = { notice: string } | { answer: () => void } | { lost: true };

class Link {
  readonly items: Item[] = [];
  /** Until the server knows that nobody listens any more. */
  isHeard = true;
  isClosed = false;
  /** Nothing arrives for a while, and nobody is told. */
  isStalled = false;
  /** How long after the one before each thing arrives, in ms. */
  pace = 0;

  constructor(
    readonly process: number,
    readonly receiver: FeedReceiver,
  ) {}
}

/** The server that all feeds of a history are connected to. Like the real ones, it keeps the order of each connection. */
export class FeedServer {
  private readonly links = new Set<Link>();
  /** Whether announcements reach nobody, though they are taken. */
  isDeaf = false;

  constructor(readonly schedule: Schedule) {}

  begin(): void {
    for (const link of this.links) this.close(link);
    this.isDeaf = false;
  }

  listen(link: Link): void {
    this.links.add(link);
  }

  publish(notice: string): void {
    if (this.isDeaf) return;
    for (const link of this.links) this.push(link, { notice });
  }

  push(link: Link, item: Item): void {
    if (!link.isHeard) return;
    link.items.push(item);
    this.deliver(link);
  }

  /** One more arrives, whichever is first by then. */
  private deliver(link: Link): void {
    const arrive = () => {
      const item = link.isStalled ? undefined : link.items.shift();
      if (!item || link.isClosed) return;
      if ('notice' in item) link.receiver.receive(item.notice);
      else if ('answer' in item) item.answer();
      else link.receiver.lost(new Error('cut'));
      if (link.pace > 0) this.pause(link, link.pace);
    };
    this.schedule.offer(`feed of ${link.process}: arrives`, link.process, arrive, true);
  }

  /** Nothing arrives for so long. */
  private pause(link: Link, ms: number): void {
    link.isStalled = true;
    setTimeout(() => {
      link.isStalled = false;
      for (let count = link.items.length; count > 0; count--) this.deliver(link);
    }, ms);
  }

  cut(process: number): void {
    for (const link of this.linksOf(process)) {
      this.push(link, { lost: true });
      this.forget(link);
    }
  }

  /** A connection that seems to be well brings nothing for so long. */
  stall(process: number, ms: number): void {
    for (const link of this.linksOf(process)) this.pause(link, ms);
  }

  /** From now on, each thing that arrives comes so long after the one before. */
  slow(process: number, ms: number): void {
    for (const link of this.linksOf(process)) link.pace = ms;
  }

  /** Nothing is slow any more. */
  recover(): void {
    for (const link of this.links) link.pace = 0;
  }

  /** The process died: nothing arrives any more, and it starts with nothing. */
  kill(process: number): void {
    for (const link of this.linksOf(process)) {
      this.forget(link);
      link.receiver.lost(new Error('restarted'));
      link.isClosed = true;
    }
  }

  close(link: Link): void {
    link.isClosed = true;
    this.forget(link);
  }

  private forget(link: Link): void {
    link.isHeard = false;
    this.links.delete(link);
  }

  private linksOf(process: number): Link[] {
    return [...this.links].filter((link) => link.process === process);
  }
}

/** A feed whose every way takes as long as the schedule lets it. */
export class ModelFeed extends RevocationFeed {
  readonly description = 'by the model';

  constructor(
    private readonly server: FeedServer,
    private readonly process: number,
    readonly isAnnouncedByStorage: boolean,
  ) {
    super();
  }

  async open(receiver: FeedReceiver, _setting: FeedSetting, signal: AbortSignal): Promise<FeedConnection> {
    const { server, process } = this;
    const link = new Link(process, receiver);
    const offer = (label: string, run: () => void, isPrompt = false) =>
      server.schedule.offer(`feed of ${process}: ${label}`, process, run, isPrompt);
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => (server.close(link), reject(new Error('too late'))));
      offer('listens', () => {
        if (link.isClosed) return;
        server.listen(link);
        // The answer comes on the same connection.
        server.push(link, { answer: resolve });
      });
    });
    return {
      fence: () =>
        new Promise((resolve) => offer('fence reaches the server', () => server.push(link, { answer: resolve }), true)),
      // Over a connection of its own.
      announce: (notice) =>
        new Promise((resolve, reject) =>
          offer('announcement reaches the server', () => {
            if (!link.isHeard) return reject(new Error('The connection is lost.'));
            server.publish(notice);
            offer('announcement is acknowledged', resolve);
          }),
        ),
      close: () => server.close(link),
    };
  }
}
