import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { type JwtKnoxEventMap, JwtKnoxEvents } from '../contracts/events';
import { line } from '../contracts/log-line';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { BackgroundWork } from '../sessions/background-work';
import { fromStorage } from '../sessions/request-deadline';
import { ThrottledLogger } from '../sessions/throttled-logger';
import { LatelySeen } from '../tokens/lately-seen';

/** A session is noted once in this time, ms: whoever has its token must not make the storage write with every request. */
const PERIOD = 60_000;
/** As many sessions as are remembered for that. */
const MOST = 10_000;
/** Writes at once; more would take the connections of a slow storage. */
const MOST_WRITES = 4;

type Refused = JwtKnoxEventMap['binding.refused'];

/** Notes in the rows of bound sessions that a copy of their tokens was refused. No request waits for it. */
@Injectable()
export class CopiedSessions implements BeforeApplicationShutdown {
  private readonly log = new ThrottledLogger('JwtKnox');
  private readonly lately = new LatelySeen(PERIOD, MOST);
  private readonly work = new BackgroundWork();

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly events: JwtKnoxEvents,
  ) {
    events.on('binding.refused', (refused) => this.note(refused));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.work.finish(this.options.storageTimeout);
  }

  private note({ sessionId, userId, isCopy, presenter }: Refused): void {
    if (!isCopy || sessionId === null || userId === null || this.work.size >= MOST_WRITES) return;
    const at = this.options.clock.now();
    if (this.lately.add(sessionId, at)) this.work.start(() => this.write({ sessionId, userId, presenter, at }));
  }

  private async write(copied: JwtKnoxEventMap['session.copied']): Promise<void> {
    const { sessionId, at } = copied;
    try {
      // Another process may have noted it within the same period.
      const note = () => this.repository.noteRefusal(sessionId, { at, since: at - PERIOD });
      if (await fromStorage(note)) this.events.emit('session.copied', copied);
    } catch (error) {
      this.log.write(
        'warn',
        line('refusal-unnoted', "Noting that a copy of a session's token was refused failed"),
        error,
      );
    }
  }
}
