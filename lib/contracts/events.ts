import { Injectable, Logger } from '@nestjs/common';
import type { RejectionReason } from './errors';
import type { Presenter } from './device';
import { line, messageOf } from './log-line';
import type { BindingRefusal } from './binding-errors';
import type { Session, SessionKind } from './session';

/** Why sessions ended. */
export type RevocationReason =
  | 'logout'
  | 'replaced'
  | 'logout_other'
  | 'logout_all'
  | 'revoked'
  | 'revoked_before'
  | 'admin'
  | 'evicted'
  | 'user_inactive'
  | 'user_disabled'
  | 'credentials_changed'
  | 'reused';

/**
 * Why a login failed. `fenced`: it began before all sessions of its user were ended, and the credentials it proved may no
 * longer count.
 */
export type LoginFailure = 'credentials' | 'inactive' | 'session_limit' | 'fenced' | 'binding';

/**
 * Why a refresh token that was used before was answered once more:
 * - `idempotency`: the request carries the `Idempotency-Key` of the rotation: a retry after a lost answer.
 * - `interval`: it comes within `reuseInterval` of the rotation: a second tab, as a rule.
 * - `window`: neither the rotation nor the request has a key, nobody has used the successor yet, and `retryWindow` has
 *   not passed.
 * - `proof`: the request proves that it comes from the device that the session is bound to.
 */
export type RetryReason = 'interval' | 'idempotency' | 'window' | 'proof';

/** Who ended sessions: a user, their admin, or support staff. */
export interface SessionActor {
  /** As `UserProvider.getId` returns it. */
  userId: string;
  /** The session in which they did it; null outside of one. */
  sessionId: string | null;
}

/**
 * Which sessions ended: one, all of a user but `except` and of some `kinds` only, or all created before a moment (epoch milliseconds). `realm` says
 * of which module; '' for one without a realm.
 */
export type RevocationScope =
  | { readonly sessionId: string }
  | {
      readonly realm: string;
      readonly userId: string;
      readonly except?: string;
      readonly kinds?: readonly SessionKind[];
    }
  | { readonly realm: string; readonly createdBefore: number };

/** Why a client of `introspect` or `revoke` was refused. `not_allowed`: its `may` does not list the right. */
export type ClientRejection = 'no_credentials' | 'unknown_client' | 'wrong_secret' | 'not_allowed';

/**
 * Why a session was refused what it wanted: its user is no admin, its scopes do not cover it, or its kind may not do it, such
 * as a token for programs that asks for an admin route.
 */
export type ForbiddenReason = 'no_admin' | 'scope' | 'kind';

