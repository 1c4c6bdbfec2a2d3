import { Logger } from '@nestjs/common';
import type { JwtKnoxEventMap, JwtKnoxEvents } from '../contracts/events';
import { line } from '../contracts/log-line';
import { generateId } from '../tokens/token-key';
import type { Notice } from './notices';

type Revoked = JwtKnoxEventMap['session.revoked'];

/** Carries `session.revoked` to the listeners of other processes. */
export class ClusterEvents {
  private readonly logger = new Logger('JwtKnoxCache');
  private readonly name = generateId();
  private readonly foreign = new WeakSet<Revoked>();
  private stopListening: (() => void) | undefined;

  /** @param place which sessions these are: others may be told of by the same feed, of users with the same ids */
  constructor(
    private readonly events: JwtKnoxEvents,
    private readonly place: string,
    private readonly announce: (notice: Notice) => Promise<void>,
  ) {}

  start(): void {
    this.stopListening = this.events.on('session.revoked', (revoked) => this.tell(revoked));
  }

  stop(): void {
    this.stopListening?.();
    this.stopListening = undefined;
  }

  /** What another process tells; this one's own comes back too. */
  received({ from, place, revoked }: NonNullable<Notice['event']>): void {
    if (from === this.name || place !== this.place || !this.stopListening) return;
    this.foreign.add(revoked);
    this.events.emit('session.revoked', revoked);
  }

  private tell(revoked: Revoked): void {
    if (this.foreign.has(revoked)) return;
    this.announce({ event: { from: this.name, place: this.place, revoked } }).catch(() =>
      this.logger.warn(line('event-untold', 'Other processes were not told of the event session.revoked.')),
    );
  }
}
