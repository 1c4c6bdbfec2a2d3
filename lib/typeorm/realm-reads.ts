import type { QueryRunner, Repository } from 'typeorm';
import type { SessionRecord } from '../contracts/session';
import type { SessionCounts } from '../contracts/session.repository';
import type { Connections } from './connections';
import { retryingOn } from './retrying';
import type { JwtKnoxSessionBase } from './session.entity';
import { type RawRecord, type Select, selectColumns } from './session-row';
import { type Counted, countSessions, noSessions } from './session-statistics';
import type { UserIdColumn } from './user-id-column';

/** Reads more than one session of a realm, never a replica's or a cache's state of them. */
export class RealmReads {
  constructor(
    private readonly rows: Repository<JwtKnoxSessionBase>,
    private readonly connections: Connections,
    private readonly realm: string,
    private readonly userIds: UserIdColumn,
  ) {}

  /** What is found among all sessions; nothing is selected yet. */
  all<T>(work: (select: Select) => Promise<T>, timeout?: number): Promise<T> {
    return this.run((runner) => work(this.selectOn(runner)), timeout);
  }

  /** The sessions of these ids. */
  async ofIds(ids: readonly string[], timeout?: number): Promise<SessionRecord[]> {
    if (ids.length === 0) return [];
    const read = (all: Select) =>
      selectColumns(all).andWhere('session.id IN (:...ids)', { ids }).getRawMany<RawRecord>();
    return (await this.all(read, timeout)).map((raw) => this.userIds.record(raw));
  }

  /** The sessions of a user that are found among these; none of a user whom the table cannot hold. */
  ofUser(userId: string, work: (ofUser: Select) => Promise<RawRecord[]>, timeout?: number): Promise<SessionRecord[]> {
    const read = async (all: Select) => {
      const user = { userId: this.userIds.parameterOf(userId) };
      const found = await work(selectColumns(all).andWhere('session.userId = :userId', user));
      return found.map((raw) => this.userIds.record(raw));
    };
    return this.userIds.ofUser<SessionRecord[]>(userId, [], () => this.all(read, timeout));
  }

  /** How a user's sessions write their id; undefined where they have none, beside this one. */
  async spellingOf(userId: string, besideId = ''): Promise<string | undefined> {
    const read = (ofUser: Select) =>
      ofUser.andWhere('session.id <> :besideId', { besideId }).limit(1).getRawMany<RawRecord>();
    return (await this.ofUser(userId, read))[0]?.userId;
  }

  /** @param userId only the sessions of this user */
  statistics(now: number, userId?: string, timeout?: number): Promise<SessionCounts> {
    const count = (user?: unknown) => this.run((runner) => countSessions(this.countedOn(runner), now, user), timeout);
    if (userId === undefined) return count();
    return this.userIds.ofUser(userId, noSessions(), () => count(this.userIds.parameterOf(userId)));
  }

  private run<T>(work: (runner: QueryRunner) => Promise<T>, timeout?: number): Promise<T> {
    return retryingOn(this.connections, () => this.connections.lend(work, timeout), 'read');
  }

  private countedOn(runner: QueryRunner): Counted {
    const query = () => this.rows.manager.createQueryBuilder(runner).cache(false);
    return { sessions: () => this.selectOn(runner), query };
  }

  private selectOn(runner: QueryRunner): Select {
    // A result cache of the host's would remember sessions that were ended.
    const select = this.rows.createQueryBuilder('session').setQueryRunner(runner).cache(false);
    return select.where('session.realm = :realm', { realm: this.realm }).select([]);
  }
}
