import { InvalidRequestError } from '../contracts/errors';
import { scopeList } from '../contracts/scopes';
import type { Session, SessionKind } from '../contracts/session';
import type { SessionQuery } from '../contracts/session.repository';
import type { SessionsQueryDto } from './dto';
import { setHeader } from '../guard/error-headers.interceptor';

/** A session on the wire; times are ISO 8601 UTC. */
export interface SessionBody {
  id: string;
  kind: SessionKind;
  device_name: string | null;
  user_agent: string | null;
  ip_address: string | null;
  /** The user-agent and the address of the last refresh that rotated; null when there was none. */
  last_user_agent: string | null;
  last_ip_address: string | null;
  created_at: string;
  /** When the user proved their credentials last. */
  authenticated_at: string;
  last_used_at: string;
  expires_at: string;
  /** What the session may do; null for whatever its user may. */
  scopes: readonly string[] | null;
  /** Who acts as the user in it; null for the user. */
  actor: { user_id: string; realm: string } | null;
  /** How the session is bound to a key of its device: `dpop`, `dbsc`; null: it is not. */
  bound: string | null;
  /** When somebody with a copy of its token was refused last; null: never, or the user has seen it. */
  copy_refused_at: string | null;
  current: boolean;
}

export function sessionBody(session: Session, currentId: string): SessionBody {
  return {
    id: session.id,
    kind: session.kind,
    device_name: session.deviceName,
    user_agent: session.userAgent,
    ip_address: session.ipAddress,
    last_user_agent: session.lastUserAgent,
    last_ip_address: session.lastIpAddress,
    created_at: isoTime(session.createdAt),
    authenticated_at: isoTime(session.authenticatedAt),
    last_used_at: isoTime(session.lastUsedAt),
    expires_at: isoTime(session.expiresAt),
    scopes: scopeList(session.scopes),
    actor: session.actorId === null ? null : { user_id: session.actorId, realm: session.actorRealm ?? '' },
    bound: session.boundKind,
    copy_refused_at: session.boundRefusedAt === null ? null : isoTime(session.boundRefusedAt),
    current: session.id === currentId,
  };
}

export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

const PAGE = 100;

/** The page a query asks for, with one row more, which tells whether there is a next page. */
export function pageQuery(query: SessionsQueryDto): SessionQuery & { limit: number } {
  const createdAt = query.before === undefined ? undefined : Date.parse(query.before);
  // ISO 8601 knows week dates and others that JavaScript does not read.
  if (Number.isNaN(createdAt)) throw new InvalidRequestError('before must be a time such as 2026-01-31T10:00:00.000Z');
  const before = createdAt === undefined ? undefined : { createdAt, id: query.before_id };
  return { limit: Number(query.limit ?? PAGE) + 1, ...(before && { before }) };
}

/**
 * The page in what {@link pageQuery} read; tells of the next one in the `Link` header (RFC 8288). Relative to the
 * request (RFC 3986 section 5.2.2): which path clients see, a gateway may decide. What else they asked for stays.
 */
export function answerPage(
  sessions: Session[],
  limit: number,
  response: unknown,
  others: { user_id?: string } = {},
): Session[] {
  const page = sessions.slice(0, limit - 1);
  const last = page.at(-1);
  if (sessions.length === limit && last) {
    const query = new URLSearchParams({
      ...(others.user_id !== undefined && { user_id: others.user_id }),
      limit: String(limit - 1),
      before: isoTime(last.createdAt),
      before_id: last.id,
    });
    setHeader(response, 'Link', `<?${query.toString()}>; rel="next"`);
  }
  return page;
}