/** What each event carries. No event carries a token, a key, a digest or a password. */
export interface JwtKnoxEventMap {
  /**
   * `isNewDevice` reads the user's earlier sessions when it is called: whether none of them, alive or not yet purged, has the
   * same user-agent, version numbers aside.
   */
  'session.created': { session: Session; user: unknown; isNewDevice: () => Promise<boolean> };
  /** `decision`: the token was replaced, is still the current one, or was answered once more by its successor. */
  'session.refreshed': {
    session: Session;
    user: unknown;
    rotated: boolean;
    decision: 'rotate' | 'same' | 'successor';
    presenter: Presenter;
  };
  /**
   * A refresh token that was used before was answered by the same successor once more. `presenter` sent it, `rotatedBy`
   * sent the request that was answered first.
   */
  'refresh.retried': { session: Session; why: RetryReason; presenter: Presenter; rotatedBy: Presenter };
  /**
   * Sessions ended: emitted once for each end, after it. `scope` says which: close what you keep open for them, and drop
   * what you keep of them. `sessionId` when one session ended; otherwise `count` of them did. `userId` is null for all
   * users. `actor` is null when nobody asked for it, or nobody said who did. `since` is when that was begun, in epoch
   * milliseconds: sessions that were created after it may live.
   */
  'session.revoked': {
    scope: RevocationScope;
    userId: string | null;
    sessionId: string | null;
    count: number;
    since: number;
    reason: RevocationReason;
    actor: SessionActor | null;
  };
  /**
   * A revocation feed (`leaseCache`) told of sessions that ended or, without `isEnd`, changed in what they may do: in this
   * process or another one, by the library or by SQL. Comes in no order with `session.revoked`, and possibly for sessions
   * that are long gone. It happened between `since` and `until` (epoch milliseconds, by the clock of who did it); where
   * they are missing, now. Sessions that were created after `until` are not meant.
   */
  'session.announced': { scope: RevocationScope; isEnd: boolean; since?: number; until?: number };
  /** Expired sessions were purged. */
  'sessions.purged': { count: number };
  'refresh.reused': { session: Session; presenter: Presenter };
  'login.failed': { username: string | null; presenter: Presenter; reason: LoginFailure };
  /** `clientId` is what was sent, cleaned and cut; null when nothing readable was. */
  'client.rejected': { clientId: string | null; presenter: Presenter; reason: ClientRejection };
  'authentication.rejected': {
    reason: RejectionReason;
    tokenType: 'access' | 'refresh';
    sessionId: string | null;
    userId: string | null;
    presenter: Presenter;
  };
  /**
   * A session was refused what it may not do (403). `method` and `path`, as it was sent and without its query, are null for
   * a message.
   */
  'access.forbidden': {
    userId: string;
    sessionId: string;
    presenter: Presenter;
    /** Who acted as the user; null for the user. */
    actorId: string | null;
    method: string | null;
    path: string | null;
    reason: ForbiddenReason;
  };
  /** A session was bound to a key of its device: when it began, or soon after. `kind` says how. */
  'session.bound': { session: Session; kind: string };
  /**
   * Somebody showed a token of a session, or logged in, without the proof that this needs. `sessionId` and `userId` are null
   * where nobody is known yet. `reason`: which check failed. `isCopy`: as far as one can tell, the token was genuine, and
   * copied from its device.
   */
  'binding.refused': {
    sessionId: string | null;
    userId: string | null;
    presenter: Presenter;
    reason: BindingRefusal;
    isCopy: boolean;
  };
  /**
   * A copy of a token of a bound session was refused (`binding.refused` with `isCopy`), and its row says so since `at`, epoch
   * milliseconds: once a minute for a session, however often it is tried.
   */
  'session.copied': { sessionId: string; userId: string; presenter: Presenter; at: number };
  /** The session may do less than before. */
  'session.narrowed': { session: Session; before: string | null };
  /** The user-agent differs from the login's, under `bindUserAgent: 'warn'`. */
  'user-agent.changed': { session: Session; presenter: Presenter };
}

export type JwtKnoxEventName = keyof JwtKnoxEventMap;
export type JwtKnoxListener<Name extends JwtKnoxEventName> = (event: JwtKnoxEventMap[Name]) => void | Promise<void>;

/**
 * Typed events of the library. A listener that throws or rejects is logged and disturbs nobody.
 * @example
 * constructor(events: JwtKnoxEvents) {
 *   events.on('session.revoked', ({ userId, reason }) => console.log(userId, reason));
 * }
 */
@Injectable()
export class JwtKnoxEvents {
  private readonly logger = new Logger(JwtKnoxEvents.name);
  private readonly listeners = new Map<JwtKnoxEventName, Set<JwtKnoxListener<any>>>();

  /**
   * Listens until the returned function is called.
   * @example
   * const stop = events.on('refresh.reused', ({ session }) => mailer.warn(session.userId));
   */
  on<Name extends JwtKnoxEventName>(name: Name, listener: JwtKnoxListener<Name>): () => void {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(listener));
    return () => void set.delete(listener);
  }

  emit<Name extends JwtKnoxEventName>(name: Name, event: JwtKnoxEventMap[Name]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        Promise.resolve(listener(event)).catch((error: unknown) => this.report(name, error));
      } catch (error) {
        this.report(name, error);
      }
    }
  }

  private report(name: string, error: unknown): void {
    this.logger.error(line('listener-failed', `A listener of "${name}" failed: ${messageOf(error)}`));
  }
}
