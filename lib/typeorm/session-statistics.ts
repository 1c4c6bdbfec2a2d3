import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { SessionCounts } from '../contracts/session.repository';
import type { Select } from './session-row';

/** Where the counting asks. */
export interface Counted {
  /** The sessions to be counted, nothing selected yet. */
  readonly sessions: () => Select;
  /** A query of something else. */
  readonly query: () => SelectQueryBuilder<ObjectLiteral>;
}

/** Counts in the database: one query by users, for the totals and the busiest of them, and one by user agents. */
export async function countSessions(counted: Counted, now: number, userId?: unknown): Promise<SessionCounts> {
  const select = () => {
    const all = counted.sessions().setParameters({ now });
    return userId === undefined ? all : all.andWhere('session.userId = :userId', { userId });
  };
  const totals = await readTotals(select(), counted.query());
  const agents = await select()
    .andWhere('session.expiresAt > :now')
    .select('session.userAgent', 'userAgent')
    .addSelect('COUNT(*)', 'active')
    .groupBy('session.userAgent')
    .orderBy('active', 'DESC')
    .addOrderBy('session.userAgent', 'ASC')
    .limit(10)
    .getRawMany<{ userAgent: string | null; active: unknown }>();
  return { ...totals, byUserAgent: agents.map((row) => ({ userAgent: row.userAgent, active: Number(row.active) })) };
}

/** The counts of a user who cannot exist. */
export function noSessions(): SessionCounts {
  const none = { all: 0, active: 0, expired: 0 };
  return { users: none, sessions: { ...none }, maxActivePerUser: 0, byUserAgent: [] };
}

/** Users are grouped, not counted as distinct: for that, PostgreSQL would sort all rows, once for each count. */
async function readTotals(
  sessions: Select,
  query: SelectQueryBuilder<ObjectLiteral>,
): Promise<Omit<SessionCounts, 'byUserAgent'>> {
  const ofUsers = sessions
    .select('COUNT(*)', 'held')
    .addSelect('COUNT(CASE WHEN session.expiresAt > :now THEN 1 END)', 'alive')
    .groupBy('session.userId');
  const row = await query
    .select('COUNT(*)', 'users')
    .addSelect('COUNT(CASE WHEN counted.alive > 0 THEN 1 END)', 'activeUsers')
    .addSelect('COUNT(CASE WHEN counted.alive < counted.held THEN 1 END)', 'expiredUsers')
    .addSelect('SUM(counted.held)', 'sessions')
    .addSelect('SUM(counted.alive)', 'activeSessions')
    .addSelect('MAX(counted.alive)', 'busiest')
    .from(`(${ofUsers.getQuery()})`, 'counted')
    .setParameters(ofUsers.getParameters())
    .getRawOne<Record<string, unknown>>();
  // Sums and the greatest of no rows are null.
  const of = (name: string) => Number(row?.[name] ?? 0);
  return {
    users: { all: of('users'), active: of('activeUsers'), expired: of('expiredUsers') },
    sessions: { all: of('sessions'), active: of('activeSessions'), expired: of('sessions') - of('activeSessions') },
    maxActivePerUser: of('busiest'),
  };
}
