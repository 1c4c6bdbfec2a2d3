import type { SessionActor } from '../contracts/events';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import type { Session, TokenSession } from '../contracts/session';
import type { Authentication } from '../sessions/session-checker';
import { deadlineBehind, tokenEndBehind } from '../sessions/access-token.verifier';
import type { RequestDeadline } from '../sessions/request-deadline';

/** What the guard leaves in `request.knox`. */
export class RequestSession {
  readonly session: TokenSession;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly #deadline: RequestDeadline | undefined;
  readonly #tokenEnd: number | undefined;

  constructor(authentication: Authentication<any, TokenSession>) {
    this.session = authentication.session;
    this.claims = authentication.claims;
    this.#deadline = deadlineBehind(authentication);
    this.#tokenEnd = tokenEndBehind(authentication);
  }

  static deadlineOf(value: unknown): RequestDeadline | undefined {
    return value instanceof RequestSession ? value.#deadline : undefined;
  }

  /** When the token of the request expires (epoch ms). */
  static tokenEndOf(value: unknown): number | undefined {
    return value instanceof RequestSession ? value.#tokenEnd : undefined;
  }
}

/** What the guard has left of the request's time: one deadline for the whole request. */
export function deadlineOf(request: unknown): RequestDeadline | undefined {
  return RequestSession.deadlineOf((request as JwtKnoxRequest).knox);
}

/** The session of a request that the guard let in. Not by `@CurrentSession()`, which pipes of the host see too. */
export function currentSessionOf(request: unknown): Session {
  return (request as { knox: { session: Session } }).knox.session;
}

/** For events: who is behind a request, in their session; staff where they act as the user. */
export function actorOf({ userId, id, actorId, actorSessionId }: Session): SessionActor {
  return actorId === null ? { userId, sessionId: id } : { userId: actorId, sessionId: actorSessionId };
}
