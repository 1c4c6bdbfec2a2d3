import { Inject, Injectable } from '@nestjs/common';
import { TokenRejection } from '../contracts/errors';
import { sessionOf } from '../contracts/session';
import { SessionRepository } from '../contracts/session.repository';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import type { OpenSession } from './open-sessions';
import { fromStorage, RequestDeadline } from './request-deadline';
import { type Named, ownRow, SessionChecker } from './session-checker';
import { ThrottledLogger } from './throttled-logger';

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
    const { storageTimeout } = this.options;
    try {
      const ended = await new RequestDeadline(storageTimeout).run(() => this.endedRows(sessions, storageTimeout));
      for (const session of sessions) {
        if (!session.outlivesTokens || ended.has(session)) continue;
        const ask = () => new RequestDeadline(storageTimeout).run(() => this.isUserGone(session));
        if (await this.unlessFailed(ask)) ended.add(session);
      }
      return ended;
    } catch (error) {
      this.log.write('warn', 'Sessions with open sockets or streams could not be read again', error);
      return null;
    }
  }

  /** What cannot be told of one session, such as a failure of a user provider, keeps nothing from the others. */
  private async unlessFailed(check: () => Promise<boolean>): Promise<boolean> {
    try {
      return await check();
    } catch (error) {
      this.log.write('warn', 'A session with open sockets or streams could not be checked again', error);
      return false;
    }
  }

  private async endedRows(sessions: readonly OpenSession[], timeout: number): Promise<Set<OpenSession>> {
    const ids = sessions.map(({ id }) => id);
    const rows = new Map(
      (await fromStorage(() => this.repository.findByIds(ids, timeout))).map((row) => [row.id, row]),
    );
    const now = this.options.clock.now();
    const isOver = async (session: OpenSession) => {
      const named = namedBy(session);
      const read = async () => {
        const record = ownRow(rows.get(session.id), named, this.options.realm);
        const current = sessionOf(this.checker.living(record, named, now));
        await this.checker.checkActor(record, named, now);
        // What was taken from it meanwhile, this row may not know yet: it is read again.
        if (session.isDoubted) return;
        for (const channel of session.channels) if (channel.session.scopes !== current.scopes) channel.adopt(current);
      };
      return this.unlessFailed(() => refused(read));
    };
    const verdicts = await Promise.all(sessions.map(isOver));
    return new Set(sessions.filter((_, index) => verdicts[index]));
  }

  /** What is not shown fresh tokens is not refused with its user's next token: the user is asked for here. */
  private isUserGone(session: OpenSession): Promise<boolean> {
    return refused(async () => (await this.checker.read(namedBy(session))).user());
  }
}

const namedBy = ({ id, userId }: OpenSession): Named => ({ sessionId: id, userId });

async function refused(check: () => Promise<unknown>): Promise<boolean> {
  try {
    await check();
    return false;
  } catch (error) {
    if (error instanceof TokenRejection) return true;
    throw error;
  }
}
