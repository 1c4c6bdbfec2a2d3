import type { JwtKnoxEventMap, RevocationScope } from '../contracts/events';

/** What instances tell each other. Anything that cannot be read counts as "everything may have changed". */
export interface Notice {
  /** Ids of sessions that are gone. */
  readonly ended?: readonly string[];
  /** Ids of sessions that may do something else than before, or with other keys. */
  readonly changed?: readonly string[];
  /** Ids of sessions whose rows went long after they had expired. */
  readonly expired?: readonly string[];
  /** Sessions that ended, where nobody listed their ids. */
  readonly scope?: RevocationScope;
  /** The same, of a statement that failed: whether they ended, their rows say. */
  readonly doubted?: RevocationScope;
  /** Epoch milliseconds between which it happened; left out where the storage tells, or nobody knows. */
  readonly since?: number;
  readonly until?: number;
  /** A user who changed. */
  readonly user?: string;
  /** An event for the listeners of other processes, the process that it happened in, and to which sessions. */
  readonly event?: {
    readonly from: string;
    readonly place: string;
    readonly revoked: JwtKnoxEventMap['session.revoked'];
  };
}

export const writeNotice = (notice: Notice): string => JSON.stringify(notice);

/** The sessions that a notice names. */
export function idsIn({ ended = [], changed = [], expired = [] }: Notice): readonly string[] {
  const [only = [], ...others] = [ended, changed, expired].filter((ids) => ids.length > 0);
  return others.length === 0 ? only : [...only, ...others.flat()];
}

/** What is told where nobody knows whether it happened. */
export function doubtOf(notice: Notice): Notice {
  return { changed: idsIn(notice), ...(notice.scope && { doubted: notice.scope }) };
}

/** What a notice tells those who listen to sessions. */
export function announcementsIn(notice: Notice): JwtKnoxEventMap['session.announced'][] {
  const { ended = [], changed = [], scope, doubted, since, until } = notice;
  const during = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
  return [
    ...ended.map((sessionId) => ({ scope: { sessionId }, isEnd: true })),
    ...changed.map((sessionId) => ({ scope: { sessionId }, isEnd: false, ...during })),
    ...(scope ? [{ scope, isEnd: true, ...during }] : []),
    ...(doubted ? [{ scope: doubted, isEnd: false }] : []),
  ];
}

/** Null when everything may have changed: by a notice that says so, or one that nobody here wrote. */
export function readNotice(text: string): Notice | null {
  let notice: unknown;
  try {
    notice = JSON.parse(text);
  } catch {
    return null;
  }
  return isNotice(notice) ? notice : null;
}

/** What a later version tells beside these, this one cannot heed. */
const MEMBERS = ['ended', 'changed', 'expired', 'scope', 'doubted', 'since', 'until', 'user', 'event'];

function isNotice(value: unknown): value is Notice {
  if (typeof value !== 'object' || value === null) return false;
  const {
    ended = [],
    changed = [],
    expired = [],
    scope,
    doubted,
    since,
    until,
    user,
    event,
  } = value as Record<string, unknown>;
  return (
    Object.keys(value).length > 0 &&
    Object.keys(value).every((name) => MEMBERS.includes(name)) &&
    [ended, changed, expired].every(areIds) &&
    [scope, doubted].every((one) => one === undefined || isScope(one)) &&
    [since, until].every((one) => one === undefined || Number.isFinite(one)) &&
    (user === undefined || typeof user === 'string') &&
    (event === undefined || isEvent(event))
  );
}

const areIds = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');

function isScope(value: unknown): value is RevocationScope {
  const { realm, userId, createdBefore, sessionId } = Object(value) as Record<string, unknown>;
  if (typeof sessionId === 'string') return true;
  return typeof realm === 'string' && (typeof userId === 'string' || typeof createdBefore === 'number');
}

function isEvent(value: unknown): boolean {
  const { from, place, revoked } = Object(value) as Record<string, unknown>;
  return (
    [from, place].every((one) => typeof one === 'string') && isScope((Object(revoked) as { scope?: unknown }).scope)
  );
}
