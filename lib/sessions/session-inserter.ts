import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { InvalidCredentialsError, StorageUnavailableError } from '../contracts/errors';
import { SESSION_COLUMNS } from '../contracts/session';
import { SessionRepository, type StorageTransaction } from '../contracts/session.repository';
import { fenceScope, fenceScopeOfAll } from '../tokens/fence-scope';
import type { LoginArrival } from './login-arrivals';
import { type Displaced, type NewRow, SessionLimiter } from './session-limiter';
import { fromStorage, type RequestDeadline } from './request-deadline';

/** A session on its way into the storage. */
export interface NewSession extends NewRow {
  arrival: LoginArrival;
  /** What left its place for it, once it is inserted. */
  displaced?: Displaced;
}

/** A login that began before the end of all sessions of its user: to a client, credentials that do not count. */
export class FencedLogin extends InvalidCredentialsError {}

/** Inserts the row, then looks at the fences: whichever came first of a fence and the row, one sees the other. */
@Injectable()
export class SessionInserter {
  private readonly logger = new Logger(SessionInserter.name);

  constructor(
    private readonly repository: SessionRepository,
    private readonly limiter: SessionLimiter,
  ) {}

  /** A session on its way into the storage, or into a transaction of the host's. */
  newSession(
    session: Pick<NewSession, 'record' | 'columns' | 'arrival'>,
    transaction: StorageTransaction | null,
  ): NewSession {
    return { ...session, repository: transaction?.repository ?? this.repository };
  }

  /** @throws TypeError for columns that there are not, or that are the library's own */
  columnsOf({ columns = {} }: { columns?: object | undefined }): Readonly<Record<string, unknown>> {
    const given = Object.entries(columns).filter(([, value]) => value !== undefined);
    const own = given.filter(([name]) => (SESSION_COLUMNS as readonly string[]).includes(name));
    const ours = own.map(([name]) => `${name}: set by the library itself; leave it out.`);
    const theirs = Object.fromEntries(given.filter((entry) => !own.includes(entry)));
    const problems = [...ours, ...this.repository.columnProblems(theirs)];
    if (problems.length > 0) throw new TypeError(`Columns of a session: ${problems.join(' ')}`);
    return theirs;
  }

  /**
   * @param commits whether the row is there for all to see once it is inserted; otherwise {@link confirmIfThere} is called
   * when the host's transaction has committed
   */
  async insert(session: NewSession, deadline: RequestDeadline, commits: boolean): Promise<void> {
    await this.orTakeBack(session, async () => {
      const look = () => this.throwIfFencedOrLate(session, deadline);
      session.displaced = await fromStorage(() => this.limiter.place(session, deadline, look));
      if (commits) await look();
      else deadline.throwIfPassed();
    });
    if (commits) this.limiter.settle(session.record, session.displaced!);
  }

  /** False, and nothing done, where the host's transaction undid the row and committed the rest. */
  async confirmIfThere(session: NewSession, deadline: RequestDeadline): Promise<boolean> {
    const { record, repository, displaced } = session;
    // The connection of the host's transaction is at hand, but not for later.
    const isThere = await this.orTakeBack({ ...session, repository: this.repository }, async () => {
      if (!(await fromStorage(() => repository.findById(record.id)))) return false;
      await this.throwIfFencedOrLate(session, deadline);
      return true;
    });
    if (isThere) this.limiter.settle(record, displaced!);
    return isThere;
  }

  private async throwIfFencedOrLate(session: NewSession, deadline: RequestDeadline): Promise<void> {
    const { record, arrival, repository } = session;
    const scopes = [fenceScope(record.realm, record.userId), fenceScopeOfAll(record.realm)];
    if (await fromStorage(() => repository.isFenced(scopes, arrival.counter))) throw new FencedLogin();
    // The client was told 503 while the statements were under way.
    deadline.throwIfPassed();
  }

  private async orTakeBack<T>(session: NewSession, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // A broken connection leaves open whether the row was written; nobody holds its tokens.
      if (session.displaced || error instanceof StorageUnavailableError) await this.takeBack(session, error);
      throw error;
    }
  }

  private async takeBack(session: NewSession, cause: unknown): Promise<void> {
    const { displaced, repository } = session;
    const gone = this.discard(session).then(() => displaced && this.limiter.undo(displaced, repository));
    // A fenced login is answered when its row is gone; one that is late has had its answer.
    if (cause instanceof FencedLogin) await gone;
    else gone.catch(() => undefined);
  }

  /** Deletes a session whose tokens nobody got; what broke the login may last a while, so this tries for some time. */
  private async discard({ record, repository }: NewSession): Promise<void> {
    let storage = repository;
    for (const wait of [0, 100, 400, 1_600, 6_400, 25_600]) {
      await delay(wait, undefined, { ref: false });
      const isGone = fromStorage(() => storage.deleteById(record.id)).then(() => true);
      if (await isGone.catch(() => false)) return;
      // After the host's transaction, its connection is not at hand any more.
      storage = this.repository;
    }
    this.logger.error(`Session ${record.id}, whose login failed, could not be deleted; it ends by itself.`);
  }
}
