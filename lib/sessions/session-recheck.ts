import { Inject, Injectable } from '@nestjs/common';
import { TokenRejection } from '../contracts/errors';
import { line } from '../contracts/log-line';
import { type Session, sessionOf, type SessionRecord } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import type { OpenSession } from './open-sessions';
import { fromStorage, RequestDeadline } from './request-deadline';
import { ownRow, SessionChecker } from './session-checker';
import { ThrottledLogger } from './throttled-logger';

/** How many users and actors are asked for at the same time. */
const AT_ONCE = 4;

/** Reads again the rows of sessions for which something is open. */
@Injectable()
export class SessionRecheck {
  private readonly log = new ThrottledLogger('JwtKnox', 60_000);

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Pick<ResolvedOptions, 'clock' | 'realm' | 'storageTimeout'>,
    private readonly repository: SessionRepository,
    private readonly checker: SessionChecker,
  ) {}

  /** Those that are over; null when the storage does not answer, which ends nothing. */
  async endedAmong(sessions: readonly OpenSession[]): Promise<Set<OpenSession> | null> {
    const rows = await this.rowsOf(sessions);
    if (rows === null) return null;
    const ended = new Set<OpenSession>();
    await fewAtOnce(sessions, async (session) => {
      const check = () => this.withinDeadline(() => this.isOver(session, rows.get(session.id)));
      if (await this.unlessFailed(check)) ended.add(session);
    });
    return ended;
  }

  /** What cannot be told of one session, such as a failure of a user provider, keeps nothing from the others. */
  private async unlessFailed(check: () => Promise<boolean>): Promise<boolean> {
    try {
      return await check();
    } catch (error) {
      this.log.write(
        'warn',
        line('recheck-failed', 'A session with open sockets or streams could not be checked again'),
        error,
      );
      return false;
    }
  }

  private async rowsOf(sessions: readonly OpenSession[]): Promise<Map<string, SessionRecord> | null> {
    const ids = sessions.map(({ id }) => id);
    const { storageTimeout } = this.options;
    try {
      const rows = await this.withinDeadline(() => fromStorage(() => this.repository.findByIds(ids, storageTimeout)));
      return new Map(rows.map((row) => [row.id, row]));
    } catch (error) {
      this.log.write(
        'warn',
        line('recheck-unread', 'Sessions with open sockets or streams could not be read again'),
        error,
      );
      return null;
    }
  }

  private isOver(session: OpenSession, row: SessionRecord | undefined): Promise<boolean> {
    const named = { sessionId: session.id, userId: session.userId };
    const now = this.options.clock.now();
    return refused(async () => {
      const record = ownRow(row, named, this.options.realm);
      const current = sessionOf(this.checker.living(record, named, now));
      await this.checker.checkActor(record, named, now);
      // What was taken from it meanwhile, this row may not know yet: it is read again.
      if (!session.isDoubted) adopt(session, current);
      // What is not shown fresh tokens is not refused with its user's next token: the user is asked for here.
      if (session.outlivesTokens) await (await this.checker.read(named)).user();
    });
  }

  private withinDeadline<T>(work: () => Promise<T>): Promise<T> {
    return new RequestDeadline(this.options.storageTimeout).run(work);
  }
}

function adopt({ channels }: OpenSession, current: Session): void {
  const { scopes, boundKind } = current;
  for (const channel of channels)
    if (channel.session.scopes !== scopes || channel.session.boundKind !== boundKind) channel.adopt(current);
}

/** Requests of users need connections to the database too. */
async function fewAtOnce(
  sessions: readonly OpenSession[],
  ask: (session: OpenSession) => Promise<void>,
): Promise<void> {
  const waiting = sessions.values();
  const askInTurn = async () => {
    for (const session of waiting) await ask(session);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askInTurn));
}

async function refused(check: () => Promise<unknown>): Promise<boolean> {
  try {
    await check();
    return false;
  } catch (error) {
    if (error instanceof TokenRejection) return true;
    throw error;
  }
}
