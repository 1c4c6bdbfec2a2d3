import { Injectable, Logger } from '@nestjs/common';
import type { RejectionReason } from './errors';
import type { Presenter, Session } from './session';

/** Why sessions ended. */
export type RevocationReason =
  | 'logout'
  | 'logout_other'
  | 'logout_all'
  | 'revoked'
  | 'revoked_before'
  | 'admin'
  | 'evicted'
  | 'user_inactive'
  | 'replayed';

/** Why a login failed. */
export type LoginFailure = 'credentials' | 'inactive' | 'session_limit';

/** What each event carries. No event carries a token, a key, a digest or a password. */
export interface JwtKnoxEventMap {
  'session.created': { session: Session; user: unknown };
  'session.refreshed': { session: Session; user: unknown; rotated: boolean };
  /** `sessionId` when one session ended; otherwise `count` of them did. `userId` is null for all users. */
  'session.revoked': { userId: string | null; sessionId: string | null; count: number; reason: RevocationReason };
  /** Expired sessions were purged. */
  'session.expired': { count: number };
  'refresh.reused': { session: Session; presenter: Presenter };
  'login.failed': { username: string | null; presenter: Presenter; reason: LoginFailure };
  'authentication.rejected': {
    reason: RejectionReason;
    tokenType: 'access' | 'refresh';
    sessionId: string | null;
    userId: string | null;
    presenter: Presenter;
  };
  /** The user-agent differs from the login's, under `bindUserAgent: 'warn'`. */
  'user-agent.changed': { session: Session; presenter: Presenter };
}

export type JwtKnoxEventName = keyof JwtKnoxEventMap;
export type JwtKnoxListener<Name extends JwtKnoxEventName> = (event: JwtKnoxEventMap[Name]) => void | Promise<void>;

/** Typed events of the library. A listener that throws or rejects is logged and disturbs nobody. */
@Injectable()
export class JwtKnoxEvents {
  private readonly logger = new Logger(JwtKnoxEvents.name);
  private readonly listeners = new Map<JwtKnoxEventName, Set<JwtKnoxListener<any>>>();

  /** Listens until the returned function is called. */
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
    this.logger.error(`A listener of "${name}" failed: ${error instanceof Error ? error.message : 'unknown error'}`);
  }
}
