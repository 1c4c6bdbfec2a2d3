import { Inject, Injectable, Optional } from '@nestjs/common';
import { REVOKE } from '../contracts/diagnostics';
import { StorageUnavailableError } from '../contracts/errors';
import { JwtKnoxEvents, type RevocationReason, type RevocationScope, type SessionActor } from '../contracts/events';
import { type Session, type SessionKind, sessionOf } from '../contracts/session';
import { coversScope, storedScopes } from '../contracts/scopes';
import { SessionRepository } from '../contracts/session.repository';
import { fenceScope, fenceScopeOfAll } from '../tokens/fence-scope';
import { isSessionId } from '../tokens/token-claims';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { fromStorage, RequestDeadline } from './request-deadline';
import { SessionCache } from './session-cache';

/** Sessions that a person holds, on a device. */
export const HELD_BY_PEOPLE: readonly SessionKind[] = ['login', 'impersonation'];

/** What a storage says of a session that another process may still accept: gone, evicted, or with new keys. */
const ENDED_BEFORE: ReadonlySet<string> = new Set(['session_not_found', 'session_expired', 'key_mismatch']);

/** How often a change whose row changed under it reads it again. */
const MAX_ATTEMPTS = 5;

/** A moment this close was taken for the call. */
const JUST_NOW_MS = 1_000;

/** Why sessions end, who ends them, and in what time. */
export interface Ending {
  reason: RevocationReason;
  /** Who asked for it, where that is known. */
  actor?: SessionActor | null;
  /** What is left of the request's time. @default `storageTimeout` */
  deadline?: RequestDeadline;
}

/** Which sessions ended, and whose they were; null where that is not known, or those of all users. */
interface Ended {
  scope: RevocationScope;
  userId: string | null;
}

