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
import { Turns } from './turns';

/** How many users and actors are asked for at the same time: requests of users need connections to the database too. */
const AT_ONCE = 4;

/** Hears whether a session is over; null when that could not be told. */
type Tell = (session: OpenSession, isOver: boolean | null) => void;

/** Reads again the rows of sessions for which something is open. */
@Injectable()
export class SessionRecheck {
  private readonly log = new ThrottledLogger('JwtKnox', 60_000);
  private readonly turns = new Turns(AT_ONCE);
  /** Those whose user or actor is being asked for. */
  private readonly asked = new Set<OpenSession>();

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: Pick<ResolvedOptions, 'clock' | 'realm' | 'storageTimeout'>,
    private readonly repository: SessionRepository,
    private readonly checker: SessionChecker,
  ) {}

  /**
   * Reads their rows, and tells of each whether it is over: at once what its row says, and later what only its user can, or
   * whoever acts in it. For whom nobody answers, holds up nobody else.
   * @param tell `isOver`: null when its row could not be read, or those could not be asked
   * @returns whether the rows could be read
   */
  async read(sessions: readonly OpenSession[], tell: Tell): Promise<boolean> {
    const rows = await this.rowsOf(sessions);
    for (const session of sessions) {
      const isAsked = this.asked.has(session);
      if (rows === null) tell(session, null);
      else this.judge(session, rows.get(session.id), tell);
      // The answer under way may be from before what was told meanwhile: it must not put the next look off.
      if (isAsked) session.isDoubted = true;
    }
    return rows !== null;
  }

  private judge(session: OpenSession, row: SessionRecord | undefined, tell: Tell): void {
    let record: SessionRecord;
    try {
      record = this.livingRow(session, row);
    } catch (error) {
      return tell(session, this.saysOver(error));
    }
    if (record.kind !== 'impersonation' && !session.outlivesTokens) return tell(session, false);
    if (this.asked.has(session)) return;
    this.asked.add(session);
    void this.turns
      .take(() => this.isRefused(session, record))
      .then((isOver) => {
        this.asked.delete(session);
        if (session.isDoubted && !isOver) session.recheckAt = 0;
        else tell(session, isOver);
      });
  }

  /** @throws TokenRejection when the row says that the session is over */
  private livingRow(session: OpenSession, row: SessionRecord | undefined): SessionRecord {
    const named = namesOf(session);
    const record = ownRow(row, named, this.options.realm);
    const current = sessionOf(this.checker.living(record, named, this.options.clock.now()));
    // What was taken from it meanwhile, this row may not know yet: it is read again.
    if (!session.isDoubted) adopt(session, current);
    return record;
  }

  private async isRefused(session: OpenSession, record: SessionRecord): Promise<boolean | null> {
    const named = namesOf(session);
    const check = async () => {
      await this.checker.checkActor(record, named, this.options.clock.now());
      // What is not shown fresh tokens is not refused with its user's next token: the user is asked for here.
      if (session.outlivesTokens) await (await this.checker.read(named)).user();
    };
    try {
      await this.withinDeadline(check);
      return false;
    } catch (error) {
      return this.saysOver(error);
    }
  }

  /** What cannot be told of one session (null), such as a failure of a user provider, ends nothing. */
  private saysOver(error: unknown): true | null {
    if (error instanceof TokenRejection) return true;
    const what = 'A session with open sockets or streams could not be checked again';
    this.log.write('warn', line('recheck-failed', what), error);
    return null;
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

  private withinDeadline<T>(work: () => Promise<T>): Promise<T> {
    return new RequestDeadline(this.options.storageTimeout).run(work);
  }
}

function adopt({ channels }: OpenSession, current: Session): void {
  const { scopes, boundKind } = current;
  for (const channel of channels)
    if (channel.session.scopes !== scopes || channel.session.boundKind !== boundKind) channel.adopt(current);
}

const namesOf = ({ id, userId }: OpenSession) => ({ sessionId: id, userId });
