import type { SessionCounts } from '../contracts/session.repository';
import type { Select } from './session-row';

/** Counts in the database: one aggregate query for the totals, one for the busiest user, one for the user agents. */
export async function countSessions(newSelect: () => Select, now: number, userId?: unknown): Promise<SessionCounts> {
  const select = () => {
    const all = newSelect().setParameters({ now });
    return userId === undefined ? all : all.andWhere('session.userId = :userId', { userId });
  };
  const totals = await readTotals(select());
  const busiest = await active(select()).addGroupBy('session.userId').limit(1).getRawOne<{ active: unknown }>();
  const agents = await active(select())
    .addSelect('session.userAgent', 'userAgent')
    .addGroupBy('session.userAgent')
    .addOrderBy('session.userAgent', 'ASC')
    .limit(10)
    .getRawMany<{ userAgent: string | null; active: unknown }>();
  return {
    ...totals,
    maxActivePerUser: Number(busiest?.active ?? 0),
    byUserAgent: agents.map((row) => ({ userAgent: row.userAgent, active: Number(row.active) })),
  };
}

/** The counts of a user who cannot exist. */
export function noSessions(): SessionCounts {
  const none = { all: 0, active: 0, expired: 0 };
  return { users: none, sessions: { ...none }, maxActivePerUser: 0, byUserAgent: [] };
}

function active(select: Select): Select {
  return select.andWhere('session.expiresAt > :now').addSelect('COUNT(*)', 'active').orderBy('active', 'DESC');
}

async function readTotals(select: Select): Promise<Pick<SessionCounts, 'users' | 'sessions'>> {
  const row = await select
    .addSelect('COUNT(*)', 'sessions')
    .addSelect('COUNT(CASE WHEN session.expiresAt > :now THEN 1 END)', 'activeSessions')
    .addSelect('COUNT(DISTINCT session.userId)', 'users')
    .addSelect('COUNT(DISTINCT CASE WHEN session.expiresAt > :now THEN session.userId END)', 'activeUsers')
    .addSelect('COUNT(DISTINCT CASE WHEN session.expiresAt <= :now THEN session.userId END)', 'expiredUsers')
    .getRawOne<Record<string, unknown>>();
  const of = (name: string) => Number(row?.[name] ?? 0);
  return {
    users: { all: of('users'), active: of('activeUsers'), expired: of('expiredUsers') },
    sessions: { all: of('sessions'), active: of('activeSessions'), expired: of('sessions') - of('activeSessions') },
  };
}