/** Ends sessions. When a method resolves, no instance of the application accepts what it ended. */
@Injectable()
export class SessionRevoker {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly repository: SessionRepository,
    private readonly events: JwtKnoxEvents,
    @Optional() private readonly cache?: SessionCache,
  ) {}

  /**
   * Resolves when no instance accepts what had ended before this call. At once without a cache.
   * @param sessionId what had ended, where that is known
   */
  async settled(sessionId?: string): Promise<void> {
    if (this.cache) await this.newDeadline().run(() => this.outlast(sessionId));
  }

  /**
   * Before it is answered that there was nothing to end: who ended it may still wait for other instances, and the answer says
   * that it is over there, too.
   * @param reason why it was refused
   */
  async settledIfEnded(reason: string | undefined, sessionId: () => string | undefined): Promise<void> {
    if (reason !== undefined && ENDED_BEFORE.has(reason)) await this.settled(sessionId());
  }

  /** Resolves when no instance answers from what it knew of a user before this call. At once without a cache. */
  async userChanged(userId: string): Promise<void> {
    requireId(userId);
    const { cache } = this;
    if (!cache) return;
    const deadline = this.newDeadline();
    const id = await this.spellingOf(userId, deadline);
    await deadline.run(() => fromStorage(() => cache.userChanged(id)));
  }

  /** One session; of this user, in the spelling of its row, and of one of these kinds, where those are given. */
  async one(
    sessionId: string,
    userId: string | undefined,
    ending: Ending,
    kinds?: readonly SessionKind[],
  ): Promise<boolean> {
    if (userId !== undefined) requireId(userId);
    if (!isSessionId(sessionId)) return false;
    const what = { scope: { sessionId }, userId: userId ?? null };
    const end = async () => Number(await this.repository.deleteById(sessionId, { userId, kinds }));
    return (await this.end(what, ending, end)) > 0;
  }

  /** All that people hold; tokens for programs go on. */
  async other({ id, userId: ofUser }: Pick<Session, 'id' | 'userId'>, ending: Ending): Promise<number> {
    requireId(id);
    const { deadline = this.newDeadline() } = ending;
    const userId = await this.spellingOf(ofUser, deadline);
    const kinds = HELD_BY_PEOPLE;
    const what = { scope: { realm: this.options.realm, userId, except: id, kinds }, userId };
    return this.end(what, { ...ending, deadline }, () => this.repository.deleteByUser(userId, id, kinds));
  }

  /**
   * Ends all sessions of a user but, where it is given, one; and logins that are under way, on any process: the fence
   * first, then the rows.
   */
  async all(
    ofUser: string,
    ending: Ending,
    { exceptId, kinds }: { exceptId?: string; kinds?: readonly SessionKind[] } = {},
  ): Promise<number> {
    const { deadline = this.newDeadline() } = ending;
    const userId = await this.spellingOf(ofUser, deadline);
    const { realm } = this.options;
    const end = async () => {
      await this.repository.raiseFence(fenceScope(realm, userId));
      return this.repository.deleteByUser(userId, exceptId, kinds);
    };
    const scope = { realm, userId, ...(exceptId !== undefined && { except: exceptId }), ...(kinds && { kinds }) };
    return this.end({ scope, userId }, { ...ending, deadline }, end);
  }

  /**
   * Ends every session created before a moment (epoch ms), and all logins under way. Where the moment is now, or to come,
   * all that are there when the fence is raised, whenever they say that they were created: some were written since the
   * call, and some by a clock that is ahead.
   */
  async before(moment: number, ending: Ending): Promise<number> {
    const { realm, clock, adminTimeout } = this.options;
    const isPast = moment < clock.now() - JUST_NOW_MS;
    const bound = isPast ? moment : Number.MAX_SAFE_INTEGER;
    const end = async () => {
      await this.repository.raiseFence(fenceScopeOfAll(realm), adminTimeout);
      return this.repository.deleteCreatedBefore(bound, adminTimeout);
    };
    const deadline = new RequestDeadline(adminTimeout);
    const scope = { realm, createdBefore: bound };
    return this.end({ scope, userId: null }, { ...ending, deadline }, end);
  }

  /**
   * Takes rights from a session; false when there is no such session.
   * @throws TypeError for scopes that the session does not have
   */
  async narrow(sessionId: string, scopes: readonly string[], userId?: string): Promise<boolean> {
    const to = storedScopes('narrow: scopes', scopes);
    const deadline = this.newDeadline();
    const ofUser = userId === undefined ? undefined : await this.spellingOf(userId, deadline);
    return deadline.run(async () => {
      for (let count = 0; count < MAX_ATTEMPTS; count++) {
        const found = await fromStorage(() => this.repository.findById(sessionId));
        const record = found?.record;
        if (!record) await this.outlast(sessionId);
        if (record?.id !== sessionId || record.realm !== this.options.realm) return false;
        if (ofUser !== undefined && record.userId !== ofUser) return false;
        const wider = scopes.filter((scope) => !coversScope(record.scopes, scope));
        if (wider.length > 0) throw new TypeError(`narrow: the session may not do ${wider.join(', ')}; leave it out.`);
        // Who narrowed it before may still wait for other instances, or have failed to tell them.
        if (record.scopes === to) await this.outlast(sessionId);
        if (record.scopes === to) return true;
        if (!(await fromStorage(() => this.repository.narrow(sessionId, record.scopes, to)))) continue;
        this.events.emit('session.narrowed', { session: sessionOf({ ...record, scopes: to }), before: record.scopes });
        return true;
      }
      throw new StorageUnavailableError(new Error('The session changed under every attempt to narrow it.'));
    });
  }

  /** A user's id as sessions hold it, whichever way the caller writes it: by it, everybody is told. */
  async spellingOf(userId: string, deadline = this.newDeadline()): Promise<string> {
    requireId(userId);
    return deadline.run(() => fromStorage(() => this.repository.spellingOf(userId)));
  }

  /** Whatever others know of what was before. */
  private async outlast(sessionId?: string): Promise<void> {
    if (this.cache) await fromStorage(() => this.cache!.settled(sessionId));
  }

  /** The time of one request. */
  newDeadline(): RequestDeadline {
    return new RequestDeadline(this.options.storageTimeout);
  }

  /** Tells of a logout that comes to nothing, as its token is refused. */
  refused(ending: Pick<Ending, 'reason'>, cause: unknown): void {
    if (REVOKE.isHeard) REVOKE.tell(this.options, { why: ending.reason, count: 0 }, { failure: { cause } });
  }

  /** Announces what ended once it has, also when the caller was told 503 meanwhile. */
  private end(what: Ended, ending: Ending, work: () => Promise<number>): Promise<number> {
    const { deadline = this.newDeadline() } = ending;
    const since = this.options.clock.now();
    const end = () =>
      deadline.run(async () => this.announce({ ...what, since, count: await fromStorage(work) }, ending));
    if (!REVOKE.isHeard) return end();
    return REVOKE.trace(this.options, { why: ending.reason }, async (told) => (told.count = await end()));
  }

  /**
   * Announces that sessions ended; the one place where that is announced. Nothing is, when none did. Returns how many.
   */
  private announce(ended: Ended & { since: number; count: number }, { reason, actor = null }: Ending): number {
    const sessionId = 'sessionId' in ended.scope ? ended.scope.sessionId : null;
    if (ended.count > 0) this.events.emit('session.revoked', { ...ended, sessionId, reason, actor });
    return ended.count;
  }

  /** The same for one session, which ended by a statement that was about more than that. */
  announceOne({ id, userId }: Pick<Session, 'id' | 'userId'>, ending: Ending): void {
    if (REVOKE.isHeard) REVOKE.tell(this.options, { why: ending.reason, count: 1 });
    this.announce({ scope: { sessionId: id }, userId, since: this.options.clock.now(), count: 1 }, ending);
  }
}

/** An id that is missing is a mistake of the caller's, and must never widen what is deleted. */
export function requireId(id: unknown): void {
  if (typeof id !== 'string' || id === '') throw new TypeError('A session or user id must be a non-empty string.');
}
