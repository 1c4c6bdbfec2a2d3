import type { Presenter } from '../contracts/device';
import type { SessionRecord } from '../contracts/session';
import type { RefreshClaims } from '../tokens/token-claims';
import type { RequestDeadline } from './request-deadline';
import type { ShownToken } from './session-binding';

/** One request to refresh. */
export interface RefreshAttempt {
  claims: RefreshClaims;
  presenter: Presenter;
  /** Whether a presenter was given at all: without one, it is not checked. */
  checksPresenter: boolean;
  /** Digest of the request's `Idempotency-Key`; null when it has none. */
  attemptDigest: string | null;
  /** Whether the refresh key stays: who asks is a navigation, which cannot tell whether its answer arrived. */
  keepsKey?: boolean;
  /** Whether the request has proven that it comes from the device that the session is bound to. */
  isProven?: boolean | undefined;
  /** What the access token is to be for; left out: all that the session is for. */
  resource?: string | readonly string[];
  /** Learns what becomes of it, once that is decided and carried out. */
  note?: { decision?: 'rotate' | 'same' | 'successor' } | undefined;
  /** The arrival, epoch ms. */
  now: number;
  deadline: RequestDeadline;
}

/** A browser's binding counts from its first proof on: it may not have got the answer to its registration. */
export function needsProof({ boundKind, boundProofAt }: SessionRecord): boolean {
  return boundKind !== null && (boundKind !== 'dbsc' || boundProofAt !== null);
}

export function shownBy({ presenter, checksPresenter }: RefreshAttempt): ShownToken {
  return { use: 'refresh', accessToken: null, presenter: checksPresenter ? presenter : undefined };
}

/** Whether the token carries the session key: proof that it belongs to this session, whatever its age. */
export function isMember(row: SessionRecord, claims: RefreshClaims): boolean {
  return claims.sessionKey.accessKey(row).matches(row.accessDigest);
}
