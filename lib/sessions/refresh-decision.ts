import type { RetryReason } from '../contracts/events';
import type { SessionRecord } from '../contracts/session';

/** What is known of a presented refresh token once its row is read. */
export interface PresentedRefresh {
  /** `gen` of the token. */
  generation: number;
  /** Which of the row's refresh keys the token carries. */
  key: 'current' | 'previous' | 'unknown';
  /** Whether the token carries the session key: proof that it belongs to this session, whatever its age. */
  isMember: boolean;
  /** Digest of the request's `Idempotency-Key`; null when it has none. */
  attemptDigest: string | null;
  /** Whether the request has proven that it comes from the device that the session is bound to. */
  isProven?: boolean | undefined;
}

/** Durations in milliseconds. */
export interface RotationPolicy {
  rotate: boolean;
  reuseInterval: number;
  retryWindow: number;
  /** A rotation farther ahead of the clock than this is no recent one: another clock noted it, and one of them is wrong. */
  clockMargin: number;
}

/**
 * What a refresh does:
 * - `rotate`: replace the refresh key by its successor.
 * - `same`: answer with the current key again.
 * - `successor`: the key before the current one is forgiven: answer with the same successor as the first time.
 * - `replay`: end the session (RFC 9700 section 4.14.2).
 * - `invalid`: refuse and change nothing.
 */
export type RefreshDecision =
  | { kind: 'rotate' }
  | { kind: 'same' }
  | { kind: 'successor'; why: RetryReason }
  | { kind: 'replay' }
  | { kind: 'invalid' };

/** What of a session's row decides. */
export type RotationState = Pick<SessionRecord, 'generation' | 'rotatedAt' | 'lastUsedAt' | 'rotationKeyDigest'>;

/** Decides from the row, the presented token and the time, in epoch ms. First match wins. */
export function decideRefresh(
  row: RotationState,
  presented: PresentedRefresh,
  now: number,
  policy: RotationPolicy,
): RefreshDecision {
  if (!presented.isMember) return { kind: 'invalid' };
  const age = ageOf(row, now, policy);
  if (presented.key === 'current' && presented.generation === row.generation)
    return { kind: policy.rotate && age >= policy.reuseInterval ? 'rotate' : 'same' };
  if (presented.key === 'previous' && presented.generation === row.generation - 1) {
    const why = retryReason(row, presented, age, policy);
    if (why) return { kind: 'successor', why };
  }
  return { kind: presented.generation < row.generation ? 'replay' : 'invalid' };
}

/**
 * Time since the rotation. A clock that lags a little reads zero, so that an interval of zero forgives nobody on any
 * server. One that lags far behind reads infinity: how old the rotation is, nobody knows, and neither `reuseInterval`
 * nor `retryWindow` may last until the clocks have caught up.
 */
function ageOf({ rotatedAt }: RotationState, now: number, { clockMargin }: RotationPolicy): number {
  return rotatedAt === null || rotatedAt > now + clockMargin ? Infinity : Math.max(0, now - rotatedAt);
}

/** The strongest reason first: `interval` says that the request does not carry the key of the rotation. */
function retryReason(
  { rotatedAt, lastUsedAt, rotationKeyDigest }: RotationState,
  { attemptDigest, isProven }: PresentedRefresh,
  age: number,
  { reuseInterval, retryWindow }: RotationPolicy,
): RetryReason | null {
  if (rotatedAt === null) return null;
  // Plain equality: whoever gets here has proven the previous key, and a digest cannot be steered byte by byte.
  if (attemptDigest !== null && attemptDigest === rotationKeyDigest) return 'idempotency';
  if (age < reuseInterval) return 'interval';
  // Whoever else made the rotation cannot have made the proof.
  if (isProven) return 'proof';
  // One key missing on either side is no retry: leaving the header out must not gain a thief anything.
  const hasKey = attemptDigest !== null || rotationKeyDigest !== null;
  return !hasKey && lastUsedAt <= rotatedAt && age < retryWindow ? 'window' : null;
}
