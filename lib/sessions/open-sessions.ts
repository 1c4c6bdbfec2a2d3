import type { RevocationScope } from '../contracts/events';
import type { Session } from '../contracts/session';
import type { OpenChannel } from './open-channel';

/** Longer than usual access tokens live: those for programs, and of applications without refresh tokens. */
const LONG_MS = 15 * 60_000;
/** How many rows are read at once. */
const BATCH = 200;

/** A session with something open. Times are epoch milliseconds. */
export interface OpenSession extends Pick<
  Session,
  'id' | 'userId' | 'createdAt' | 'kind' | 'actorId' | 'actorSessionId'
> {
  readonly channels: Set<OpenChannel>;
  /** How often its row is read, in milliseconds. */
  recheck: number;
  /** When its row is read next. */
  recheckAt: number;
  /** Whether something of it stays open for long without fresh tokens: then its user is asked for too. */
  outlivesTokens: boolean;
  /** Whether something was announced of it since its row was asked for: then that row says too little. */
  isDoubted: boolean;
}

/** The sessions with something open, by the scopes in which sessions end. */
export class OpenSessions {
  private readonly byId = new Map<string, OpenSession>();
  private readonly byUser = new Map<string, Set<OpenSession>>();
  private readonly acted = new Set<OpenSession>();
  private count = 0;

  get channelCount(): number {
    return this.count;
  }

  all(): Iterable<OpenSession> {
    return this.byId.values();
  }

  /** @param now epoch milliseconds */
  add(channel: OpenChannel, now: number): OpenSession {
    const { recheck } = channel.terms;
    const session = this.byId.get(channel.session.id) ?? this.begin(channel);
    session.channels.add(channel);
    this.count++;
    session.recheck = Math.min(session.recheck, recheck);
    // At moments of their own: sockets that were opened together must not ask together.
    session.recheckAt = Math.min(session.recheckAt, now + recheck * (0.5 + Math.random() / 2));
    noteLength(session, channel, now);
    return session;
  }

  /** Notes how long a channel stays open with a newer token. @param now epoch milliseconds */
  renew(channel: OpenChannel, now: number): OpenSession | undefined {
    const session = this.byId.get(channel.session.id);
    if (session) noteLength(session, channel, now);
    return session;
  }

  remove(channel: OpenChannel): void {
    const session = this.byId.get(channel.session.id);
    if (!session?.channels.delete(channel)) return;
    this.count--;
    if (session.channels.size > 0) return;
    this.byId.delete(session.id);
    this.acted.delete(session);
    const others = this.byUser.get(session.userId);
    others?.delete(session);
    if (others?.size === 0) this.byUser.delete(session.userId);
  }

  find(id: string): OpenSession | undefined {
    return this.byId.get(id);
  }

  /** The sessions that an end is about, as far as is known here. */
  within(scope: RevocationScope, realm: string): OpenSession[] {
    if ('sessionId' in scope) {
      const one = this.byId.get(scope.sessionId);
      return one ? [one] : [];
    }
    if (scope.realm !== realm) return [];
    if ('userId' in scope) {
      const { userId, except, kinds } = scope;
      const isMeant = ({ id, kind }: OpenSession) => id !== except && (kinds === undefined || kinds.includes(kind));
      return [...(this.byUser.get(userId) ?? [])].filter(isMeant);
    }
    return [...this.byId.values()].filter(({ createdAt }) => createdAt < scope.createdBefore);
  }

  /** Those in which somebody acts as a user whose own session an end may be about. */
  actedBy(scope: RevocationScope): OpenSession[] {
    if ('createdBefore' in scope) return [...this.acted];
    const isMeant = ({ actorId, actorSessionId }: OpenSession) =>
      'sessionId' in scope ? actorSessionId === scope.sessionId : actorId === scope.userId;
    return [...this.acted].filter(isMeant);
  }

  /** Those whose row is to be read at this moment (epoch ms), no more than are read at once. */
  due(now: number): OpenSession[] {
    const found: OpenSession[] = [];
    for (const session of this.byId.values()) {
      if (isDue(session, now) && found.push(session) === BATCH) break;
    }
    return found;
  }

  private begin({ session: { id, userId, createdAt, kind, actorId, actorSessionId } }: OpenChannel): OpenSession {
    const channels = new Set<OpenChannel>();
    const known = { id, userId, createdAt, kind, actorId, actorSessionId };
    const session = {
      ...known,
      channels,
      recheck: Infinity,
      recheckAt: Infinity,
      outlivesTokens: false,
      isDoubted: false,
    };
    this.byId.set(id, session);
    if (typeof actorSessionId === 'string') this.acted.add(session);
    const ofUser = this.byUser.get(userId) ?? new Set();
    this.byUser.set(userId, ofUser.add(session));
    return session;
  }
}

function noteLength(session: OpenSession, channel: OpenChannel, now: number): void {
  if (channel.until - now > LONG_MS) session.outlivesTokens = true;
}

/** A clock that was set back must not put the next reading off. */
function isDue({ recheckAt, recheck }: OpenSession, now: number): boolean {
  return recheckAt <= now || (recheckAt > now + recheck && recheckAt !== Infinity);
}
