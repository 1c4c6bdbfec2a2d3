import type { SessionQuery } from '../contracts/session.repository';
import type { RawRecord, Select } from './session-row';

const IN_USE =
  '(session.refreshDigest IS NOT NULL OR session.idleTimeout IS NULL OR session.lastUsedAt + session.idleTimeout > :idleAt)';

/** Reads a page of the sessions that are selected, newest first. */
export function readPage(select: Select, query: SessionQuery): Promise<RawRecord[]> {
  if (query.aliveAt !== undefined) select.andWhere('session.expiresAt > :aliveAt', { aliveAt: query.aliveAt });
  if (query.idleAt !== undefined) select.andWhere(IN_USE, { idleAt: query.idleAt });
  if (query.kinds !== undefined) select.andWhere('session.kind IN (:...kinds)', { kinds: query.kinds });
  if (query.before) {
    const { createdAt, id } = query.before;
    const tie = id === undefined ? '' : ' OR (session.createdAt = :createdAt AND session.id < :id)';
    select.andWhere(`(session.createdAt < :createdAt${tie})`, id === undefined ? { createdAt } : { createdAt, id });
  }
  select.orderBy('session.createdAt', 'DESC').addOrderBy('session.id', 'DESC').limit(query.limit);
  return select.getRawMany<RawRecord>();
}
